# SPDX-License-Identifier: MIT
"""Whether more than one thread makes a run faster, found by measurement and stored."""

from __future__ import annotations

import statistics

import torch

from ganbench.config import RunConfig
from ganbench.data.dataset import Dataset
from ganbench.runtime.execution import USUAL, Execution
from ganbench.runtime.threads import fixed_threads, set_threads
from ganbench.speed.autotune import speed_key
from ganbench.speed.measured_store import read_measured, write_measured
from ganbench.speed.meter import Meter

WORTH_IT = 1.1
"""More threads are taken where they make training at least this many times as fast."""

SHORT_SECONDS = 10.0
"""A run that one thread finishes within this time takes the free cores, without measuring."""

_ROUNDS, _SECONDS = 3, 0.2


def choose_threads(
    config: RunConfig,
    dataset: Dataset,
    device: torch.device,
    most: int,
    execution: Execution = USUAL,
) -> int:
    """Return ``most`` if a run trains faster with that many threads, as measured here, otherwise 1.

    Small networks gain little from a second thread, and lose much when another process needs its
    core.

    Args:
        config: The run.
        dataset: Its real examples.
        device: The device that computes; other devices than the CPU are not measured.
        most: The largest number of threads that the run may have (``default_threads``).
        execution: The memory format and compilation.
    """
    if most == 1 or device.type != "cpu" or fixed_threads() is not None:
        return most
    key = f"{speed_key(config, device)}/{most}"
    speedups = read_measured("threads")
    if not isinstance(speedups.get(key), int | float):
        measured = _speedup(config, dataset, device, execution, most)
        if measured is None:
            return most
        speedups[key] = round(measured, 3)
        write_measured("threads", speedups)
    return most if float(speedups[key]) >= WORTH_IT else 1


def _speedup(
    config: RunConfig, dataset: Dataset, device: torch.device, execution: Execution, threads: int
) -> float | None:
    """Return how many times as fast as one thread some threads train; None for a short run."""
    before = torch.get_num_threads()
    try:
        set_threads(1)
        meter = Meter(config, dataset, device, execution)
        meter.iterate()
        speed = meter.train(_SECONDS)
        if 1000 * config.recipe.kimg / speed < SHORT_SECONDS:
            return None
        speeds: dict[int, list[float]] = {1: [], threads: []}
        for _ in range(_ROUNDS):
            for count, measured in speeds.items():
                set_threads(count)
                measured.append(meter.train(_SECONDS))
    finally:
        set_threads(before)
    return statistics.median(speeds[threads]) / statistics.median(speeds[1])
