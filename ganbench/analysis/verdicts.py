# SPDX-License-Identifier: MIT
"""Verdicts on comparisons: helps, hurts, fails, fails less, or no difference that seeds can show.

The rule: a treatment fails if more of its runs than of the baseline's diverged or collapsed,
measured or not, by Boschloo's two-sided test with p < 0.05 after Holm's correction over the
treatments of the whole matrix; it fails less if fewer did. One that does not fail helps or hurts
if a two-sided paired t test of its differences to the baseline has p < 0.05 after Holm's
correction; it may fail less at the same time. Everything else is no difference that the given
number of seeds can show, including a difference that would be significant alone but is not after
the correction.

A collapsed run that has a value would take all power from a t test. Where no run failed in most
pairs, the test is over these, and the verdict says so: it is conditional on not failing. All
pairs are shown next to them. A verdict is conditional, too, where a run has no value.

One metric of each dataset is primary. The correction of its tests is over everything that is
tested on primary metrics, on all datasets. Every other metric is exploratory: it is corrected
only within its column, and its verdict says no more than "may".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from ganbench.analysis import number_text
from ganbench.analysis.comparison import ALPHA, PLAIN, Comparison, correct_family
from ganbench.analysis.failures import FailureTest, failure_tests
from ganbench.analysis.paired_values import PairedValues
from ganbench.analysis.significance import detectable_difference
from ganbench.analysis.tables import MetricColumn, MetricTable, VariantRow
from ganbench.analysis.verdict_sentences import difference_sentence, failing_sentence, scope_text
from ganbench.errors import UnknownNameError, suggest
from ganbench.records.primary_metric import Choice, primary_rank

VerdictKind = Literal["helps", "fails-less", "hurts", "fails", "unclear"]

WORDS: dict[VerdictKind, str] = {
    "helps": "helps",
    "fails-less": "fails less",
    "hurts": "hurts",
    "fails": "fails",
    "unclear": "no difference shown",
}

_TENTATIVE = {"helps": "may help", "hurts": "may hurt"}
_FAILS_LESS_AND = {"helps": "fails less and ", "hurts": "fails less but "}


@dataclass(frozen=True)
class Verdict:
    """A comparison with its verdict.

    ``kind`` is "fails-less" where that is all that is shown; a treatment that helps or hurts may
    fail less, too. ``primary`` is whether it is about the primary metric; otherwise it is
    exploratory.
    """

    comparison: Comparison
    kind: VerdictKind
    primary: bool = True

    @property
    def pairs(self) -> PairedValues | None:
        """The pairs that the verdict rests on."""
        return self.comparison.deciding

    @property
    def conditional(self) -> bool:
        """Whether a difference is shown only for seeds in which no run failed or lacks a value."""
        return self.kind in {"helps", "hurts"} and self.comparison.conditional

    @property
    def word(self) -> str:
        """The verdict in a few words; one that is not confirmed says "may"."""
        if not self.conditional:
            return self._bare
        failed = self.comparison.failed_left_out
        return f"{self._bare} where {'no run failed' if failed else 'both runs have a value'}"

    @property
    def _bare(self) -> str:
        """The verdict without its condition."""
        # Failures are no matter of a metric: their own test confirms them.
        word = WORDS[self.kind] if self.primary else _TENTATIVE.get(self.kind, WORDS[self.kind])
        before = _FAILS_LESS_AND.get(self.kind, "") if self.comparison.fails_less else ""
        return f"{before}{word}"

    @property
    def short(self) -> str:
        """The verdict where there is little room."""
        return "not shown" if self.kind == "unclear" else self.word

    @property
    def mark(self) -> str:
        """The verdict in a chart: an asterisk stands for the condition of ``word``."""
        return f"{self._bare}*" if self.conditional else self.short

    @property
    def subject(self) -> str:
        """What the verdict is about: tricks, or the variant where more than tricks differs."""
        return self.comparison.subject

    @property
    def sentence(self) -> str:
        """The verdict in plain English, with its numbers."""
        unclear = self.kind == "unclear"
        opening = self.subject if unclear else f"{self.subject} {self.word}"
        if self.kind in {"fails", "fails-less"}:
            return failing_sentence(self.comparison, opening)
        return difference_sentence(self.comparison, opening, shown=not unclear)


@dataclass(frozen=True)
class JudgedDataset:
    """The table of a dataset with the verdicts on its treatments; ``main`` is the primary metric.

    ``main`` is None if nothing was measured; ``named`` is the name by which it was asked for, empty
    where it is the default.
    """

    table: MetricTable
    main: MetricColumn | None
    verdicts: tuple[Verdict, ...]
    named: str = ""

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """The comparisons that the verdicts judge."""
        return tuple(verdict.comparison for verdict in self.verdicts)

    @property
    def on_main(self) -> tuple[Verdict, ...]:
        """The verdicts on the primary metric."""
        return tuple(verdict for verdict in self.verdicts if verdict.primary)

    def verdicts_on(self, row: VariantRow, column: MetricColumn) -> list[Verdict]:
        """Return the verdicts on a variant by one metric."""
        return [
            verdict
            for verdict in self.verdicts
            if verdict.comparison.variant == row.variant and verdict.comparison.column == column
        ]

    @property
    def choice(self) -> Choice:
        """The named metric and the baseline, which a report of the same runs must not change."""
        return Choice(self.named, self._baseline)

    @property
    def _baseline(self) -> str:
        """The name of the baseline: a set of tricks where only tricks differ from it.

        It is empty if nothing was compared, or if the baselines share no name.
        """
        names = set()
        for comparison in self.comparisons:
            base = self.table.row(comparison.baseline)
            same = (base.model, base.setting) == (comparison.model, comparison.setting)
            names.add(base.tricks or PLAIN if same else base.variant)
        return names.pop() if len(names) == 1 else ""

    def is_baseline(self, row: VariantRow) -> bool:
        """Return whether others are compared with this variant."""
        return any(comparison.baseline == row.variant for comparison in self.comparisons)


@dataclass(frozen=True)
class JudgedMatrix:
    """All datasets of a matrix with their verdicts."""

    datasets: tuple[JudgedDataset, ...]

    @property
    def named(self) -> tuple[str, ...]:
        """The primary metrics that were asked for, on the datasets that were compared in them."""
        names = (dataset.named for dataset in self.datasets if dataset.on_main)
        return tuple(dict.fromkeys(filter(None, names)))

    @property
    def choices(self) -> dict[str, Choice]:
        """The named metric and the baseline of each dataset."""
        return {dataset.table.dataset: dataset.choice for dataset in self.datasets}

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """The comparisons on all datasets."""
        return tuple(comparison for dataset in self.datasets for comparison in dataset.comparisons)

    @cached_property
    def columns(self) -> int:
        """The number of columns, over all datasets, in which treatments were compared."""
        return sum(
            len({comparison.column.name for comparison in dataset.comparisons})
            for dataset in self.datasets
        )

    @cached_property
    def primary(self) -> tuple[str, ...]:
        """The primary metric of each dataset on which treatments were compared in it."""
        mains = [dataset.main for dataset in self.datasets if dataset.on_main]
        return tuple(column.name for column in mains if column)

    @cached_property
    def tests(self) -> int:
        """The number of tests on primary metrics, over which Holm's correction is made."""
        families = [
            verdict.comparison.family
            for dataset in self.datasets
            for verdict in dataset.on_main
            if verdict.comparison.pairs
        ]
        return max(families, default=0)

    @property
    def scope(self) -> str:
        """What was looked at, in a few sentences; empty if nothing was compared."""
        if not self.columns:
            return ""
        return scope_text(
            self.primary,
            named=[bool(dataset.named) for dataset in self.datasets if dataset.on_main],
            tests=self.tests,
            datasets=sum(bool(dataset.comparisons) for dataset in self.datasets),
            columns=self.columns,
        )


def judge_matrix(
    compared: Sequence[tuple[MetricTable, Sequence[Comparison]]],
    metric: str | Mapping[str, str] | None = None,
) -> JudgedMatrix:
    """Return the verdicts on everything that a matrix compares.

    Args:
        compared: the table of each dataset with its comparisons (see ``compare_to``).
        metric: the name of the primary metric, or that of each dataset; it counts on the datasets
            that have it. The others have the default (see ``main_column``).
    """
    asked = [
        metric.get(table.dataset) if isinstance(metric, Mapping) else metric
        for table, _ in compared
    ]
    named = [_known(table, name) for (table, _), name in zip(compared, asked, strict=True)]
    mains = [
        main_column(table, name or None) if table.columns else None
        for (table, _), name in zip(compared, named, strict=True)
    ]
    compared = _with_failure_tests(compared)
    primary = [
        comparison
        for main, (_, comparisons) in zip(mains, compared, strict=True)
        for comparison in comparisons
        if comparison.column == main
    ]
    corrected = iter(correct_family(primary))
    datasets = []
    for main, name, (table, comparisons) in zip(mains, named, compared, strict=True):
        verdicts_here = [
            _verdict(next(corrected), primary=True)
            if comparison.column == main
            else _verdict(comparison, primary=False)
            for comparison in comparisons
        ]
        datasets.append(JudgedDataset(table, main, tuple(verdicts_here), name))
    return JudgedMatrix(tuple(datasets))


def _with_failure_tests(
    compared: Sequence[tuple[MetricTable, Sequence[Comparison]]],
) -> list[tuple[MetricTable, list[Comparison]]]:
    """Return the comparisons with the tests of their failures, one for each treatment."""
    treatments = {
        (index, comparison.variant, comparison.baseline): comparison.troubles
        for index, (_, comparisons) in enumerate(compared)
        for comparison in comparisons
    }
    tests: dict[tuple[int, str, str], FailureTest] = dict(
        zip(treatments, failure_tests(list(treatments.values())), strict=True)
    )
    return [
        (
            table,
            [
                replace(row, failure_test=tests[index, row.variant, row.baseline])
                for row in comparisons
            ],
        )
        for index, (table, comparisons) in enumerate(compared)
    ]


def verdicts(
    table: MetricTable, comparisons: Sequence[Comparison], metric: str | None = None
) -> list[Verdict]:
    """Return the verdicts on the comparisons of one dataset that is judged alone."""
    return list(judge_matrix([(table, comparisons)], metric).datasets[0].verdicts)


def _known(table: MetricTable, metric: str | None) -> str:
    """Return the name of a metric or of a column; empty if the table has none of that name."""
    known = {name for column in table.columns for name in (column.name, column.metric)}
    return metric if metric is not None and metric in known else ""


def _verdict(comparison: Comparison, *, primary: bool) -> Verdict:
    """Apply the rule to a comparison."""
    if comparison.fails:
        return Verdict(comparison, "fails", primary)
    difference = comparison.deciding.paired.difference.value if comparison.deciding else 0.0
    significant = comparison.t_corrected is not None and comparison.t_corrected < ALPHA
    if difference == 0 or not significant or not comparison.column.better:
        return Verdict(comparison, "fails-less" if comparison.fails_less else "unclear", primary)
    helps = (difference > 0) == (comparison.column.better == "higher")
    return Verdict(comparison, "helps" if helps else "hurts", primary)


def main_column(table: MetricTable, metric: str | None = None) -> MetricColumn:
    """Return the primary metric: by default FID, KID or reverse KL.

    A FID counts with any network. If the table has no value of the three, it is the first metric
    with a value. Of several protocols, it is the protocol by which most variants were measured.

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

    def preference(column: MetricColumn) -> tuple[bool, int, int]:
        measured = sum(column.name in row.cells for row in table.rows)
        return not measured, primary_rank(column.metric), -measured

    candidates = [
        column for column in table.columns if metric in {None, column.name, column.metric}
    ]
    return min(candidates, key=preference)


def design_limits(n: int, tests: int) -> list[str]:
    """Return sentences on what ``n`` shared seeds cannot show in ``tests`` comparisons."""
    if n < 2:
        return ["One seed shows no spread: it cannot show a difference, however large."]
    sentences = []
    smallest = 2.0 ** (1 - n)
    if smallest * max(tests, 1) >= ALPHA:
        correction = f", of which the correction for {tests} tests makes more" if tests > 1 else ""
        sentences.append(
            f"A paired permutation test over {n} seeds cannot give a p value below "
            f"{number_text.p_text(smallest)}{correction}."
        )
    detectable = detectable_difference(1.0, n, ALPHA / max(tests, 1))
    if detectable is not None:
        correction = f", corrected for {tests} comparisons," if tests > 1 else ""
        sentences.append(
            f"The paired t test over {n} seeds{correction} finds a true difference of "
            f"{number_text.amount(detectable, 2)} standard deviations of the differences in four "
            "of five such experiments, and smaller ones more rarely."
        )
    return sentences
