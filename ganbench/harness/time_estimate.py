# SPDX-License-Identifier: MIT
"""How long a matrix will take: from stored speeds, and from short trials where there are none."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from ganbench.data import open_dataset
from ganbench.data.dataset import Dataset
from ganbench.errors import GanbenchError
from ganbench.harness.matrix import Arm
from ganbench.harness.run import RunOptions
from ganbench.harness.scheduler import CellState
from ganbench.progress import SILENT, Progress
from ganbench.runtime.device import choose_device
from ganbench.runtime.threads import set_threads
from ganbench.speed.meter import Meter

TRIAL = 0.6
"""Seconds for which an arm is trained to see how fast it is."""
WARM_UP = 3


def stored_speeds(states: Sequence[CellState]) -> dict[Arm, float]:
    """Return the seconds of training per kimg of each arm of which a result is stored."""
    found: dict[Arm, list[float]] = {}
    for state in states:
        kimg, seconds = state.record.get("kimg"), state.record.get("seconds")
        if kimg and seconds:
            found.setdefault(state.cell.arm, []).append(seconds / kimg)
    return {arm: statistics.median(values) for arm, values in found.items()}


def measured_speeds(
    states: Sequence[CellState], options: RunOptions, progress: Progress = SILENT
) -> dict[Arm, float]:
    """Return the seconds per kimg of each arm that has cells to train; those unknown are tried.

    An arm that cannot be tried is left out: why it cannot will be said when it is trained.
    """
    known = stored_speeds(states)
    needed = {state.cell.arm: None for state in states if _to_train(state)}
    unknown = [arm for arm in needed if arm not in known]
    datasets: dict[str, Dataset] = {}
    for index, arm in enumerate(unknown):
        progress.advance(arm.label, index, len(unknown))
        try:
            if arm.dataset not in datasets:
                source = open_dataset(arm.dataset, options.data_root)
                datasets[arm.dataset] = source.load(source.splits[0])
            known[arm] = _trial(arm, datasets[arm.dataset], options)
        except GanbenchError:
            continue
    progress.advance("", len(unknown), len(unknown))
    return {arm: known[arm] for arm in needed if arm in known}


def seconds_left(
    states: Sequence[CellState], speeds: Mapping[Arm, float], slots: int
) -> float | None:
    """Return the seconds of training that are left; None if nothing is known of any speed."""
    usual = statistics.mean(speeds.values()) if speeds else None
    left = 0.0
    for state in states:
        if not _to_train(state):
            continue
        speed = speeds.get(state.cell.arm, usual)
        if speed is None:
            return None
        left += speed * state.cell.arm.config.recipe.kimg * (1.0 - state.share)
    return left / slots


def _to_train(state: CellState) -> bool:
    return state.status in {"waiting", "running", "elsewhere"} and state.share < 1.0


def _trial(arm: Arm, dataset: Dataset, options: RunOptions) -> float:
    """Train an arm for a moment; return its seconds per kimg."""
    device = choose_device(options.device)
    set_threads(options.threads)
    meter = Meter(arm.config, dataset, device, options.execution)
    meter.iterate(WARM_UP)
    return 1000 / meter.train(TRIAL)
