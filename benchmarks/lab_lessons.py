# SPDX-License-Identifier: MIT
"""Checks over seeds that each lesson of the lab shows what its text says.

    python benchmarks/lab_lessons.py --seeds 0-4 > lessons.md

Prints a table in Markdown: each lesson with its claim, in how many seeds the claim held, and the
figures behind it. A lesson is a toy: those on pairs take a minute of one core for each seed,
the others seconds.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganbench.lab.lab_options import LabOptions
from ganbench.lab.lesson_files import Lesson, lessons
from ganbench.lab.segments import Segments
from ganbench.lab.views import make_view
from ganbench.progress import SILENT
from ganbench.runtime.process_group import ALONE
from ganbench.training.signals import signals
from ganbench.training.trainer import Trainer
from ganbench.typed_values import parse_seeds

MOMENTS = 40
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
        return sum(before != after for before, after in pairwise(nearest))

    def places(self, start: float = 0.0) -> NDArray[np.float64]:
        """Return the middles of the fakes, (n, 2), relative to that of the data."""
        return np.column_stack([self.values(name, start) for name in ("x", "y")])

    def swings(self) -> int:
        """Return how often the middle of the fakes came past the middle of the data."""
        places = self.places()
        along = places @ np.linalg.svd(places, full_matrices=False)[2][0]  # where it moves most
        return sum(before * after < 0 for before, after in pairwise(along))

    def reach(self, start: float, end: float) -> float:
        """Return how far the fakes' middle got from the data's in a part of the run."""
        distances = np.linalg.norm(self.places(), axis=1)
        count = len(distances)
        return float(distances[round(start * count) : round(end * count)].max())

    def jump(self) -> float:
        """Return the median way of the middle of the fakes between looks in the second half."""
        return float(np.median(np.linalg.norm(np.diff(self.places(0.5), axis=0), axis=1)))


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
        low, high = np.array(self._view.bounds).T
        fakes = low + (high - low) * arrays["fake"] / 65535
        middle = fakes.mean(axis=0)
        centers = np.array(state.data.mixture.centers)
        row["nearest"] = int(np.square(centers - middle).sum(axis=1).argmin())
        row["x"], row["y"] = (middle - centers.mean(axis=0)).tolist()
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


def _figure(name: str) -> tuple[str, Callable[[Course], float]]:
    """Return the median of a figure over the second half, to show."""
    return name, lambda course: course.middle(name)


_ALL_MODES = ("modes at the end", lambda course: course.last("modes"))
_SWINGS = (
    ("swings", lambda course: float(course.swings())),
    ("reach, first quarter", lambda course: course.reach(0, 0.25)),
    ("reach, last quarter", lambda course: course.reach(0.75, 1)),
)
_JUMPS = (("jump", lambda course: course.jump()), _figure("js"), _figure("spread"))
_MOVES = ("moves", lambda course: float(course.moves()))

CLAIMS: dict[str, Claim] = {
    "learns": Claim(
        "at the end, samples cover at least 7 of 8 modes, and JS is below 0.4 nats",
        lambda course: course.last("modes") >= 7 and course.last("js") < 0.4,
        (("modes at the end", lambda course: course.last("modes")), _figure("js")),
    ),
    "collapse": Claim(
        "over the second half, at most 2 modes are covered, and the spread is below 0.15",
        lambda course: course.middle("modes") <= 2 and course.middle("spread") < 0.15,
        (_figure("modes"), _figure("spread")),
    ),
    "collapse_cured": Claim(
        "over the second half, the spread is above 0.5 (the ring's is 0.71)",
        lambda course: course.middle("spread") > 0.5,
        (_figure("modes"), _figure("spread")),
    ),
    "cycling": Claim(
        "the middle of the fakes changes its nearest mode at least 8 times, and the spread stays "
        "below 0.3",
        lambda course: course.moves() >= 8 and course.middle("spread") < 0.3,
        (_MOVES, _figure("spread")),
    ),
    "vanishing": Claim(
        "over the second half, the generator's loss has less than a quarter of its slope at zero",
        lambda course: course.middle("signal/generator") < 0.25,
        (_figure("signal/generator"), _figure("arrow")),
    ),
    "not_vanishing": Claim(
        "over the second half, the generator's loss has more than its slope at zero",
        lambda course: course.middle("signal/generator") > 1.0,
        (_figure("signal/generator"), _figure("arrow")),
    ),
    "clipping": Claim(
        "at the end, more than 40 % of the critic's weights are at the bound",
        lambda course: course.last("at_bound") > 0.4,
        (("at the bound at the end", lambda course: course.last("at_bound")), _figure("js")),
    ),
    "gradient_penalty": Claim(
        "at the end, samples cover at least 7 modes, and under 1 % of the weights are extreme",
        lambda course: course.last("modes") >= 7 and course.last("at_bound") < 0.01,
        (("modes at the end", lambda course: course.last("modes")), _figure("js")),
    ),
    "dirac": Claim(
        "the middle of the fakes swings past that of the data at least 8 times, and at the end "
        "as far as 90 % of its reach at the start",
        lambda course: course.swings() >= 8 and course.reach(0.75, 1) > 0.9 * course.reach(0, 0.25),
        _SWINGS,
    ),
    "dirac_r1": Claim(
        "at the end, the middle of the fakes is within a fifth of its reach at the start",
        lambda course: course.reach(0.75, 1) < 0.2 * course.reach(0, 0.25),
        _SWINGS,
    ),
    "momentum": Claim(
        "over the second half, the middle of the fakes moves by more than 0.3 between two looks, "
        "and JS is above 0.6 nats",
        lambda course: course.jump() > 0.3 and course.middle("js") > 0.6,
        _JUMPS,
    ),
    "less_momentum": Claim(
        "over the second half, the middle of the fakes moves by less than 0.15 between two looks, "
        "JS is below 0.55 nats, and the spread is above 0.6",
        lambda course: (
            course.jump() < 0.15 and course.middle("js") < 0.55 and course.middle("spread") > 0.6
        ),
        _JUMPS,
    ),
    "pairs": Claim(
        "at the end, samples cover at most 20 of 25 modes",
        lambda course: course.last("modes") <= 20,
        (_ALL_MODES, _figure("js")),
    ),
    "pairs_r1": Claim(
        "at the end, samples cover at least 24 of 25 modes",
        lambda course: course.last("modes") >= 24,
        (_ALL_MODES, _figure("js")),
    ),
    "pairs_r1_r2": Claim(
        "at the end, samples cover at least 24 of 25 modes",
        lambda course: course.last("modes") >= 24,
        (_ALL_MODES, _figure("js")),
    ),
}
"""What each lesson says, by its name."""


def table(courses: dict[str, list[Course]]) -> str:
    """Return the claims, in how many seeds they held, and the range of their figures."""
    lines = ["| lesson | claim | held | figures |", "| --- | --- | ---: | --- |"]
    for lesson in lessons():
        claim, seen = CLAIMS[lesson.name], courses.get(lesson.name, [])
        if not seen:
            continue
        held = sum(map(claim.holds, seen))
        figures = "; ".join(f"{name} {_range(map(figure, seen))}" for name, figure in claim.figures)
        lines.append(f"| {lesson.title} | {claim.words} | {held} of {len(seen)} | {figures} |")
    return "\n".join(lines)


def _range(values: Iterable[float]) -> str:
    ordered = sorted(values)
    return f"{ordered[0]:.3g} to {ordered[-1]:.3g}"


def main() -> None:
    """Check the lessons that are named, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="lessons (default: all)")
    parser.add_argument("--seeds", default="0-4")
    arguments = parser.parse_args()
    chosen = [each for each in lessons() if not arguments.names or each.name in arguments.names]
    courses: dict[str, list[Course]] = {}
    for seed in parse_seeds(arguments.seeds):
        for lesson in chosen:
            course = watched(lesson, seed)
            courses.setdefault(lesson.name, []).append(course)
            claim = CLAIMS[lesson.name]
            figures = ", ".join(f"{name} {figure(course):.3g}" for name, figure in claim.figures)
            holds = "holds" if claim.holds(course) else "FAILS"
            print(f"{lesson.name}, seed {seed}: {holds}; {figures}", file=sys.stderr, flush=True)
    print(table(courses))
    if any(not CLAIMS[name].holds(course) for name, seen in courses.items() for course in seen):
        sys.exit(1)


if __name__ == "__main__":
    main()
