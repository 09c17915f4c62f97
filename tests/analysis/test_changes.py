# SPDX-License-Identifier: MIT
"""What changed between two sets of runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ganbench.analysis.changes import changes_between
from ganbench.errors import UnknownNameError
from ganbench.records.run_record import RunRecord

Make = Callable[..., RunRecord]


@pytest.fixture
def runs(run: Make) -> list[RunRecord]:
    plain = [run("plain", seed, 10.0 + seed / 10) for seed in range(5)]
    treated = [run("treated", seed, 8.0 + seed / 9) for seed in range(5)]
    return plain + [replace(each, tricks="t") for each in treated]


def test_equal_runs_show_no_change(runs: list[RunRecord]) -> None:
    found = changes_between(runs, runs)
    assert (found.means, found.outcomes, found.verdicts) == ((), (), ())
    assert (found.before, found.after, found.compared) == (10, 10, 2)


def test_a_mean_that_moved_is_shown_with_its_paired_difference(
    runs: list[RunRecord], run: Make
) -> None:
    later = [
        run("plain", each.seed or 0, 10.5 + (each.seed or 0) / 10)
        if each.variant == "plain"
        else each
        for each in runs
    ]
    (change,) = changes_between(runs, later).means
    assert (change.variant, change.shared, change.equal) == ("plain", 5, 0)
    assert change.paired is not None
    assert change.paired.difference.value == pytest.approx(0.5)  # after minus before
    assert change.record()["before"] == pytest.approx(10.2)


def test_one_seed_that_differs_in_the_last_bit_is_a_change(
    runs: list[RunRecord], run: Make
) -> None:
    later = [run("plain", 0, 10.0 + 2e-15), *runs[1:]]
    (change,) = changes_between(runs, later).means
    assert (change.shared, change.equal) == (5, 4)


def test_another_protocol_is_another_metric_and_never_subtracted(
    runs: list[RunRecord], run: Make
) -> None:
    later = [run("plain", seed, 10.0, protocol="fid/v2") for seed in range(5)]
    found = changes_between(runs[:5], later)
    assert [(change.paired, change.shared) for change in found.means] == [(None, 0), (None, 0)]
    assert found.compared == 0


def test_runs_that_fail_now_and_verdicts_that_turn_are_named(
    runs: list[RunRecord], run: Make
) -> None:
    later = runs[:5] + [
        replace(run("treated", seed, None, status="diverged"), tricks="t") for seed in range(5)
    ]
    found = changes_between(runs, later)
    (outcome,) = found.outcomes
    assert (outcome.variant, outcome.before, outcome.after) == ("treated", "5 done", "5 diverged")
    (verdict,) = found.verdicts
    assert (verdict.before, verdict.after) == ("helps", "fails")


def test_a_metric_or_baseline_that_no_run_has_is_told(runs: list[RunRecord]) -> None:
    with pytest.raises(UnknownNameError, match="No run has the metric 'fidd'"):
        changes_between(runs, runs, metric="fidd")
    with pytest.raises(UnknownNameError, match="nope"):
        changes_between(runs, runs, baseline="nope")
