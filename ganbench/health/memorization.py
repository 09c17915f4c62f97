# SPDX-License-Identifier: MIT
"""Memorization: samples that come nearer to the training examples than fresh data would."""

from __future__ import annotations

from ganbench.health.detector import Detector, Finding
from ganbench.health.history import History
from ganbench.records.measurement import Measurement

BELOW_FLOOR = 0.05
"""How far the share of authentic samples must be below that of fresh real ones."""

PENALTY_RATIO = 2.0
"""How many times the penalty of held-out real samples MiFID's must be."""


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
    for network, course in history.measured("mifid").items():
        penalties = _penalties(history, network, course)
        if penalties and penalties[-1] > PENALTY_RATIO and penalties[-1] > penalties[0]:
            return Finding(
                f"{network}: the penalty on copies is {penalties[-1]:.2g} times that of held-out "
                "real samples."
            )
    return None


def _penalties(history: History, name: str, course: list[tuple[float, Measurement]]) -> list[float]:
    """Return by what MiFID multiplies FID, as a multiple of the same for real samples.

    It is empty unless the two evaluations or more that measured MiFID measured FID as well.
    """
    plain = dict(history.measured("fid").get(name.replace("mifid", "fid", 1), []))
    penalties = []
    for kimg, measurement in course:
        penalty = _ratio(measurement.value, plain[kimg].value) if kimg in plain else None
        of_real = _ratio(measurement.floor, plain[kimg].floor) if kimg in plain else None
        if penalty is None or of_real is None:
            return []
        penalties.append(penalty / max(1.0, of_real))
    return penalties if len(penalties) > 1 else []


def _ratio(value: float | None, plain: float | None) -> float | None:
    return None if value is None or not plain or plain < 0 else value / plain


def _lacking(history: History) -> str:
    measured = [*history.measured("authpct").values(), *history.measured("mifid").values()]
    if any(len(course) > 1 for course in measured):
        return ""
    return "neither authpct nor mifid was measured more than once"


MEMORIZATION = Detector(
    name="memorization",
    title="memorization growing",
    rule=(
        "The interval of authpct, the share of samples that are no copies of training examples, "
        f"lies more than {BELOW_FLOOR} below the share of fresh real examples, and below the "
        "interval of an earlier evaluation; or MiFID multiplies FID by more than "
        f"{PENALTY_RATIO:.0f} times as much as for held-out real examples, and more than at first."
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
