# SPDX-License-Identifier: MIT
"""Memorization: samples that come nearer to the training examples than fresh data would."""

from __future__ import annotations

from ganbench.health.detector import Detector, Finding
from ganbench.health.history import History

BELOW_FLOOR = 0.05
"""How far the share of authentic samples must be below that of fresh real ones."""


def _find(history: History) -> Finding | None:
    for metric, course in history.measured("authpct").items():
        (_, now), before = course[-1], [measurement for _, measurement in course[:-1]]
        floor, high = now.floor, now.high
        if floor is None or high is None or high >= floor - BELOW_FLOOR:
            continue
        if any(earlier.low is not None and earlier.low > high for earlier in before):
            return Finding(
                f"{metric}: {now.value:.2f} of the samples are no copies, {floor:.2f} of fresh "
                "real ones."
            )
    return None


def _lacking(history: History) -> str:
    if any(len(course) > 1 for course in history.measured("authpct").values()):
        return ""
    return "authpct was not measured more than once"


MEMORIZATION = Detector(
    name="memorization",
    title="memorization growing",
    rule=(
        "The 95 % interval of authpct, the share of samples that are no copies of training "
        f"examples, lies more than {BELOW_FLOOR} below the share of fresh real examples, and below "
        "the interval of an earlier evaluation."
    ),
    meaning=(
        "Samples approach single training examples. FID and its kin reward that; whoever uses the "
        "samples gets the training data back. Data are too few for the networks, or training is "
        "too long."
    ),
    find=_find,
    lacking=_lacking,
    tricks=("diffaugment", "ada", "lecam"),
)
