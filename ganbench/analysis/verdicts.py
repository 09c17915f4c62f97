# SPDX-License-Identifier: MIT
"""What a comparison comes to, in words: helps, hurts, fails, or nothing that so few seeds show.

The rule: a treatment helps or hurts where the two-sided paired t test of its differences to the
baseline has p < 0.05 after Holm's correction over all treatments that are held against that
baseline in that metric on that dataset. It fails where more of its runs than of the baseline's
diverged or collapsed, by one in ten at least, and pairs are lost by it. Everything else is no
difference that so many seeds can show, what would be significant alone but is not after the
correction included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ganbench.analysis import number_text
from ganbench.analysis.comparison import ALPHA, Comparison
from ganbench.analysis.stats import detectable_difference
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
"""By so much the share of runs that go wrong exceeds the baseline's where a treatment fails."""

_PREFERRED = ("fid", "clean-fid", "fid-infinity", "fd-dinov2", "kid", "kid-full", "reverse-kl")


@dataclass(frozen=True)
class Verdict:
    """A comparison and what it comes to."""

    comparison: Comparison
    kind: VerdictKind

    @property
    def word(self) -> str:
        """The verdict in a word or three."""
        return WORDS[self.kind]

    @property
    def short(self) -> str:
        """The verdict where there is little room."""
        return "not shown" if self.kind == "unclear" else self.word

    @property
    def subject(self) -> str:
        """What the verdict is about: the tricks, or the whole variant where none were added."""
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
    """Return the verdict of each comparison, those of metrics that the table has."""
    names = {column.name for column in table.columns}
    return [Verdict(one, _kind(one)) for one in comparisons if one.column.name in names]


def _kind(one: Comparison) -> VerdictKind:
    treatment, baseline = one.troubles
    if one.lost and treatment.share - baseline.share >= EXCESS:
        return "fails"
    if one.paired is None or not one.column.better or one.t_corrected is None:
        return "unclear"
    if one.t_corrected >= ALPHA or one.paired.difference.value == 0:
        return "unclear"
    higher = one.paired.difference.value > 0
    return "helps" if higher == (one.column.better == "higher") else "hurts"


def main_column(table: MetricTable, metric: str | None = None) -> MetricColumn:
    """Return the metric that sentences are about: the one named, else FID, KID, reverse KL.

    A FID counts whatever network it is made with; without any of them it is the first metric. Of
    several protocols it is the one that most variants were measured by.

    Raises:
        UnknownNameError: the table has no such metric, or none at all.
    """
    names = [column.name for column in table.columns] + [one.metric for one in table.columns]
    if not names or (metric is not None and metric not in names):
        near = suggest(metric, names) if metric else ""
        raise UnknownNameError(
            f"There is no metric {f'{metric!r} ' if metric else ''}on {table.dataset}. "
            f"{near}".strip(),
            f"There are: {', '.join(dict.fromkeys(names))}." if names else "",
        )

    def order(column: MetricColumn) -> tuple[int, int]:
        kind = column.metric.partition("@")[0]
        rank = _PREFERRED.index(kind) if kind in _PREFERRED else len(_PREFERRED)
        return rank, -sum(column.name in row.cells for row in table.rows)

    wanted = [one for one in table.columns if metric in {None, one.name, one.metric}]
    return min(wanted, key=order)


def design_limits(n: int, treatments: int) -> list[str]:
    """Return sentences on what ``n`` shared seeds and so many treatments cannot show."""
    if n < 2:
        return ["One seed shows no spread: it cannot show a difference, however large."]
    found = []
    least = 2.0 ** (1 - n)
    if least >= ALPHA:
        found.append(
            f"A paired permutation test over {n} seeds cannot give a p value below "
            f"{number_text.p_text(least)}."
        )
    detectable = detectable_difference(1.0, n, ALPHA / max(treatments, 1))
    if detectable is not None:
        many = treatments > 1
        found.append(
            f"The paired t test over {n} seeds"
            + (f", corrected for {treatments} treatments," if many else "")
            + f" finds a true difference of {number_text.amount(detectable, 2)} standard "
            "deviations of the differences in four of five such experiments, and smaller "
            "ones more rarely."
        )
    return found


def _clear(one: Verdict) -> str:
    """Return the sentence of a difference that is shown."""
    comparison = one.comparison
    assert comparison.paired is not None
    rises = "rises" if comparison.paired.difference.value > 0 else "falls"
    return (
        f"{one.subject} {one.word}: {_metric(comparison)} {rises} {_from_to(comparison)}, "
        f"{_difference(comparison)}, over {_pairs(comparison)}; {_tests(comparison)}."
        f"{_troubles(comparison)}"
    )


def _unclear(one: Verdict) -> str:
    """Return the sentence of a difference that is not shown, and of what could have been."""
    comparison = one.comparison
    assert comparison.paired is not None
    n = comparison.paired.n
    if n == 1:
        return (
            f"{one.subject}: no difference that 1 seed can show: "
            f"{_metric(comparison)} goes {_from_to(comparison)}, {_difference(comparison)}."
            f"{_troubles(comparison)}"
        )
    if not any((comparison.differences or {}).values()):
        return (
            f"{one.subject}: no difference that {n} seeds can show: {_metric(comparison)} is the "
            f"same in all of them.{_troubles(comparison)}"
        )
    could = ""
    if comparison.detectable is not None and comparison.means is not None:
        base = comparison.means[1]
        share = number_text.percent(comparison.detectable / abs(base)) if base else ""
        could = (
            f" A true difference of {number_text.amount(comparison.detectable, 2)}"
            + (f" ({share})" if share else "")
            + " would show in four of five such experiments."
        )
    return (
        f"{one.subject}: no difference that {n} seeds can show: {_metric(comparison)} goes "
        f"{_from_to(comparison)}, {_difference(comparison)}; {_tests(comparison)}.{could}"
        f"{_troubles(comparison)}"
    )


def _without_pairs(one: Verdict) -> str:
    """Return the sentence of a treatment that shares no seed with a value with its baseline."""
    comparison = one.comparison
    if not comparison.lost:
        return f"{one.subject}: no seed in common with {comparison.baseline}."
    return (
        f"{one.subject}: no pair has two values of {_metric(comparison)}, so there is no "
        f"difference to test.{_troubles(comparison)}"
    )


def _failing(one: Verdict) -> str:
    """Return the sentence of a treatment whose runs go wrong more often."""
    comparison = one.comparison
    treatment, baseline = comparison.troubles
    text = (
        f"{one.subject} fails: {treatment.count} of {_runs(treatment.runs)} diverged or collapsed, "
        f"{baseline.count} of {baseline.runs} of {comparison.baseline}."
    )
    if comparison.paired is None:
        return f"{text} No run of it has a value of {comparison.column.name}."
    return (
        f"{text} Over the {_pairs(comparison)} with values {_metric(comparison)} goes "
        f"{_from_to(comparison)}, {_difference(comparison)}; {_tests(comparison)}."
    )


def _metric(one: Comparison) -> str:
    return one.column.name


def _from_to(one: Comparison) -> str:
    """Return both means: from the baseline's to the treatment's, over the pairs."""
    assert one.means is not None
    assert one.paired is not None
    difference = one.paired.difference
    finest = number_text.decimals(difference.low, difference.high, difference.value)
    after, before = (
        number_text.fixed(mean, max(finest, number_text.decimals(None, None, mean) - 1))
        for mean in one.means
    )
    unit = f" {one.column.unit}" if one.column.unit else ""
    return f"from {before} to {after}{unit}"


def _difference(one: Comparison) -> str:
    """Return the difference with its interval, and in percent of the baseline."""
    assert one.paired is not None
    text = number_text.signed_text(one.paired.difference)
    return f"{text} ({number_text.percent(one.relative, signed=True)})" if one.relative else text


def _pairs(one: Comparison) -> str:
    assert one.paired is not None
    return f"{one.paired.n} shared seed{'s' if one.paired.n > 1 else ''}"


def _tests(one: Comparison) -> str:
    """Return the p values: the one that decides, and the permutation test's beside it."""
    assert one.paired is not None
    alone = one.paired.t_p_value
    least = number_text.p_text(one.paired.smallest_p_value)
    permutation = f"permutation p {_equals(one.paired.p_value)} (least {least})"
    corrected = _equals(one.t_corrected)
    if alone is None:
        return f"all differences are the same, so that no t test applies; {permutation}"
    if one.family == 1:
        return f"paired t test p {corrected}; {permutation}"
    text = f"p {corrected} after Holm's correction for {one.family} treatments"
    if alone < ALPHA <= (one.t_corrected or 0):
        text += f", on its own p {_equals(alone)}"
    return f"{text}; {permutation}"


def _equals(p_value: float | None) -> str:
    """Return a p value with its sign: = 0.02, or < 0.001."""
    text = number_text.p_text(p_value)
    return text if text.startswith("<") else f"= {text}"


def _runs(count: int) -> str:
    return f"{count} run{'' if count == 1 else 's'}"


def _troubles(one: Comparison) -> str:
    """Return a sentence on runs that diverged or collapsed, empty where there are none."""
    treatment, baseline = one.troubles
    if not treatment.count and not baseline.count:
        return ""
    return (
        f" {treatment.count} of {_runs(treatment.runs)} diverged or collapsed, "
        f"{baseline.count} of {baseline.runs} of {one.baseline}."
    )
