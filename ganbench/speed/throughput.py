# SPDX-License-Identifier: MIT
"""Speed, measured: cases in processes of their own that take turns, so that noise is shared.

A machine that slows down for a while slows every case of a round. Medians over rounds, and ratios
within rounds, tell cases apart where one long measurement after the other would not.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch

from ganbench.errors import ConfigError
from ganbench.progress import SILENT, Progress
from ganbench.records.environment import describe_environment
from ganbench.records.speed_record import CeilingKey, Roofline, SpeedProtocol
from ganbench.runtime.device import device_facts
from ganbench.speed.bench import BenchProcess, CaseFailedError, Workload

TOGETHER = 6
"""How many cases take turns: each holds a process with torch in it."""

USUAL_PROTOCOL = SpeedProtocol(rounds=5, seconds=1.0, latencies=100)
"""How a speed is measured unless something else is asked for."""


def measure(
    workloads: Sequence[Workload],
    protocol: SpeedProtocol = USUAL_PROTOCOL,
    *,
    command: str = "",
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Measure workloads; return the document that ``ganbench.records.speed_record`` stores.

    A case that fails is in the document with the reason; the others go on.

    Args:
        workloads: the document has a case for each, in their order.
        protocol: how long each is measured.
        command: the command line that asked for it, for the record.
        progress: hears how many turns are done.

    Raises:
        ConfigError: there is nothing to measure.
    """
    if not workloads:
        raise ConfigError("There is nothing to measure.", "Name a model, a device and a precision.")
    cases: list[_Case] = []
    for first in range(0, len(workloads), TOGETHER):
        group = [_Case(workload) for workload in workloads[first : first + TOGETHER]]
        turns = protocol.rounds + 1  # warming up is one
        done, total = first * turns, len(workloads) * turns
        _measure_group(group, protocol, partial(_count_on, progress, done, total))
        cases += group
    ceilings = _highest_ceilings(cases)
    devices = sorted({workload.device for workload in workloads})
    return {
        "schema": 1,
        "command": command,
        "environment": describe_environment(
            threads=workloads[0].threads,
            device=",".join(devices),
            torch_facts=device_facts(torch.device(devices[-1])),
        ),
        "protocol": asdict(protocol),
        "ceilings": [asdict(ceiling) for ceiling in ceilings.values()],
        "cases": [_case_record(case, ceilings.get(case.workload.kind)) for case in cases],
    }


def _count_on(progress: Progress, before: int, total: int, done: int) -> None:
    """Count the turns of a group after those of the groups before it."""
    progress.advance("turns", before + done, total)


# -- cases that take turns -------------------------------------------------------------------


@dataclass
class _Figures:
    """The figures of a case; lists have a value for each round or sample."""

    startup: dict[str, float] = field(default_factory=dict)
    device_name: str = ""
    steady: bool = True
    training: list[float] = field(default_factory=list)
    sampling: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    profile: dict[str, float] = field(default_factory=dict)
    splits: list[dict[str, float]] = field(default_factory=list)
    ceilings: list[Roofline] = field(default_factory=list)
    memory: dict[str, float | None] = field(default_factory=dict)
    parameters: dict[str, int] = field(default_factory=dict)
    flops: dict[str, float] = field(default_factory=dict)


class _Case:
    """A workload that is measured step by step, until it is done or has failed."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.figures = _Figures()
        self.problem: str | None = None
        self._process: BenchProcess | None = None

    def start(self, protocol: SpeedProtocol) -> None:
        """Start the process, and warm up."""
        self._process = BenchProcess(self.workload)
        self._step(partial(_warm_up, protocol))

    def take_turn(self, protocol: SpeedProtocol) -> None:
        """Measure for a round."""
        self._step(partial(_take_turn, protocol))

    def find_ceiling(self) -> None:
        """Measure the machine's ceiling, right after a turn."""
        self._step(_find_ceiling)

    def finish(self) -> None:
        """Count weights and operations, and take the profile, which slows everything."""
        self._step(_finish)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.close()

    def _step(self, act: Callable[[BenchProcess, _Figures], None]) -> None:
        """Do something in the process; note why if it fails, and leave out all further steps."""
        if self.problem is not None or self._process is None:
            return
        try:
            act(self._process, self.figures)
        except CaseFailedError as error:
            self.problem = str(error)
            self._process.close()


def _measure_group(
    cases: Sequence[_Case], protocol: SpeedProtocol, count: Callable[[int], None]
) -> None:
    """Measure cases that take turns, in an order that rotates from round to round."""
    try:
        for index, case in enumerate(cases):
            count(index)
            case.start(protocol)
        for turn in range(protocol.rounds):
            kinds: set[tuple[str, str, int]] = set()  # one case of each kind finds the ceiling
            for place in range(len(cases)):
                case = cases[(place + turn) % len(cases)]
                count((turn + 1) * len(cases) + place)
                case.take_turn(protocol)
                if case.problem is None and case.workload.kind not in kinds:
                    kinds.add(case.workload.kind)
                    case.find_ceiling()
        for case in cases:
            case.finish()
    finally:
        for case in cases:
            case.close()


def _warm_up(protocol: SpeedProtocol, process: BenchProcess, figures: _Figures) -> None:
    figures.startup = process.ask("start")
    figures.device_name = process.ask("device_name")
    figures.steady = process.ask("warm_up", protocol.seconds / 4)


def _take_turn(protocol: SpeedProtocol, process: BenchProcess, figures: _Figures) -> None:
    figures.training.append(process.ask("train", protocol.seconds))
    figures.sampling.append(process.ask("sample", protocol.seconds / 2))
    samples = max(1, protocol.latencies // protocol.rounds)
    figures.latencies += process.ask("latencies", samples)
    # Read before anything else is computed there, such as the ceiling.
    figures.memory = figures.memory or process.ask("memory")
    figures.splits.append(process.ask("split", protocol.seconds))


def _find_ceiling(process: BenchProcess, figures: _Figures) -> None:
    figures.ceilings.append(process.ask("ceiling"))


def _finish(process: BenchProcess, figures: _Figures) -> None:
    figures.parameters = process.ask("parameters")
    figures.flops = process.ask("flops")
    figures.profile = process.ask("profile")


# -- the document ----------------------------------------------------------------------------


def _highest_ceilings(cases: Sequence[_Case]) -> dict[CeilingKey, Roofline]:
    """Return the highest ceiling that any round reached, for each device, precision and threads."""
    highest: dict[CeilingKey, Roofline] = {}
    for case in cases:
        for ceiling in case.figures.ceilings if case.problem is None else []:
            best = highest.setdefault(ceiling.ceiling_key, ceiling)
            if (ceiling.gflops or 0.0) > (best.gflops or 0.0):
                highest[ceiling.ceiling_key] = ceiling
    return highest


def _case_record(case: _Case, ceiling: Roofline | None) -> dict[str, Any]:
    """Return a case as it stands in the document."""
    described = case.workload.describe()
    if case.problem is not None:
        return {**described, "status": "failed", "problem": case.problem}
    figures = case.figures
    gflops = figures.flops["training"] * statistics.median(figures.training) / 1e9
    return {
        **described,
        "status": "ok",
        "problem": "",
        "device_name": figures.device_name,
        "steady": figures.steady,
        "training": _rate(figures.training),
        "sampling": _rate(figures.sampling),
        "latency_ms": _latency(figures.latencies),
        "split_ms": {
            part: round(1000 * statistics.median(split[part] for split in figures.splits), 4)
            for part in figures.splits[0]
        },
        "profile": {kind: round(share, 4) for kind, share in figures.profile.items()},
        "parameters": figures.parameters,
        "gflop_per_image": {work: flops / 1e9 for work, flops in figures.flops.items()},
        "gflops": round(gflops, 2),
        "share_of_ceiling": _share_of_ceiling(gflops, ceiling),
        "memory_mib": figures.memory,
        "startup_seconds": figures.startup,
    }


def _share_of_ceiling(gflops: float, ceiling: Roofline | None) -> float | None:
    """Return the part of what the machine reaches at best, if that was measured."""
    return round(gflops / ceiling.gflops, 4) if ceiling and ceiling.gflops else None


def _rate(rounds: Sequence[float]) -> dict[str, Any]:
    """Return images per second: the median over rounds, and each round."""
    return {
        "images_per_second": round(statistics.median(rounds), 3),
        "rounds": [round(speed, 3) for speed in rounds],
    }


def _latency(seconds: Sequence[float]) -> dict[str, float | int]:
    """Return percentiles of the time of a single sample, in milliseconds."""
    percentiles = {
        f"p{share}": round(1000 * float(np.percentile(seconds, share)), 4) for share in (50, 90, 99)
    }
    return {**percentiles, "count": len(seconds)}
