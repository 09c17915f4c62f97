# SPDX-License-Identifier: MIT
"""Speed, measured: cases in processes of their own that take turns, so that noise is shared.

A machine that slows down for a while slows every case of a round; medians over rounds, and ratios
within them, tell cases apart where one long measurement after the other would not.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganbench.config import RunConfig
from ganbench.data import open_dataset
from ganbench.errors import GanbenchError
from ganbench.progress import SILENT, Progress
from ganbench.records.environment import describe_environment
from ganbench.records.speed_record import CeilingKey, Roofline, SpeedProtocol, SpeedSetting
from ganbench.records.strip_paths import strip_paths
from ganbench.runtime.child_process import deaf, death
from ganbench.runtime.device import device_facts
from ganbench.runtime.execution import USUAL, Execution
from ganbench.runtime.memory import PeakMemory
from ganbench.runtime.threads import set_threads
from ganbench.speed.meter import Meter
from ganbench.speed.roofline import measure_roofline

TOGETHER = 6
"""So many cases take turns: each holds a process with torch in it."""


USUAL_PROTOCOL = SpeedProtocol(rounds=5, seconds=1.0, latencies=100)
"""How a speed is measured unless something else is asked for."""


@dataclass(frozen=True)
class Workload:
    """A GAN, and how it is computed where."""

    config: RunConfig
    tricks: tuple[str, ...]
    device: str
    threads: int
    execution: Execution = USUAL
    data_root: Path | None = None
    settings: tuple[str, ...] = ()

    @property
    def kind(self) -> tuple[str, str, int]:
        """What the ceiling of a case depends on: device, precision, threads."""
        return self.device, self.config.precision, self.threads

    def describe(self) -> dict[str, Any]:
        """Return the setting that a figure of this case never stands without."""
        setting = SpeedSetting(
            model=self.config.model,
            tricks=self.tricks,
            dataset=self.config.dataset,
            batch_size=self.config.recipe.batch_size,
            device=self.device,
            precision=self.config.precision,
            memory_format=self.execution.memory_format,
            compile=self.execution.compile,
            threads=self.threads,
            settings=self.settings,
        )
        return asdict(setting)


@dataclass
class _Measured:
    """What has been found out about a case."""

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


class CaseFailedError(Exception):
    """A case that could not be measured, and why."""


def measure(
    cases: Sequence[Workload],
    protocol: SpeedProtocol = USUAL_PROTOCOL,
    *,
    command: str = "",
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Measure cases; return the document that ``records.speeds`` stores.

    A case that fails is in it with the reason; the others go on.
    """
    found: list[tuple[Workload, _Measured | str]] = []
    ceilings: dict[CeilingKey, Roofline] = {}
    for first in range(0, len(cases), TOGETHER):
        group = cases[first : first + TOGETHER]
        turns = protocol.rounds + 1  # warming up is one
        done, total = first * turns, len(cases) * turns
        found += _measure_group(group, protocol, partial(_count_on, progress, done, total))
    for _, one in found:
        for ceiling in one.ceilings if isinstance(one, _Measured) else []:
            best = ceilings.setdefault(ceiling.ceiling_key, ceiling)
            if (ceiling.gflops or 0.0) > (best.gflops or 0.0):
                ceilings[ceiling.ceiling_key] = ceiling
    devices = sorted({case.device for case in cases})
    return {
        "schema": 1,
        "command": command,
        "environment": describe_environment(
            threads=cases[0].threads,
            device=",".join(devices),
            torch_facts=device_facts(torch.device(devices[-1])),
        ),
        "protocol": asdict(protocol),
        "ceilings": [asdict(one) for one in ceilings.values()],
        "cases": [_entry(case, one, ceilings) for case, one in found],
    }


def _count_on(progress: Progress, before: int, total: int, done: int) -> None:
    """Count the turns of a group after those of the groups before it."""
    progress.advance("turns", before + done, total)


def _measure_group(
    cases: Sequence[Workload], protocol: SpeedProtocol, count: Callable[[int], None]
) -> list[tuple[Workload, _Measured | str]]:
    """Measure cases that take turns, in an order that differs from round to round."""
    found: list[_Measured | str] = [_Measured() for _ in cases]
    processes: list[_Process | None] = [None for _ in cases]

    def tell(index: int, act: Callable[[_Process, _Measured], None]) -> None:
        process, one = processes[index], found[index]
        if process is None or isinstance(one, str):
            return
        try:
            act(process, one)
        except CaseFailedError as error:
            found[index] = str(error)
            process.close()

    try:
        for index, case in enumerate(cases):
            count(index)
            processes[index] = _Process(case)
            tell(index, lambda process, one: _start(process, one, protocol))
        for turn in range(protocol.rounds):
            asked: set[tuple[str, str, int]] = set()  # one case of each kind finds the ceiling
            for place in range(len(cases)):
                index = (place + turn) % len(cases)
                count((turn + 1) * len(cases) + place)
                tell(index, lambda process, one: _turn(process, one, protocol))
                if isinstance(found[index], _Measured) and cases[index].kind not in asked:
                    asked.add(cases[index].kind)
                    tell(index, lambda process, one: one.ceilings.append(process.ask("ceiling")))
        for index in range(len(cases)):
            tell(index, _finish)
    finally:
        for process in processes:
            if process is not None:
                process.close()
    return list(zip(cases, found, strict=True))


def _start(process: _Process, one: _Measured, protocol: SpeedProtocol) -> None:
    one.startup = process.ask("start")
    one.device_name = process.ask("device_name")
    one.steady = process.ask("warm_up", protocol.seconds / 4)


def _turn(process: _Process, one: _Measured, protocol: SpeedProtocol) -> None:
    one.training.append(process.ask("train", protocol.seconds))
    one.sampling.append(process.ask("sample", protocol.seconds / 2))
    one.latencies += process.ask("latencies", max(1, protocol.latencies // protocol.rounds))
    # Read before anything else is computed there, such as the ceiling.
    one.memory = one.memory or process.ask("memory")
    one.splits.append(process.ask("split", protocol.seconds))


def _finish(process: _Process, one: _Measured) -> None:
    one.parameters = process.ask("parameters")
    one.flops = process.ask("flops")
    one.profile = process.ask("profile")


def _entry(
    case: Workload, one: _Measured | str, ceilings: dict[CeilingKey, Roofline]
) -> dict[str, Any]:
    """Return what the document says of a case."""
    described = case.describe()
    if isinstance(one, str):
        return {**described, "status": "failed", "problem": one}
    gflops = one.flops["training"] * statistics.median(one.training) / 1e9
    ceiling = ceilings.get(case.kind)
    return {
        **described,
        "status": "ok",
        "problem": "",
        "device_name": one.device_name,
        "steady": one.steady,
        "training": _speeds(one.training),
        "sampling": _speeds(one.sampling),
        "latency_ms": {
            **{
                f"p{share}": round(1000 * float(np.percentile(one.latencies, share)), 4)
                for share in (50, 90, 99)
            },
            "count": len(one.latencies),
        },
        "split_ms": {
            name: round(1000 * statistics.median(split[name] for split in one.splits), 4)
            for name in one.splits[0]
        },
        "profile": {name: round(share, 4) for name, share in one.profile.items()},
        "parameters": one.parameters,
        "gflop_per_image": {name: value / 1e9 for name, value in one.flops.items()},
        "gflops": round(gflops, 2),
        "share_of_ceiling": (
            round(gflops / ceiling.gflops, 4) if ceiling and ceiling.gflops else None
        ),
        "memory_mib": one.memory,
        "startup_seconds": one.startup,
    }


def _speeds(rounds: list[float]) -> dict[str, Any]:
    return {
        "images_per_second": round(statistics.median(rounds), 3),
        "rounds": [round(one, 3) for one in rounds],
    }


class _Process:
    """A process that holds one case, and does what it is asked to."""

    def __init__(self, case: Workload) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(case, theirs, time.time()))
        with deaf():
            self._process.start()
        theirs.close()

    def ask(self, what: str, *arguments: Any) -> Any:
        """Have something done, and return what came of it.

        Raises:
            CaseFailedError: it could not be done.
        """
        try:
            self._pipe.send((what, arguments))
            problem, answer = self._pipe.recv()
        except (EOFError, OSError) as error:
            self._process.join()
            raise CaseFailedError(death(self._process.exitcode)) from error
        if problem:
            raise CaseFailedError(problem)
        return answer

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.kill()
        self._process.join()


def _serve(case: Workload, pipe: Connection, launched: float) -> None:
    """Do what is asked about a case until nobody asks any more."""
    imported = time.time() - launched
    bench = Bench(case, imported)
    with contextlib.suppress(EOFError, OSError):
        while True:
            what, arguments = pipe.recv()
            try:
                answer = ("", getattr(bench, what)(*arguments))
            except GanbenchError as error:
                answer = (error.message, None)
            except Exception as error:  # noqa: BLE001 - whatever a model's code raises
                answer = (_sentence(error), None)
            pipe.send(answer)


def _sentence(error: Exception) -> str:
    """Return an error in one line; of torch's long ones, the first sentence."""
    first = next(iter(str(error).strip().splitlines()), "")
    return strip_paths(f"{type(error).__name__}: {first}")[:300]


class Bench:
    """What a process can be asked about its case."""

    def __init__(self, case: Workload, imported: float) -> None:
        self.case = case
        self._imported = imported

    def start(self) -> dict[str, float]:
        """Load, build and make one iteration; return the seconds from the start of Python."""
        begun = time.perf_counter()
        device = torch.device(self.case.device)
        set_threads(self.case.threads)
        source = open_dataset(self.case.config.dataset, self.case.data_root)
        dataset = source.load(source.splits[0])
        self._peak = PeakMemory(device)
        self.meter = Meter(self.case.config, dataset, device, self.case.execution)
        built = time.perf_counter()
        self.meter.iterate()
        first = time.perf_counter()
        spent = {"import": self._imported, "build": built - begun, "first_step": first - built}
        spent["total"] = sum(spent.values())
        return {name: round(one, 4) for name, one in spent.items()}

    def device_name(self) -> str:
        """Return the name of the processor or GPU."""
        known = device_facts(self.meter.device)
        return str(known.get("gpu") or describe_environment(0, "", {})["processor"] or "")

    def warm_up(self, seconds: float) -> bool:
        """Train in turns of so many seconds until the speed is steady; False if it never was."""
        return self.meter.warm_up(seconds)

    def train(self, seconds: float) -> float:
        """Return the images per second of training; the first iteration after a pause is free."""
        self.meter.iterate()
        return self.meter.train(seconds)

    def sample(self, seconds: float) -> float:
        """Return the samples per second."""
        return self.meter.sample(seconds)

    def latencies(self, count: int) -> list[float]:
        """Return the seconds of single samples."""
        return self.meter.latencies(count)

    def split(self, seconds: float) -> dict[str, float]:
        """Return the seconds of an iteration by part, from about so many seconds of them."""
        begun = time.perf_counter()
        self.meter.iterate()
        each = time.perf_counter() - begun
        return self.meter.split(max(1, int(seconds / each)))

    def ceiling(self) -> Roofline:
        """Return what the device can do at best in the precision of the case."""
        return measure_roofline(self.meter.device, self.case.config.precision)

    def profile(self) -> dict[str, float]:
        """Return the share of the time of training by kind of operation."""
        return self.meter.profile()

    def memory(self) -> dict[str, float | None]:
        """Return the peak of memory in MiB."""
        peak = self._peak.read()
        return {name: None if one is None else round(one, 1) for name, one in peak.items()}

    def parameters(self) -> dict[str, int]:
        """Return how many weights each player has."""
        return self.meter.state.sizes()

    def flops(self) -> dict[str, float]:
        """Return the floating-point operations per image."""
        return self.meter.flops()
