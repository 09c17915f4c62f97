# SPDX-License-Identifier: MIT
"""Runs that went wrong: how many, how sure that is, and whether they are more than a baseline's.

Runs are few, so everything here is exact. The interval of a share is Clopper and Pearson's, which
never covers less than it says. Two counts are compared by Boschloo's test, which never errs more
often than it says and finds more than Fisher's: of three in five against none it gives p = 0.031,
Fisher's 0.083. Runs of one seed are taken as independent. They share initial weights, which can
only make the test more cautious. Where several treatments are tested, Holm's correction is over
those of which a run went wrong, or a run of the baseline: the others cannot give a false verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from scipy import stats as scipy_stats

from ganbench.analysis.significance import holm
from ganbench.analysis.stats import Estimate, exact_interval
from ganbench.records.run_record import RunRecord

TROUBLE = ("diverged", "collapsed")
"""The statuses of runs that are over and went wrong."""

EXCESS = 0.1
"""A treatment fails if its share of runs that go wrong exceeds the baseline's by this much."""


@dataclass(frozen=True)
class Trouble:
    """How many of the ``runs`` that are over diverged or collapsed, measured or not."""

    count: int
    runs: int

    @property
    def share(self) -> float:
        """The share of the runs; zero if there are none."""
        return self.count / self.runs if self.runs else 0.0

    @property
    def interval(self) -> Estimate | None:
        """The share with its exact 95 % interval; None if there are no runs."""
        return exact_interval(self.count, self.runs) if self.runs else None


@dataclass(frozen=True)
class ExcessTest:
    """Boschloo's test of whether a treatment's runs go wrong more often than the baseline's.

    ``corrected`` is the p value after Holm's correction for ``family`` tests.
    """

    p_value: float
    corrected: float
    family: int


NOT_TESTED = ExcessTest(1.0, 1.0, 0)


def went_wrong(run: RunRecord) -> bool:
    """Tell whether a run is over and diverged or collapsed."""
    return run.counted and run.status in TROUBLE


def trouble(runs: Iterable[RunRecord]) -> Trouble:
    """Count the runs that are over, and those of them that went wrong."""
    counted = [run for run in runs if run.counted]
    return Trouble(sum(map(went_wrong, counted)), len(counted))


def excess_p_value(treatment: Trouble, baseline: Trouble) -> float:
    """Return the one-sided p value that a treatment's runs go wrong more often than a baseline's.

    The test is Boschloo's (1970), exact and unconditional.

    >>> round(excess_p_value(Trouble(3, 5), Trouble(0, 5)), 3)
    0.031
    """
    if treatment.share <= baseline.share:
        return 1.0  # scipy has no p value for a table without failures
    return _boschloo(treatment.count, treatment.runs, baseline.count, baseline.runs)


@lru_cache(maxsize=4096)
def _boschloo(count: int, runs: int, base_count: int, base_runs: int) -> float:
    if not base_runs:
        return 1.0
    table = [[count, base_count], [runs - count, base_runs - base_count]]
    return float(scipy_stats.boschloo_exact(table, alternative="greater").pvalue)


def fails(treatment: Trouble, baseline: Trouble) -> bool:
    """Tell whether more of a treatment's runs went wrong than of a baseline's.

    Among many runs, a few more are no failure unless the test finds that they are no chance.
    """
    excess = treatment.share - baseline.share
    if excess <= 0 or not baseline.runs:
        return False
    return excess >= EXCESS or excess_p_value(treatment, baseline) < 0.05


def excess_tests(pairs: Sequence[tuple[Trouble, Trouble]]) -> list[ExcessTest]:
    """Test treatments against their baselines, corrected for the number of tests.

    Args:
        pairs: the troubles of each treatment and of its baseline.

    >>> tests = excess_tests([(Trouble(3, 5), Trouble(0, 5)), (Trouble(0, 5), Trouble(0, 5))])
    >>> [(round(test.corrected, 3), test.family) for test in tests]
    [(0.031, 1), (1.0, 1)]
    """
    troubled = [index for index, pair in enumerate(pairs) if any(side.count for side in pair)]
    p_values = [excess_p_value(*pair) for pair in pairs]
    corrected = holm([p_values[index] for index in troubled])
    by_index = dict(zip(troubled, corrected, strict=True))
    return [
        ExcessTest(p_value, by_index.get(index, 1.0), len(troubled))
        for index, p_value in enumerate(p_values)
    ]
