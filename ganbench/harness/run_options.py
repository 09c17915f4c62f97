# SPDX-License-Identifier: MIT
"""How a run is carried out, apart from what it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ganbench import paths
from ganbench.data import Source, open_dataset
from ganbench.harness.run_metrics import Measuring
from ganbench.runtime.execution import USUAL, Execution
from ganbench.training.trainer import Schedule
from ganbench.typed_values import MOST_SAMPLES, MOST_THREADS, check_whole


@dataclass(frozen=True)
class RunOptions:
    """How a run is carried out; only ``threads`` and ``execution`` can change its weights.

    Raises:
        ConfigError: A number is out of its bounds.
    """

    out: Path = field(default_factory=paths.runs)
    """The folder of runs."""
    resume: bool = False
    """Continue an unfinished run of the same identity, or return a finished one."""
    device: str = "auto"
    """``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``."""
    threads: int | None = None
    """The number of CPU threads; None takes what is free and faster than one."""
    keeps_threads: bool = False
    """Whether ``threads`` is for runs that begin: one that has begun keeps the number it has."""
    data_root: Path | None = None
    """The folder that is searched first for downloaded datasets."""
    metrics: tuple[str, ...] | None = None
    """The metrics by name; None selects those that suit the data."""
    samples: int | None = None
    """The number of samples to measure; None means ``default_samples``."""
    real_split: str | None = None
    """The split that metrics compare with; None means the one that is trained on."""
    schedule: Schedule = field(default_factory=Schedule)
    execution: Execution = USUAL
    loggers: tuple[str, ...] = ()
    """The loggers that hear of the run, by name."""
    command: str = ""
    """The command that started the run, for its record."""
    sources: Mapping[str, Source] = field(default_factory=dict)
    """Datasets that were passed as objects, by the name that runs record."""

    def __post_init__(self) -> None:
        check_whole("The number of samples", self.samples, 2, MOST_SAMPLES)
        check_whole("The number of evaluations", self.schedule.evaluations, 0)
        check_whole("The number of threads", self.threads, 1, MOST_THREADS)

    @property
    def measuring(self) -> Measuring:
        """How many samples are measured, and against which real ones."""
        return Measuring(self.samples, self.real_split)

    def open(self, dataset: str) -> Source:
        """Return the dataset that was passed under a name, or the one that the name opens."""
        return self.sources.get(dataset) or open_dataset(dataset, self.data_root)
