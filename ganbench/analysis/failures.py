# SPDX-License-Identifier: MIT
"""Runs that went wrong: how many, how sure that is, and whether they are more or fewer than usual.

Runs are few, so everything here is exact. The interval of a share is Clopper and Pearson's, which
never covers less than it says. Two counts are compared by Boschloo's test, which never errs more
often than it says and finds more than Fisher's: of four in five against none it gives p = 0.021,
Fisher's 0.048. The test is two-sided, as a trick may make runs fail or keep them from it: without
that, one in twelve of two equal treatments with eight runs would get a verdict. Runs of one seed
are taken as independent. They share initial weights, which can only make the test more cautious.
Where several treatments are tested, Holm's correction is over those of which a run went wrong, or
a run of the baseline: the others cannot give a false verdict.
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
"""A gate closes if a treatment's share of runs that go wrong exceeds the baseline's by so much."""


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
class FailureTest:
    """Boschloo's two-sided test of whether a treatment's runs go wrong as often as the baseline's.

    ``corrected`` is the p value after Holm's correction for ``family`` tests.
    """

    p_value: float
    corrected: float
    family: int


NOT_TESTED = FailureTest(1.0, 1.0, 0)


def went_wrong(run: RunRecord) -> bool:
    """Tell whether a run is over and diverged or collapsed."""
    return run.counted and run.status in TROUBLE


def trouble(runs: Iterable[RunRecord]) -> Trouble:
    """Count the runs that are over, and those of them that went wrong."""
    counted = [run for run in runs if run.counted]
    return Trouble(sum(map(went_wrong, counted)), len(counted))


def failure_p_value(treatment: Trouble, baseline: Trouble) -> float:
    """Return the two-sided p value that a treatment's runs go wrong as often as a baseline's.

    The test is Boschloo's (1970), exact and unconditional.

    >>> round(failure_p_value(Trouble(4, 5), Trouble(0, 5)), 3)
    0.021
    >>> round(failure_p_value(Trouble(0, 8), Trouble(4, 8)), 3)
    0.028
    """
    more, fewer = sorted((treatment, baseline), key=lambda trouble: -trouble.share)
    if more.share == fewer.share:
        return 1.0  # scipy has no p value for a table without failures
    return min(1.0, 2 * _boschloo(more.count, more.runs, fewer.count, fewer.runs))


@lru_cache(maxsize=4096)
def _boschloo(count: int, runs: int, base_count: int, base_runs: int) -> float:
    """Return the one-sided p value that the first share is larger."""
    if not base_runs:
        return 1.0
    table = [[count, base_count], [runs - count, base_runs - base_count]]
    return float(scipy_stats.boschloo_exact(table, alternative="greater").pvalue)


def visibly_more(treatment: Trouble, baseline: Trouble) -> bool:
    """Tell whether clearly more of a treatment's runs went wrong than of a baseline's.

    That may be chance: it is a reason to look, not a verdict. Among many runs, a few more are not
    enough unless the test finds that they are no chance.
    """
    excess = treatment.share - baseline.share
    if excess <= 0 or not baseline.runs:
        return False
    return excess >= EXCESS or failure_p_value(treatment, baseline) < 0.05


def failure_tests(pairs: Sequence[tuple[Trouble, Trouble]]) -> list[FailureTest]:
    """Test treatments against their baselines, corrected for the number of tests.

    Args:
        pairs: the troubles of each treatment and of its baseline.

    >>> tests = failure_tests([(Trouble(4, 5), Trouble(0, 5)), (Trouble(0, 5), Trouble(0, 5))])
    >>> [(round(test.corrected, 3), test.family) for test in tests]
    [(0.021, 1), (1.0, 1)]
    """
    troubled = [index for index, pair in enumerate(pairs) if any(side.count for side in pair)]
    p_values = [failure_p_value(*pair) for pair in pairs]
    corrected = holm([p_values[index] for index in troubled])
    by_index = dict(zip(troubled, corrected, strict=True))
    return [
        FailureTest(p_value, by_index.get(index, 1.0), len(troubled))
        for index, p_value in enumerate(p_values)
    ]
