# SPDX-License-Identifier: MIT
"""Bounds for continuous integration: how much worse than the baseline a metric may be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ganbench.analysis.comparison import Comparison
from ganbench.analysis.failures import visibly_more
from ganbench.analysis.paired_values import PairedValues
from ganbench.config import counted
from ganbench.errors import ConfigError


@dataclass(frozen=True)
class Bound:
    """A metric, and how much worse than the baseline its mean may be.

    ``amount`` is a share of the baseline's mean if ``relative``, otherwise in the metric's unit.
    ``metric`` is the name of a result, such as ``fid@mnist-cnn``, or the part of it before @.
    """

    metric: str
    amount: float
    relative: bool

    @property
    def text(self) -> str:
        """The bound as the command line states it."""
        shown = f"{100 * self.amount:g}%" if self.relative else f"{self.amount:g}"
        return f"{self.metric}:{shown}"

    def concerns(self, metric: str) -> bool:
        """Tell whether the bound applies to a metric."""
        return self.metric in {metric, metric.partition("@")[0]}


def parse_bound(text: str) -> Bound:
    """Read ``fid:5%`` or ``fid@mnist-cnn:0.5``.

    >>> parse_bound("fid:5%")
    Bound(metric='fid', amount=0.05, relative=True)

    Raises:
        ConfigError: the text has neither form.
    """
    metric, _, amount = text.rpartition(":")
    relative = amount.endswith("%")
    try:
        number = float(amount.removesuffix("%")) / (100 if relative else 1)
    except ValueError:
        number = -1.0
    if not metric or not 0 <= number < float("inf"):
        raise ConfigError(
            f"'{text}' is no bound: a metric and an amount were expected.",
            "For example: --fail-if-worse fid:5%",
        )
    return Bound(metric.strip().lower(), number, relative)


def check_known(bounds: Sequence[Bound], metrics: Sequence[str]) -> None:
    """Refuse a bound on a metric that is not measured, before anything is trained.

    Raises:
        ConfigError: a bound applies to none of the metrics.
    """
    for bound in bounds:
        if not any(bound.concerns(metric) for metric in metrics):
            raise ConfigError(
                f"--fail-if-worse {bound.text} is about a metric that is not measured.",
                f"There are: {', '.join(metrics)}.",
            )


def tripped(bounds: Sequence[Bound], comparisons: Sequence[Comparison]) -> list[str]:
    """Return a sentence for each comparison that is beyond a bound.

    The mean of the paired differences counts, over all seeds and over those in which no run
    collapsed: a baseline that collapses hides no worsening. A treatment that lacks a value where
    the baseline has one, or that fails more often, trips as well, and so do two that share no seed.
    """
    sentences = []
    for comparison in comparisons:
        for bound in bounds:
            if bound.concerns(comparison.column.metric):
                sentences += _tripped(bound, comparison)
    return sentences


def _tripped(bound: Bound, comparison: Comparison) -> list[str]:
    """Return the sentence of a comparison that is beyond a bound, or none."""
    name = comparison.column.name
    if comparison.only_baseline:
        return [
            f"{comparison.variant}: {name} is missing for {comparison.only_baseline} of the seeds "
            f"for which {comparison.baseline} has it."
        ]
    if comparison.pairs is None:
        return [f"{comparison.variant} and {comparison.baseline} have {name} for no common seed."]
    if visibly_more(*comparison.troubles):
        treatment, baseline = comparison.troubles
        return [
            f"{comparison.variant}: {treatment.count} of {treatment.runs} runs diverged or "
            f"collapsed, {baseline.count} of {baseline.runs} of {comparison.baseline}."
        ]
    if comparison.column.better not in {"higher", "lower"}:
        return [f"{name} is neither better high nor low, so {bound.text} cannot be judged."]
    higher = comparison.column.better == "higher"
    worst, pairs = max(
        (
            (_worsening(values, higher=higher, relative=bound.relative), values)
            for values in (comparison.pairs, comparison.unfailed)
            if values
        ),
        key=lambda found: found[0],
    )
    if worst <= bound.amount:
        return []
    shown = f"{100 * worst:.3g} %" if bound.relative else f"{worst:.4g}"
    if math.isinf(worst):
        shown = f"{abs(pairs.paired.difference.value):.4g} from a mean of zero"
    where = " in which no run failed" if pairs is comparison.unfailed else ""
    return [
        f"{comparison.variant} is worse than {comparison.baseline} in {name} by {shown} "
        f"over {counted(pairs.paired.n, 'seed')}{where}; {bound.text} allows less."
    ]


def _worsening(pairs: PairedValues, *, higher: bool, relative: bool) -> float:
    """Return how much worse a treatment is; relative to a mean of zero, it is infinitely worse."""
    worse = pairs.paired.difference.value * (-1 if higher else 1)
    if not relative or worse == 0:
        return worse
    mean = abs(pairs.means[1])
    return worse / mean if mean else math.copysign(math.inf, worse)
