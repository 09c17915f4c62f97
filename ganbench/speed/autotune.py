# SPDX-License-Identifier: MIT
"""The fastest way to compute a step on this machine, found by measurement and stored.

The algorithm stays as it is. The choices are the precision of passes, the memory format of
convolutions, the number of threads, and whether torch compiles the networks. They are varied one
after the other, and a change is kept only where it is clearly faster.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from ganbench.config import Precision, RunConfig, digest
from ganbench.data.dataset import Dataset
from ganbench.progress import SILENT, Progress
from ganbench.records.environment import describe_environment, environment_id
from ganbench.runtime.cores import usable_cores
from ganbench.runtime.device import device_facts
from ganbench.runtime.execution import USUAL, Execution, has_convolutions
from ganbench.runtime.threads import set_threads
from ganbench.speed.measured_store import read_measured, write_measured
from ganbench.speed.meter import Meter
from ganbench.training.breach import one_sentence

GAIN = 0.03
"""A change is kept where it is faster by more than this share."""
ROUNDS, SECONDS = 3, 0.4
MOST_WARM_UP = 10
"""A busy machine is never steady; choices take turns, so that it is busy for all of them."""


@dataclass(frozen=True)
class ComputeChoice:
    """One way to compute the step."""

    precision: Precision = "fp32"
    execution: Execution = USUAL
    threads: int = 1

    @property
    def label(self) -> str:
        """The choice in words, without the usual ones."""
        words = [self.precision, f"{self.threads} thread{'s' if self.threads > 1 else ''}"]
        if self.execution.memory_format == "contiguous":
            words.append("contiguous")
        if self.execution.compile:
            words.append("compiled")
        return ", ".join(words)


@dataclass(frozen=True)
class TuningResult:
    """The fastest choice, and how many times as fast as the usual one each choice was, by label."""

    way: ComputeChoice
    images_per_second: float
    speedups: dict[str, float]

    @property
    def speedup(self) -> float:
        """How many times as fast as usual the fastest choice is."""
        return self.speedups[self.way.label]


def tuned(
    config: RunConfig, dataset: Dataset, device: torch.device, progress: Progress
) -> TuningResult:
    """Return the stored result for such a run on this machine, or measure and store it.

    Args:
        config: the run; its seed, length and precision do not matter.
        dataset: its real examples.
        device: that computes.
        progress: hears how many stages are measured.
    """
    results = read_measured("tuning")
    key = speed_key(config, device)
    if key in results:
        return _result(results[key])
    result = tune(config, dataset, device, compiling=False, progress=progress)
    keep(config, device, result)
    return result


def tune(
    config: RunConfig,
    dataset: Dataset,
    device: torch.device,
    *,
    compiling: bool,
    progress: Progress = SILENT,
) -> TuningResult:
    """Measure which way to compute a run's step is the fastest.

    A choice that fails is left out, such as compiled networks under a gradient penalty; so the
    usual one must work.

    Args:
        config: the run.
        dataset: its real examples.
        device: that computes.
        compiling: whether torch.compile is tried, which takes long.
        progress: hears how many stages are measured.

    Raises:
        ContractError: The run cannot be computed in the usual way.
        MemoryShortageError: There is too little memory for it.
    """
    fastest = usual = ComputeChoice(threads=torch.get_num_threads())
    speedups = {usual.label: 1.0}
    images_per_second = 0.0
    stages = list(_stages(config, dataset, device, compiling))
    try:
        for done, vary in enumerate(stages):
            progress.advance("tuning", done, len(stages))
            others = [choice for choice in vary(fastest) if choice != fastest]
            with one_sentence("while its speed was measured"):
                speeds = _speeds([fastest, *others], config, dataset, device)
            speedup = speedups[fastest.label]
            for choice, speed in speeds.items():
                speedups[choice.label] = round(speedup * speed / speeds[fastest], 3)
            images_per_second = speeds[fastest]
            winner = max(speeds, key=lambda choice: speeds[choice])
            if speeds[winner] > (1 + GAIN) * speeds[fastest]:
                fastest, images_per_second = winner, speeds[winner]
        progress.advance("tuning", len(stages), len(stages))
    finally:
        set_threads(usual.threads)
    return TuningResult(fastest, round(images_per_second, 1), speedups)


Vary = Callable[[ComputeChoice], Sequence[ComputeChoice]]
"""Returns the choices that differ from the fastest so far in one thing."""


def _stages(
    config: RunConfig, dataset: Dataset, device: torch.device, compiling: bool
) -> Iterator[Vary]:
    """Yield the changes to try, one kind after the other."""
    precisions: tuple[Precision, ...] = ("fp32", "medium", "bf16")
    yield lambda choice: [replace(choice, precision=precision) for precision in precisions]
    state = Meter(config, dataset, device).state
    if has_convolutions(state.generator) or has_convolutions(state.discriminator):
        contiguous = replace(USUAL, memory_format="contiguous")
        yield lambda choice: [replace(choice, execution=contiguous)]
    counts = sorted({1, max(1, usable_cores() // 2), usable_cores()})
    if device.type == "cpu" and len(counts) > 1:
        yield lambda choice: [replace(choice, threads=count) for count in counts]
    if compiling:
        yield lambda choice: [replace(choice, execution=replace(choice.execution, compile=True))]


def _speeds(
    choices: Sequence[ComputeChoice], config: RunConfig, dataset: Dataset, device: torch.device
) -> dict[ComputeChoice, float]:
    """Return the images per second of choices that take turns; those that fail are left out.

    The first, which the others are compared with, must not fail.
    """
    meters: dict[ComputeChoice, Meter] = {}
    for choice in choices:
        set_threads(choice.threads)
        changed = config.model_copy(update={"precision": choice.precision})
        try:
            meters[choice] = Meter(changed, dataset, device, choice.execution)
            meters[choice].warm_up(SECONDS / 2, MOST_WARM_UP)
        except (RuntimeError, ValueError):  # torch raises one of these if it cannot do something
            if choice == choices[0]:
                raise
            meters.pop(choice, None)
    rounds: dict[ComputeChoice, list[float]] = {choice: [] for choice in meters}
    for _ in range(ROUNDS):
        for choice, meter in meters.items():
            set_threads(choice.threads)
            meter.iterate()
            rounds[choice].append(meter.train(SECONDS))
    return {choice: statistics.median(speeds) for choice, speeds in rounds.items()}


def keep(config: RunConfig, device: torch.device, result: TuningResult) -> None:
    """Store a result for runs of the same networks, data and batch on this machine."""
    results = read_measured("tuning")
    results[speed_key(config, device)] = {
        "model": config.model,
        "dataset": config.dataset,
        "batch_size": config.recipe.batch_size,
        **asdict(result),
    }
    write_measured("tuning", results)


def _result(stored: Mapping[str, Any]) -> TuningResult:
    """Return a result as it was before it was stored."""
    way = stored["way"]
    return TuningResult(
        ComputeChoice(way["precision"], Execution(**way["execution"]), way["threads"]),
        stored["images_per_second"],
        stored["speedups"],
    )


def speed_key(config: RunConfig, device: torch.device) -> str:
    """Return a key that equally fast runs share: it leaves out seed, length and precision."""
    recipe = config.recipe.model_copy(update={"kimg": 1.0})
    alike = config.model_copy(update={"seed": 0, "precision": "fp32", "recipe": recipe})
    facts = device_facts(device)
    gpu = {name: facts[name] for name in facts if name in {"gpu", "cuda"}}
    machine = environment_id(describe_environment(threads=0, device=str(device), torch_facts=gpu))
    return digest({"run": alike.identity, "machine": machine})
