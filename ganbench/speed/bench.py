# SPDX-License-Identifier: MIT
"""A GAN in a process of its own, which measures it on request."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from ganbench.config import RunConfig
from ganbench.data import open_dataset
from ganbench.errors import GanbenchError
from ganbench.records.environment import describe_environment
from ganbench.records.speed_record import Roofline, SpeedSetting
from ganbench.records.strip_paths import strip_paths
from ganbench.runtime.child_process import describe_exit, ignoring_interrupts
from ganbench.runtime.device import device_facts
from ganbench.runtime.execution import USUAL, Execution
from ganbench.runtime.memory import PeakMemory
from ganbench.runtime.threads import set_threads
from ganbench.speed.meter import Meter
from ganbench.speed.roofline import measure_roofline

MOST_LETTERS = 300
"""The length to which an error of a model's code is cut."""


@dataclass(frozen=True)
class Workload:
    """A GAN, and how it is computed where.

    Args:
        config: the run.
        tricks: the tricks that were added to the model's own, as they were typed.
        device: such as ``cpu`` or ``cuda:0``.
        threads: CPU threads.
        execution: memory format and compilation.
        data_root: folder with downloaded datasets.
        settings: further settings, as ``key=value``.
    """

    config: RunConfig
    tricks: tuple[str, ...]
    device: str
    threads: int
    execution: Execution = USUAL
    data_root: Path | None = None
    settings: tuple[str, ...] = ()

    @property
    def kind(self) -> tuple[str, str, int]:
        """Device, precision and threads, on which the machine's ceiling depends."""
        return self.device, self.config.precision, self.threads

    def describe(self) -> dict[str, Any]:
        """Return everything that the figures depend on, for the record."""
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


class CaseFailedError(Exception):
    """A workload that could not be measured, and why."""


class BenchProcess:
    """A process that holds a ``Bench`` of one workload."""

    def __init__(self, workload: Workload) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, far_end = context.Pipe()
        self._process = context.Process(target=_serve, args=(workload, far_end, time.time()))
        with ignoring_interrupts():
            self._process.start()
        far_end.close()

    def ask(self, method: str, *arguments: Any) -> Any:
        """Call a method of the ``Bench``, and return its result.

        Raises:
            CaseFailedError: the method raised an error, or the process has ended.
        """
        try:
            self._pipe.send((method, arguments))
            problem, answer = self._pipe.recv()
        except (EOFError, OSError) as error:
            self._process.join()
            raise CaseFailedError(describe_exit(self._process.exitcode)) from error
        if problem:
            raise CaseFailedError(problem)
        return answer

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.kill()
        self._process.join()


def _serve(workload: Workload, pipe: Connection, launched: float) -> None:
    """Answer requests about a workload, until the other end of the pipe is closed."""
    bench = Bench(workload, import_seconds=time.time() - launched)
    with contextlib.suppress(EOFError, OSError):
        while True:
            method, arguments = pipe.recv()
            try:
                reply = ("", getattr(bench, method)(*arguments))
            except GanbenchError as error:
                reply = (error.message, None)
            except Exception as error:  # noqa: BLE001 - whatever a model's code raises
                reply = (_one_line(error), None)
            pipe.send(reply)


def _one_line(error: Exception) -> str:
    """Return the first line of an error: in torch's long errors it says the most."""
    first = next(iter(str(error).strip().splitlines()), "")
    return strip_paths(f"{type(error).__name__}: {first}")[:MOST_LETTERS]


class Bench:
    """The requests that a process answers about its workload."""

    def __init__(self, workload: Workload, import_seconds: float) -> None:
        self.workload = workload
        self._import_seconds = import_seconds

    def start(self) -> dict[str, float]:
        """Load, build and make one iteration; return the seconds since Python was started."""
        begun = time.perf_counter()
        workload = self.workload
        device = torch.device(workload.device)
        set_threads(workload.threads)
        source = open_dataset(workload.config.dataset, workload.data_root)
        dataset = source.load(source.splits[0])
        self._peak = PeakMemory(device)
        self.meter = Meter(workload.config, dataset, device, workload.execution)
        built = time.perf_counter()
        self.meter.iterate()
        iterated = time.perf_counter()
        seconds = {
            "import": self._import_seconds,
            "build": built - begun,
            "first_step": iterated - built,
        }
        seconds["total"] = sum(seconds.values())
        return {part: round(spent, 4) for part, spent in seconds.items()}

    def device_name(self) -> str:
        """Return the name of the processor or GPU."""
        gpu = device_facts(self.meter.device).get("gpu")
        return str(gpu or describe_environment(0, "", {})["processor"] or "")

    def warm_up(self, seconds: float) -> bool:
        """Train in turns of ``seconds`` until the speed is steady; False if it never was."""
        return self.meter.warm_up(seconds)

    def train(self, seconds: float) -> float:
        """Return the images per second of training; the first iteration is not timed."""
        self.meter.iterate()
        return self.meter.train(seconds)

    def sample(self, seconds: float) -> float:
        """Return the samples per second."""
        return self.meter.sample(seconds)

    def latencies(self, count: int) -> list[float]:
        """Return the seconds that each of ``count`` single samples took."""
        return self.meter.latencies(count)

    def split(self, seconds: float) -> dict[str, float]:
        """Return the seconds of an iteration by part, measured for about ``seconds``."""
        begun = time.perf_counter()
        self.meter.iterate()
        iteration = time.perf_counter() - begun
        return self.meter.split(max(1, int(seconds / iteration)))

    def ceiling(self) -> Roofline:
        """Return the best that the device can do in the workload's precision."""
        return measure_roofline(self.meter.device, self.workload.config.precision)

    def profile(self) -> dict[str, float]:
        """Return the share of training time by kind of operation."""
        return self.meter.profile()

    def memory(self) -> dict[str, float | None]:
        """Return the peak of memory in MiB."""
        peak = self._peak.read()
        return {kind: None if mib is None else round(mib, 1) for kind, mib in peak.items()}

    def parameters(self) -> dict[str, int]:
        """Return the number of weights of each player."""
        return self.meter.state.sizes()

    def flops(self) -> dict[str, float]:
        """Return the floating-point operations per image."""
        return self.meter.flops()
