# SPDX-License-Identifier: MIT
"""How many seeds a comparison needs, from the spread of the runs that are stored."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.analysis.comparison import ALPHA, POWER
from ganbench.analysis.paired_values import PairedValues
from ganbench.analysis.significance import deviation_interval, pairs_needed
from ganbench.analysis.verdicts import JudgedMatrix, Verdict
from ganbench.errors import ConfigError


@dataclass(frozen=True)
class Effect:
    """A true difference that is to be found.

    ``amount`` is a share of the baseline's mean if ``relative``, otherwise in the metric's unit.
    """

    amount: float
    relative: bool

    @property
    def text(self) -> str:
        """The effect as the command line states it."""
        return f"{100 * self.amount:g}%" if self.relative else f"{self.amount:g}"

    def size(self, pairs: PairedValues) -> float:
        """Return the difference in the metric's unit."""
        return self.amount * abs(pairs.means[1]) if self.relative else self.amount


USUAL_EFFECT = Effect(0.1, relative=True)
"""The effect that is planned for where none was named or shown."""


def parse_effect(text: str) -> Effect:
    """Read ``10%`` or ``0.5``.

    >>> parse_effect("10%")
    Effect(amount=0.1, relative=True)

    Raises:
        ConfigError: the text has neither form.
    """
    relative = text.strip().endswith("%")
    try:
        amount = float(text.strip().removesuffix("%")) / (100 if relative else 1)
    except ValueError:
        amount = 0.0
    if not 0 < amount < float("inf"):
        raise ConfigError(
            f"'{text}' is no effect: a share of the baseline's mean or a difference was expected.",
            "For example: --effect 10%",
        )
    return Effect(amount, relative)


def parse_power(text: str) -> float:
    """Read a probability between the level of the tests, 0.05, and 1.

    >>> parse_power("0.8")
    0.8

    Raises:
        ConfigError: it is none.
    """
    try:
        power = float(text)
    except ValueError:
        power = 0.0
    if not ALPHA < power < 1:
        raise ConfigError(
            f"'{text}' is no power: a probability between {ALPHA} and 1 was expected.",
            "For example: --power 0.8",
        )
    return power


@dataclass(frozen=True)
class SeedsNeeded:
    """How many shared seeds find an effect of one treatment on the primary metric of a dataset.

    ``verdict`` is about the pairs so far, ``difference`` the effect in the metric's unit, and
    ``deviation`` the standard deviation of the differences. ``low`` and ``high`` are the seeds for
    the ends of its 95 % interval. A number of seeds is None where it is above 10,000.
    """

    dataset: str
    verdict: Verdict
    pairs: PairedValues
    deviation: float
    difference: float
    seeds: int | None
    low: int | None
    high: int | None


def seeds_needed(
    matrix: JudgedMatrix, effect: Effect, power: float, tests: int
) -> list[SeedsNeeded]:
    """Return how many seeds each comparison on a primary metric needs.

    The t test is that of the verdicts: over the pairs in which no run failed if they are most of
    all, and at the level 0.05 / ``tests``, which is Holm's strictest.

    Args:
        matrix: the verdicts on the runs that are stored; comparisons with fewer than two pairs,
            or without a spread, are left out.
        effect: the true difference to find.
        power: the probability with which it is to be found.
        tests: the number of comparisons that will be made together.
    """
    level = ALPHA / max(tests, matrix.tests, 1)
    plans = []
    for dataset in matrix.datasets:
        for verdict in dataset.on_main:
            difference = effect.size(verdict.pairs) if verdict.pairs else 0.0
            plan = _plan(dataset.table.dataset, verdict, difference, level, power)
            plans += [plan] if plan else []
    return plans


def seeds_for(dataset: str, verdict: Verdict) -> SeedsNeeded | None:
    """Return how many seeds would confirm a verdict, or find a tenth where nothing is shown.

    A difference that is shown is taken for the true one. One that is not shown would be as good as
    random: the number is then for a difference of ``USUAL_EFFECT``, whatever was seen. The power
    is 0.8, and the level 0.05 over the number of tests that were made together.

    Args:
        dataset: the dataset that the verdict is about.
        verdict: a verdict on a primary metric.

    Returns:
        The plan; None where the verdict rests on runs that failed, and where fewer than two pairs,
        no spread or no difference leave nothing to plan.
    """
    if verdict.kind in {"fails", "fails-less"} or verdict.pairs is None:
        return None
    difference = abs(verdict.pairs.paired.difference.value)
    if verdict.kind == "unclear":
        difference = USUAL_EFFECT.size(verdict.pairs)
    return _plan(dataset, verdict, difference, ALPHA / max(verdict.comparison.family, 1), POWER)


def _plan(
    dataset: str, verdict: Verdict, difference: float, level: float, power: float
) -> SeedsNeeded | None:
    """Return how many seeds find a difference; None where nothing can be planned."""
    pairs = verdict.pairs
    deviation = pairs.paired.deviation if pairs else None
    if pairs is None or not deviation or not difference:
        return None
    interval = deviation_interval(deviation, pairs.paired.n)
    assert interval is not None  # a deviation needs two pairs
    seeds, low, high = (
        pairs_needed(difference, spread, level, power) for spread in (deviation, *interval)
    )
    return SeedsNeeded(dataset, verdict, pairs, deviation, difference, seeds, low, high)
