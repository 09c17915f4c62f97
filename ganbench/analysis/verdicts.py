# SPDX-License-Identifier: MIT
"""Verdicts on comparisons: helps, hurts, fails, or no difference that the seeds can show.

The rule: a treatment helps or hurts if the two-sided paired t test of its differences to the
baseline has p < 0.05 after Holm's correction over all treatments that are compared with that
baseline in that metric on that dataset. It fails if more of its runs than of the baseline's
diverged or collapsed, by at least one in ten, and pairs are lost by it. Everything else is no
difference that the given number of seeds can show, including a difference that would be
significant alone but is not after the correction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ganbench.analysis import number_text
from ganbench.analysis.comparison import ALPHA, Comparison
from ganbench.analysis.significance import detectable_difference
from ganbench.analysis.tables import MetricColumn, MetricTable
from ganbench.errors import UnknownNameError, suggest

VerdictKind = Literal["helps", "hurts", "fails", "unclear"]

WORDS: dict[VerdictKind, str] = {
    "helps": "helps",
    "hurts": "hurts",
    "fails": "fails",
    "unclear": "no difference shown",
}

EXCESS = 0.1
"""A treatment fails if its share of runs that go wrong exceeds the baseline's by this much."""

_PREFERRED = ("fid", "clean-fid", "fid-infinity", "fd-dinov2", "kid", "kid-full", "reverse-kl")


@dataclass(frozen=True)
class Verdict:
    """A comparison with its verdict."""

    comparison: Comparison
    kind: VerdictKind

    @property
    def word(self) -> str:
        """The verdict in one to three words."""
        return WORDS[self.kind]

    @property
    def short(self) -> str:
        """The verdict where there is little room."""
        return "not shown" if self.kind == "unclear" else self.word

    @property
    def subject(self) -> str:
        """The tricks that the verdict is about, or the variant if no tricks were added."""
        return self.comparison.tricks or self.comparison.variant

    @property
    def sentence(self) -> str:
        """The verdict in plain English, with its numbers."""
        if self.kind == "fails":
            return _failing(self)
        if self.comparison.paired is None:
            return _without_pairs(self)
        return _unclear(self) if self.kind == "unclear" else _clear(self)


def verdicts(table: MetricTable, comparisons: Sequence[Comparison]) -> list[Verdict]:
    """Return the verdict on each comparison in a metric that the table has."""
    names = {column.name for column in table.columns}
    return [
        Verdict(comparison, _kind(comparison))
        for comparison in comparisons
        if comparison.column.name in names
    ]


def _kind(comparison: Comparison) -> VerdictKind:
    """Apply the rule to a comparison."""
    treatment, baseline = comparison.troubles
    if comparison.lost and treatment.share - baseline.share >= EXCESS:
        return "fails"
    difference = comparison.paired.difference.value if comparison.paired else 0.0
    significant = comparison.t_corrected is not None and comparison.t_corrected < ALPHA
    if difference == 0 or not significant or not comparison.column.better:
        return "unclear"
    return "helps" if (difference > 0) == (comparison.column.better == "higher") else "hurts"


def main_column(table: MetricTable, metric: str | None = None) -> MetricColumn:
    """Return the metric that sentences are about: by default FID, KID or reverse KL.

    A FID counts with any network. If the table has none of the three, it is the first metric. Of
    several protocols, it is the protocol by which most variants were measured.

    Args:
        table: the variants of a dataset.
        metric: the name of a metric or of a column, instead of the default.

    Raises:
        UnknownNameError: the table has no such metric, or none at all.
    """
    names = [column.name for column in table.columns] + [column.metric for column in table.columns]
    if not names or (metric is not None and metric not in names):
        near = suggest(metric, names) if metric else ""
        raise UnknownNameError(
            f"There is no metric {f'{metric!r} ' if metric else ''}on {table.dataset}. "
            f"{near}".strip(),
            f"There are: {', '.join(dict.fromkeys(names))}." if names else "",
        )

    def preference(column: MetricColumn) -> tuple[int, int]:
        kind = column.metric.partition("@")[0]
        rank = _PREFERRED.index(kind) if kind in _PREFERRED else len(_PREFERRED)
        return rank, -sum(column.name in row.cells for row in table.rows)

    candidates = [
        column for column in table.columns if metric in {None, column.name, column.metric}
    ]
    return min(candidates, key=preference)


def design_limits(n: int, treatments: int) -> list[str]:
    """Return sentences on what ``n`` shared seeds cannot show about ``treatments`` treatments."""
    if n < 2:
        return ["One seed shows no spread: it cannot show a difference, however large."]
    sentences = []
    smallest = 2.0 ** (1 - n)
    if smallest >= ALPHA:
        sentences.append(
            f"A paired permutation test over {n} seeds cannot give a p value below "
            f"{number_text.p_text(smallest)}."
        )
    detectable = detectable_difference(1.0, n, ALPHA / max(treatments, 1))
    if detectable is not None:
        correction = f", corrected for {treatments} treatments," if treatments > 1 else ""
        sentences.append(
            f"The paired t test over {n} seeds{correction} finds a true difference of "
            f"{number_text.amount(detectable, 2)} standard deviations of the differences in four "
            "of five such experiments, and smaller ones more rarely."
        )
    return sentences


def _clear(verdict: Verdict) -> str:
    """Return the sentence on a difference that is shown."""
    comparison = verdict.comparison
    assert comparison.paired is not None
    rises = "rises" if comparison.paired.difference.value > 0 else "falls"
    return (
        f"{verdict.subject} {verdict.word}: {_metric(comparison)} {rises} {_from_to(comparison)}, "
        f"{_difference(comparison)}, over {_pairs(comparison)}; {_tests(comparison)}."
        f"{_troubles(comparison)}"
    )


def _unclear(verdict: Verdict) -> str:
    """Return the sentence on a difference that is not shown, and on what could have been."""
    comparison = verdict.comparison
    assert comparison.paired is not None
    n = comparison.paired.n
    nothing = f"{verdict.subject}: no difference that {n} seed{'s' if n > 1 else ''} can show"
    metric, troubles = _metric(comparison), _troubles(comparison)
    if n > 1 and not any((comparison.differences or {}).values()):
        return f"{nothing}: {metric} is the same in all of them.{troubles}"
    change = f"{nothing}: {metric} goes {_from_to(comparison)}, {_difference(comparison)}"
    if n == 1:
        return f"{change}.{troubles}"
    return f"{change}; {_tests(comparison)}.{_detectable(comparison)}{troubles}"


def _detectable(comparison: Comparison) -> str:
    """Return the sentence on the true difference that would show; empty if it is unknown."""
    if comparison.detectable is None or comparison.means is None:
        return ""
    mean = abs(comparison.means[1])
    share = f" ({number_text.percent(comparison.detectable / mean)})" if mean else ""
    return (
        f" A true difference of {number_text.amount(comparison.detectable, 2)}{share} would show "
        "in four of five such experiments."
    )


def _without_pairs(verdict: Verdict) -> str:
    """Return the sentence on a treatment that has no pair of values with its baseline."""
    comparison = verdict.comparison
    if not comparison.lost:
        return f"{verdict.subject}: no seed in common with {comparison.baseline}."
    return (
        f"{verdict.subject}: no pair has two values of {_metric(comparison)}, so there is no "
        f"difference to test.{_troubles(comparison)}"
    )


def _failing(verdict: Verdict) -> str:
    """Return the sentence on a treatment whose runs go wrong more often."""
    comparison = verdict.comparison
    text = f"{verdict.subject} fails: {_trouble_counts(comparison)}"
    if comparison.paired is None:
        return f"{text} No run of it has a value of {comparison.column.name}."
    return (
        f"{text} Over the {_pairs(comparison)} with values {_metric(comparison)} goes "
        f"{_from_to(comparison)}, {_difference(comparison)}; {_tests(comparison)}."
    )


def _metric(comparison: Comparison) -> str:
    return comparison.column.name


def _from_to(comparison: Comparison) -> str:
    """Return the means over the pairs: from the baseline's to the treatment's."""
    assert comparison.means is not None
    assert comparison.paired is not None
    difference = comparison.paired.difference
    finest = number_text.decimals(difference.low, difference.high, difference.value)
    after, before = (
        number_text.fixed(mean, max(finest, number_text.decimals(None, None, mean) - 1))
        for mean in comparison.means
    )
    unit = f" {comparison.column.unit}" if comparison.column.unit else ""
    return f"from {before} to {after}{unit}"


def _difference(comparison: Comparison) -> str:
    """Return the difference with its interval, and in percent of the baseline."""
    assert comparison.paired is not None
    text = number_text.signed_text(comparison.paired.difference)
    if not comparison.relative:
        return text
    return f"{text} ({number_text.percent(comparison.relative, signed=True)})"


def _pairs(comparison: Comparison) -> str:
    assert comparison.paired is not None
    n = comparison.paired.n
    return f"{n} shared seed{'s' if n > 1 else ''}"


def _tests(comparison: Comparison) -> str:
    """Return the p value that decides, and next to it the permutation test's."""
    assert comparison.paired is not None
    alone = comparison.paired.t_p_value
    smallest = number_text.p_text(comparison.paired.smallest_p_value)
    permutation = f"permutation p {_equals(comparison.paired.p_value)} (least {smallest})"
    corrected = _equals(comparison.t_corrected)
    if alone is None:
        return f"all differences are the same, so that no t test applies; {permutation}"
    if comparison.family == 1:
        return f"paired t test p {corrected}; {permutation}"
    text = f"p {corrected} after Holm's correction for {comparison.family} treatments"
    if alone < ALPHA <= (comparison.t_corrected or 0):
        text += f", on its own p {_equals(alone)}"
    return f"{text}; {permutation}"


def _equals(p_value: float | None) -> str:
    """Return a p value with its sign: = 0.02, or < 0.001."""
    text = number_text.p_text(p_value)
    return text if text.startswith("<") else f"= {text}"


def _troubles(comparison: Comparison) -> str:
    """Return a sentence on runs that diverged or collapsed; empty if none did."""
    happened = any(trouble.count for trouble in comparison.troubles)
    return f" {_trouble_counts(comparison)}" if happened else ""


def _trouble_counts(comparison: Comparison) -> str:
    """Return how many runs of treatment and baseline diverged or collapsed."""
    treatment, baseline = comparison.troubles
    runs = f"{treatment.runs} run{'' if treatment.runs == 1 else 's'}"
    return (
        f"{treatment.count} of {runs} diverged or collapsed, "
        f"{baseline.count} of {baseline.runs} of {comparison.baseline}."
    )
