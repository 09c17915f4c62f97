# SPDX-License-Identifier: MIT
"""Mode drop: parts of the data that samples covered before, and no longer do."""

from __future__ import annotations

from collections.abc import Sequence

from ganbench.health.detector import Detector, Finding
from ganbench.health.history import History
from ganbench.records.measurement import Measurement

DROPPED_SHARE = 0.2
LEAST_LOST = 2
"""A single mode of a few may come and go: samples of healthy runs on ``ring8`` do so."""

SAMPLES_PER_MODE = 20
"""Of fewer samples for each mode, chance may leave out many modes."""

IN_A_ROW = 2
"""How many evaluations in a row must show the loss, unless the run ends with one that does."""


def _find(history: History) -> Finding | None:
    for metric, course in _courses(history).items():
        counts = [measurement.value or 0.0 for measurement in course]
        most = max(counts)
        lost = _lost(counts)
        if lost >= IN_A_ROW or (lost and history.status):
            return Finding(f"{metric}: samples cover {counts[-1]:.0f}, after {most:.0f} before.")
    return None


def _courses(history: History) -> dict[str, list[Measurement]]:
    """Return the courses of ``modes``, by network, that were measured on enough samples."""
    courses = {
        name: [measurement for _, measurement in course]
        for name, course in history.measured("modes").items()
    }
    return {name: course for name, course in courses.items() if _enough(course)}


def _enough(course: Sequence[Measurement]) -> bool:
    most = max(measurement.value or 0.0 for measurement in course)
    return all(
        measurement.n is None or measurement.n >= SAMPLES_PER_MODE * most for measurement in course
    )


def _lost(counts: Sequence[float]) -> int:
    """Return how many of the last evaluations in a row have lost many of the modes before them."""
    lost = 0
    for end in range(len(counts) - 1, 0, -1):
        most = max(counts[:end])
        if counts[end] > most - max(LEAST_LOST, DROPPED_SHARE * most):
            break
        lost += 1
    return lost


def _lacking(history: History) -> str:
    if any(len(course) > 1 for course in _courses(history).values()):
        return ""
    return f"modes was not measured twice on {SAMPLES_PER_MODE} samples or more for each mode"


MODE_DROP = Detector(
    name="mode-drop",
    title="mode drop",
    rule=(
        f"At {IN_A_ROW} evaluations in a row, or at the end of the run, samples cover fewer modes "
        f"than at an earlier evaluation: at least {LEAST_LOST} fewer, and at least "
        f"{100 * DROPPED_SHARE:.0f} % of them. There are at least {SAMPLES_PER_MODE} samples for "
        "each mode."
    ),
    meaning=(
        "The generator has left out parts of the data that it could draw before: what it draws "
        "may look good, and some of the data are missing from it."
    ),
    find=_find,
    lacking=_lacking,
    tricks=("pacgan", "unrolled", "r1", "gradient-penalty"),
)
