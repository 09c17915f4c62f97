# SPDX-License-Identifier: MIT
"""Checks over seeds that each lesson of the lab shows what its text says.

    python benchmarks/lab_lessons.py --seeds 0-4 > lessons.md

Prints a table in Markdown: each lesson with its claim, in how many seeds the claim held, and the
figures behind it. A lesson is a toy, and all of them take a quarter of an hour of one core.
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from ganbench.lab.hello import make_view
from ganbench.lab.lab_options import LabOptions
from ganbench.lab.lesson_files import Lesson, lessons
from ganbench.lab.segments import Segments
from ganbench.progress import SILENT
from ganbench.runtime.process_group import ALONE
from ganbench.training.signals import signals
from ganbench.training.trainer import Trainer
from ganbench.typed_values import parse_seeds

MOMENTS = 60
"""A run is looked at this many times."""


@dataclass
class Course:
    """What was seen of a run, moment by moment."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def values(self, name: str, start: float = 0.0) -> list[float]:
        """Return a figure from a share of the run on, where there is one."""
        rows = self.rows[round(start * len(self.rows)) :]
        return [row[name] for row in rows if row.get(name) is not None]

    def middle(self, name: str, start: float = 0.5) -> float:
        """Return the median of a figure from a share of the run on."""
        values = self.values(name, start)
        return median(values) if values else math.nan

    def last(self, name: str) -> float:
        """Return a figure at the end."""
        return (self.values(name) or [math.nan])[-1]

    def moves(self, start: float = 0.3) -> int:
        """Return how often the mode nearest to the middle of the fakes changed."""
        nearest = self.values("nearest", start)
        return sum(before != after for before, after in zip(nearest, nearest[1:], strict=False))


class Watcher:
    """Looks at a run before some of its iterations."""

    def __init__(self, moments: int, loss: Any) -> None:
        self.course = Course()
        self._moments = moments
        self._loss = loss
        self._view: Any = None

    def __call__(self, trainer: Trainer) -> None:
        """Note the figures of the moment, if one is due."""
        state = trainer.state
        if self._view is None:
            self._view = make_view(state, trainer.batches.dataset, self._loss)
        if state.images_seen * self._moments // trainer.target >= len(self.course.rows):
            self.look(trainer)

    def look(self, trainer: Trainer) -> None:
        """Note the figures of the moment."""
        state = trainer.state
        header, arrays = self._view.frame()
        row = {**header["numbers"], **signals(state, ALONE)}
        (low, high), _ = self._view.bounds
        fakes = low + (high - low) * arrays["fake"] / 65535
        middle = fakes.mean(axis=0)
        centers = np.array(state.data.mixture.centers)
        row["nearest"] = int(np.square(centers - middle).sum(axis=1).argmin())
        row["spread"] = float(fakes.std(axis=0).mean())
        row["arrow"] = float(np.linalg.norm(arrays["arrows"], axis=1).mean())
        weights = torch.cat(
            [weight.detach().flatten() for weight in state.discriminator.parameters()]
        )
        row["at_bound"] = float((weights.abs() >= 0.99 * weights.abs().max()).float().mean())
        self.course.rows.append(row)


def watched(lesson: Lesson, seed: int) -> Course:
    """Train a lesson with a seed, and return what was seen."""
    with tempfile.TemporaryDirectory() as folder:
        segments = Segments(LabOptions(Path(folder), Path(folder), device="cpu", threads=1))
        segment = segments.begin(replace(lesson.recipe, seed=seed))
        watcher = Watcher(MOMENTS, segment.plan.loss)
        run = segments.run(segment, SILENT, watcher)
        run.execute()
        assert run.trainer is not None
        watcher.look(run.trainer)
        return watcher.course


@dataclass(frozen=True)
class Claim:
    """What a lesson says, as a rule on the course of a run, and the figures to show."""

    words: str
    holds: Callable[[Course], bool]
    figures: tuple[tuple[str, Callable[[Course], float]], ...]


CLAIMS: dict[str, Claim] = {}


def summary(course: Course) -> str:
    names = (
        "modes",
        "high_quality",
        "js",
        "spread",
        "arrow",
        "at_bound",
        "signal/generator",
        "signal/discriminator",
    )
    return (
        ", ".join(f"{name} {course.middle(name):.3g}/{course.last(name):.3g}" for name in names)
        + f", moves {course.moves()}"
    )


if __name__ == "__main__":
    wanted = sys.argv[2:]
    for lesson in lessons():
        if wanted and lesson.name not in wanted:
            continue
        for seed in parse_seeds(sys.argv[1]):
            began = time.process_time()
            course = watched(lesson, seed)
            print(
                lesson.name,
                seed,
                summary(course),
                f"{time.process_time() - began:.1f} s",
                flush=True,
            )
