# SPDX-License-Identifier: MIT
"""The fastest way to compute a step on this machine, found by measurement and kept.

The algorithm stays as it is: what is chosen is the precision of passes, the memory format of
convolutions, the number of threads, and whether torch compiles the networks. One is varied after
the other, and a change is kept only where it is clearly faster.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from ganbench import paths
from ganbench.config import Precision, RunConfig, digest
from ganbench.data.dataset import Dataset
from ganbench.errors import DamagedRunError
from ganbench.progress import SILENT, Progress
from ganbench.records.atomic_files import read_json, write_json
from ganbench.records.environment import describe_environment, environment_id
from ganbench.runtime.device import device_facts
from ganbench.runtime.execution import USUAL, Execution, has_convolutions
from ganbench.runtime.threads import set_threads, usable_cores
from ganbench.speed.meter import Meter

GAIN = 0.03
"""A change is kept where it is faster by more than this share."""
ROUNDS, SECONDS = 3, 0.4
SCHEMA = 1


@dataclass(frozen=True)
class ComputeChoice:
    """One way to compute the step."""

    precision: Precision = "fp32"
    execution: Execution = USUAL
    threads: int = 1

    @property
    def label(self) -> str:
        """The way in words, what is usual left out."""
        words = [self.precision, f"{self.threads} thread{'s' if self.threads > 1 else ''}"]
        if self.execution.memory_format == "contiguous":
            words.append("contiguous")
        if self.execution.compile:
            words.append("compiled")
        return ", ".join(words)


@dataclass(frozen=True)
class Choice:
    """The fastest way found, and how many times as fast as the usual one each way was."""

    way: ComputeChoice
    images_per_second: float
    speedups: dict[str, float]

    @property
    def speedup(self) -> float:
        """How many times as fast as the usual way the chosen one is."""
        return self.speedups[self.way.label]


def tuned(config: RunConfig, dataset: Dataset, device: torch.device, progress: Progress) -> Choice:
    """Return the choice that is kept for such a run on this machine, or measure it and keep it."""
    kept = _kept()
    key = _key(config, device)
    if key in kept:
        return _choice(kept[key])
    choice = tune(config, dataset, device, compiling=False, progress=progress)
    keep(config, device, choice)
    return choice


def tune(
    config: RunConfig,
    dataset: Dataset,
    device: torch.device,
    *,
    compiling: bool,
    progress: Progress = SILENT,
) -> Choice:
    """Measure ways to compute a run's step; ``compiling`` tries torch.compile, which takes long.

    A way that fails is none, such as compiled networks under a gradient penalty.
    """
    best = usual = ComputeChoice(threads=torch.get_num_threads())
    speedups = {usual.label: 1.0}
    fastest = 0.0
    stages = list(_stages(config, dataset, device, compiling))
    try:
        for done, vary in enumerate(stages):
            progress.advance("ways", done, len(stages))
            ways = [best, *(way for way in vary(best) if way != best)]
            speeds = _speeds(ways, config, dataset, device)
            ratio = speedups[best.label]
            for way, speed in speeds.items():
                speedups[way.label] = round(ratio * speed / speeds[best], 3)
            fastest = speeds[best]
            winner = max(speeds, key=lambda way: speeds[way])
            if speeds[winner] > (1 + GAIN) * speeds[best]:
                best, fastest = winner, speeds[winner]
        progress.advance("ways", len(stages), len(stages))
    finally:
        set_threads(usual.threads)
    return Choice(best, round(fastest, 1), speedups)


Vary = Callable[[ComputeChoice], Sequence[ComputeChoice]]


def _stages(
    config: RunConfig, dataset: Dataset, device: torch.device, compiling: bool
) -> Iterator[Vary]:
    """Yield what is varied, one after the other."""
    precisions: tuple[Precision, ...] = ("fp32", "medium", "bf16")
    yield lambda way: [replace(way, precision=one) for one in precisions]
    state = Meter(config, dataset, device).state
    if has_convolutions(state.generator) or has_convolutions(state.discriminator):
        contiguous = replace(USUAL, memory_format="contiguous")
        yield lambda way: [replace(way, execution=contiguous)]
    counts = sorted({1, max(1, usable_cores() // 2), usable_cores()})
    if device.type == "cpu" and len(counts) > 1:
        yield lambda way: [replace(way, threads=count) for count in counts]
    if compiling:
        yield lambda way: [replace(way, execution=replace(way.execution, compile=True))]


def _speeds(
    ways: Sequence[ComputeChoice], config: RunConfig, dataset: Dataset, device: torch.device
) -> dict[ComputeChoice, float]:
    """Return the images per second of ways that take turns; those that fail are left out."""
    meters: dict[ComputeChoice, Meter] = {}
    for way in ways:
        set_threads(way.threads)
        changed = config.model_copy(update={"precision": way.precision})
        try:
            meters[way] = Meter(changed, dataset, device, way.execution)
            meters[way].warm_up(SECONDS / 2)
        except (RuntimeError, ValueError):  # whatever torch cannot do, it says by one of these
            meters.pop(way, None)
    found: dict[ComputeChoice, list[float]] = {way: [] for way in meters}
    for _ in range(ROUNDS):
        for way, meter in meters.items():
            set_threads(way.threads)
            meter.iterate()
            found[way].append(meter.train(SECONDS))
    return {way: statistics.median(speeds) for way, speeds in found.items()}


def keep(config: RunConfig, device: torch.device, choice: Choice) -> None:
    """Store a choice for runs of the same networks, data and batch on this machine."""
    kept = _kept()
    kept[_key(config, device)] = {
        "model": config.model,
        "dataset": config.dataset,
        "batch_size": config.recipe.batch_size,
        **asdict(choice),
    }
    write_json(paths.cache() / "tuning.json", {"schema": SCHEMA, "choices": kept})


def _kept() -> dict[str, Any]:
    """Return what is stored; nothing if there is no such file, or none that can be read."""
    try:
        found = read_json(paths.cache() / "tuning.json")
    except DamagedRunError:
        return {}
    choices = found.get("choices") if found.get("schema") == SCHEMA else None
    return choices if isinstance(choices, dict) else {}


def _choice(kept: dict[str, Any]) -> Choice:
    way = kept["way"]
    return Choice(
        ComputeChoice(way["precision"], Execution(**way["execution"]), way["threads"]),
        kept["images_per_second"],
        kept["speedups"],
    )


def _key(config: RunConfig, device: torch.device) -> str:
    """Return what runs share that are equally fast: all but seed, length and precision."""
    recipe = config.recipe.model_copy(update={"kimg": 1.0})
    alike = config.model_copy(update={"seed": 0, "precision": "fp32", "recipe": recipe})
    known = {name: one for name, one in device_facts(device).items() if name in {"gpu", "cuda"}}
    machine = environment_id(describe_environment(threads=0, device=str(device), torch_facts=known))
    return digest({"run": alike.identity, "machine": machine})
