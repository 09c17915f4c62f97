# SPDX-License-Identifier: MIT
"""Treatments compared with their baselines, seed by seed.

A trick is compared with the same model without it, on the same dataset and in the same setting.
If no group of runs has more than one set of tricks, all variants of a dataset are compared with
one of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ganbench.analysis.failures import NOT_TESTED, FailureTest, Trouble, trouble
from ganbench.analysis.outcomes import has_outcome, seeds_over, seeds_that_failed
from ganbench.analysis.paired_values import PairedValues, paired_values
from ganbench.analysis.significance import PairedDifference, detectable_difference, holm
from ganbench.analysis.stats import Improvement, probability_of_improvement
from ganbench.analysis.tables import MetricColumn, MetricTable, VariantRow
from ganbench.errors import UnknownNameError, suggest
from ganbench.records.measurement import Better

ALPHA = 0.05
POWER = 0.8
PLAIN = "none"
"""The name of the baseline without added tricks."""


@dataclass(frozen=True)
class Comparison:
    """A variant compared with its baseline in one metric.

    ``pairs`` are the seeds for which both have a value, and None if there are none. ``lost``
    counts the seeds that both have run but that make no pair, because a run has no value;
    ``only_baseline`` those of them in which the baseline has one.
    ``failed`` are the shared seeds in which a run diverged or collapsed. Where some of ``pairs``
    are of such seeds, ``unfailed`` holds the other pairs: the comparison conditional on not
    failing; otherwise it is None. ``troubles`` are the runs of treatment and baseline that went
    wrong.

    ``family`` is the number of comparisons that are tested together, by their ``deciding`` pairs;
    a single pair is not tested.
    ``t_corrected`` is the p value of the t test after Holm's correction for all of them;
    ``detectable`` is the true difference that the t test detects with a probability of 0.8 at the
    level 0.05 / family. ``corrected`` is the p value of the permutation test over ``pairs``, and
    ``ratio_corrected`` that of the t test of the logarithms of the deciding pairs, each after
    Holm's correction for its own kind. ``failure_test`` is the test of ``troubles``, made where a
    whole matrix is judged.

    ``only_tricks`` says that treatment and baseline differ in their tricks alone. ``subject`` is
    what the treatment is called in a sentence: its tricks where nothing else can be meant.
    """

    variant: str
    baseline: str
    column: MetricColumn
    pairs: PairedValues | None
    improvement: Improvement
    unfailed: PairedValues | None = None
    corrected: float | None = None
    t_corrected: float | None = None
    ratio_corrected: float | None = None
    detectable: float | None = None
    lost: int = 0
    only_baseline: int = 0
    failed: frozenset[int] = frozenset()
    family: int = 1
    troubles: tuple[Trouble, Trouble] = (Trouble(0, 0), Trouble(0, 0))
    failure_test: FailureTest = NOT_TESTED
    model: str = ""
    tricks: str = ""
    setting: str = ""
    only_tricks: bool = False
    subject: str = ""

    @property
    def paired(self) -> PairedDifference | None:
        """The mean of the differences of all pairs, with its tests."""
        return self.pairs.paired if self.pairs else None

    @property
    def differences(self) -> Mapping[int, float]:
        """The difference of each pair, by seed."""
        return self.pairs.differences if self.pairs else {}

    @property
    def relative(self) -> float | None:
        """The mean difference, divided by the size of the baseline's mean."""
        return self.pairs.relative if self.pairs else None

    @property
    def deciding(self) -> PairedValues | None:
        """The pairs that are tested: those in which no run failed, if they are most of all pairs.

        A single collapsed run would take all power from a test over all pairs. Where most pairs
        have one, to leave them out would leave nothing.
        """
        if self.pairs and self.unfailed and 2 * self.unfailed.paired.n > self.pairs.paired.n:
            return self.unfailed
        return self.pairs

    @property
    def conditional(self) -> bool:
        """Whether the deciding pairs leave out seeds: a run failed, or has no value."""
        return self.deciding is not None and bool(self.lost or self.failed_left_out)

    @property
    def failed_left_out(self) -> int:
        """The number of seeds with a failed run that the deciding pairs leave out."""
        return len(self.failed - (self.deciding.differences.keys() if self.deciding else set()))

    @property
    def missing(self) -> int:
        """The number of shared seeds that make no pair though no run of them failed.

        A run may be done and have no value: a reverse KL where no sample is sharp.
        """
        return self.lost - len(self.failed - self.differences.keys())

    @property
    def fails(self) -> bool:
        """Whether the test shows that more of the treatment's runs than of the baseline's fail."""
        treatment, baseline = self.troubles
        return self.failure_test.corrected < ALPHA and treatment.share > baseline.share

    @property
    def fails_less(self) -> bool:
        """Whether the test shows that fewer of the treatment's runs fail."""
        treatment, baseline = self.troubles
        return self.failure_test.corrected < ALPHA and treatment.share < baseline.share

    @property
    def t_p_value(self) -> float | None:
        """The p value of the paired t test before any correction."""
        return self.paired.t_p_value if self.paired else None

    @property
    def verdict(self) -> Literal["better", "worse", "unclear"]:
        """On which side of zero the whole 95 % interval of the paired difference lies."""
        difference = self.paired.difference if self.paired else None
        if difference is None or difference.low is None or difference.high is None:
            return "unclear"
        if difference.low <= 0 <= difference.high or not self.column.better:
            return "unclear"
        higher = difference.low > 0
        return "better" if higher == (self.column.better == "higher") else "worse"


def choose_baseline(table: MetricTable, baseline: str | None = None) -> str:
    """Return the label of one baseline for a whole table.

    Args:
        table: the variants of a dataset.
        baseline: a label, a set of tricks, or ``none``. If it is None, the baseline is
            ``vanilla``, or the first variant if there is no ``vanilla``.

    Raises:
        UnknownNameError: the table has no such variant.
    """
    labels = [row.variant for row in table.rows]
    if baseline is None:
        return "vanilla" if "vanilla" in labels else labels[0]
    if baseline in labels:
        return baseline
    tricks = _requested_tricks(table, baseline)
    return next(row.variant for row in table.rows if row.tricks == tricks)


def _requested_tricks(table: MetricTable, baseline: str) -> str:
    """Return the set of tricks that the name of a baseline stands for."""
    known = baseline_names([table])
    if baseline not in known:
        raise UnknownNameError(
            f"There is no variant '{baseline}' on {table.dataset}. "
            f"{suggest(baseline, known)}".strip(),
            f"There are: {', '.join(known)}.",
        )
    return known[baseline]


def baseline_names(tables: Sequence[MetricTable]) -> dict[str, str]:
    """Return all names that a baseline may have, with the set of tricks that each stands for."""
    rows = [row for table in tables for row in table.rows]
    names = {row.variant: row.tricks for row in rows}
    names |= {row.tricks or PLAIN: row.tricks for row in rows}
    return names


def compare_to(
    table: MetricTable,
    baseline: str | None = None,
    *,
    bases: Collection[str] = (),
    confidence: float = 0.95,
) -> list[Comparison]:
    """Compare every treatment of a table with its baseline, metric by metric.

    A model, in a setting, that has no variant of the named baseline is compared with nothing.

    Args:
        table: the variants of a dataset.
        baseline: the name of the baseline (see ``choose_baseline``); None takes the variant
            without tricks of each model and setting, or the first one.
        bases: the labels of all variants that the name of the baseline means, where labels do not
            tell: a label leaves out tricks that a model's variants have in common.
        confidence: the confidence of the intervals, between 0 and 1.

    Raises:
        UnknownNameError: the table has no such baseline.
    """
    comparisons: list[Comparison] = []
    groups = _groups(table, baseline, bases)
    by_tricks = len(groups) == 1 and all(
        _only_tricks(row, base) for base, rows in groups for row in rows
    )
    for column in table.columns:
        family = [
            _compare(row, base, column, confidence, by_tricks=by_tricks)
            for base, rows in groups
            for row in rows
            if _can_compare(row, base, column)
        ]
        comparisons += correct_family(family)
    order = {row.variant: index for index, row in enumerate(table.rows)}
    return sorted(comparisons, key=lambda comparison: order[comparison.variant])


def _groups(
    table: MetricTable, baseline: str | None, bases: Collection[str]
) -> list[tuple[VariantRow, list[VariantRow]]]:
    """Return each baseline with the rows that are compared with it."""
    if not table.rows:
        return []
    by_setting: dict[tuple[str, str], list[VariantRow]] = {}
    for row in table.rows:
        by_setting.setdefault((row.model, row.setting), []).append(row)
    if all(len({row.tricks for row in rows}) == 1 for rows in by_setting.values()):
        base = table.row(choose_baseline(table, baseline))
        return [(base, [row for row in table.rows if row is not base])]
    tricks = "" if baseline is None else _requested_tricks(table, baseline)
    groups = []
    for rows in by_setting.values():
        named = [row for row in rows if (row.variant in bases if bases else row.tricks == tricks)]
        if not named and baseline is not None:
            continue  # another variant would be a baseline that nobody asked for
        base = named[0] if named else rows[0]
        groups.append((base, [row for row in rows if row is not base]))
    return groups


def _only_tricks(row: VariantRow, base: VariantRow) -> bool:
    """Tell whether two rows differ in their tricks, and in nothing else."""
    alike = (row.model, row.setting) == (base.model, base.setting)
    return alike and row.tricks != base.tricks


def _can_compare(row: VariantRow, base: VariantRow, column: MetricColumn) -> bool:
    """Tell whether there is something to compare: a value on one side, an outcome on the other."""
    if not any(column.name in side.cells for side in (row, base)):
        return False
    return has_outcome(row, column) and has_outcome(base, column)


def _compare(
    row: VariantRow, base: VariantRow, column: MetricColumn, confidence: float, *, by_tricks: bool
) -> Comparison:
    """Compare two rows in a metric, before any correction for other treatments."""
    pairs = _pairs(row, base, column)
    seeds = seeds_over(row) & seeds_over(base)
    failed = frozenset(seeds & (seeds_that_failed(row) | seeds_that_failed(base)))
    unpaired = seeds - pairs.keys()
    unfailed = {seed: pair for seed, pair in pairs.items() if seed not in failed}
    return Comparison(
        variant=row.variant,
        baseline=base.variant,
        column=column,
        pairs=paired_values(pairs, confidence) if pairs else None,
        improvement=_improvement(row, base, column, confidence),
        unfailed=paired_values(unfailed, confidence) if 0 < len(unfailed) < len(pairs) else None,
        lost=len(unpaired),
        only_baseline=len(unpaired & base.values_by_seed(column).keys()),
        failed=failed,
        troubles=(trouble(row.runs), trouble(base.runs)),
        model=row.model,
        tricks=row.tricks,
        setting=row.setting,
        only_tricks=_only_tricks(row, base),
        subject=row.tricks if by_tricks and row.tricks else row.variant,
    )


def _pairs(
    row: VariantRow, base: VariantRow, column: MetricColumn
) -> dict[int, tuple[float, float]]:
    """Return the values of treatment and baseline by seed, where both have one."""
    treatment, baseline = row.values_by_seed(column), base.values_by_seed(column)
    return {seed: (treatment[seed], baseline[seed]) for seed in treatment if seed in baseline}


def _improvement(
    row: VariantRow, base: VariantRow, column: MetricColumn, confidence: float
) -> Improvement:
    """Return how often a run of a row beats a run of the baseline; a side without values loses."""
    treatment, baseline = row.values(column), base.values(column)
    if not treatment or not baseline:
        return Improvement(float(bool(treatment)), None, None, len(treatment), len(baseline))
    better: Better = "lower" if column.better == "lower" else "higher"
    return probability_of_improvement(treatment, baseline, better=better, confidence=confidence)


def correct_family(family: Sequence[Comparison]) -> list[Comparison]:
    """Correct comparisons for the number of tests that are made together."""
    deciding = [comparison.deciding for comparison in family]
    t_tests = _holm_of(pairs.paired.deciding_p_value if pairs else None for pairs in deciding)
    permutations = _holm_of(
        comparison.paired.p_value if comparison.paired and comparison.paired.n > 1 else None
        for comparison in family
    )
    ratios = _holm_of(pairs.ratio.p_value if pairs and pairs.ratio else None for pairs in deciding)
    tested = sum(p_value is not None for p_value in t_tests)
    return [
        replace(
            comparison,
            corrected=permutation,
            t_corrected=t_test,
            ratio_corrected=ratio,
            family=tested,
            detectable=_detectable(pairs.paired, tested),
        )
        if pairs
        else comparison
        for comparison, pairs, permutation, t_test, ratio in zip(
            family, deciding, permutations, t_tests, ratios, strict=True
        )
    ]


def _holm_of(p_values: Iterable[float | None]) -> list[float | None]:
    """Return p values corrected for their number; None stays None and does not count."""
    listed = list(p_values)
    corrected = iter(holm([p_value for p_value in listed if p_value is not None]))
    return [None if p_value is None else next(corrected) for p_value in listed]


def _detectable(paired: PairedDifference, family: int) -> float | None:
    """Return the true difference that the corrected t test would detect; None without a spread."""
    if not paired.deviation:
        return None
    return detectable_difference(paired.deviation, paired.n, ALPHA / family, POWER)
