# SPDX-License-Identifier: MIT
"""How often runs go wrong, and how good tricks are over many settings."""

from __future__ import annotations

import math

import pytest

from ganbench.analysis.stability import MOST_THRESHOLDS, profiles, stability_rows
from ganbench.analysis.tables import metric_table
from ganbench.records.measurement import Measurement
from ganbench.records.run_record import RunRecord

RATES = ("0.0001", "0.001", "0.01")


def run(tricks: str, rate: str, seed: int, fid: float | None, status: str = "done") -> RunRecord:
    """Return a run with one metric; without a value it has diverged, or has another status."""
    setting = f"learning_rate={rate}"
    label = (f"gan + {tricks}" if tricks else "gan") + f", {setting}"
    measured = Measurement(fid, n=100, protocol="fid/v1", better="lower")
    return RunRecord(
        name=f"{label} {seed}",
        status="diverged" if fid is None and status == "done" else status,
        model="gan",
        dataset="digits",
        variant=label,
        tricks=tricks,
        setting=setting,
        seed=seed,
        metrics={} if fid is None else {"fid": measured},
    )


def grid() -> list[RunRecord]:
    """Without tricks only the middle rate works; with r1 all do, a bit worse."""
    runs = []
    for seed in range(4):
        for rate in RATES:
            runs.append(run("", rate, seed, 10.0 + seed if rate == "0.001" else None))
            runs.append(run("r1", rate, seed, 12.0 + seed))
    return runs


def test_stability_counts_all_runs_of_a_trick() -> None:
    table = metric_table([*grid(), run("r1", "0.01", 9, None, "timeout")], "digits")
    plain, r1 = stability_rows(table, table.columns[0])
    assert (plain.name, plain.settings, plain.runs) == ("none", 3, 12)
    assert plain.statuses == {"diverged": 8}
    assert plain.share.value == pytest.approx(8 / 12)
    assert (r1.runs, r1.statuses, r1.worst) == (13, {"timeout": 1}, 15.0)
    # Within each setting the values are 12 to 15: their variance is 5/3.
    assert r1.deviation == pytest.approx(math.sqrt(5 / 3))
    assert (r1.values, plain.values) == (12, 4)


def test_a_profile_shows_who_is_good_at_many_settings() -> None:
    table = metric_table(grid(), "digits")
    (profile,) = profiles(table, table.columns[0])
    assert (profile.model, profile.logarithmic) == ("gan", False)
    assert profile.settings == tuple(f"learning_rate={rate}" for rate in RATES)
    assert profile.thresholds == (10.0, 11.0, 12.0, 13.0, 14.0, 15.0)
    plain, r1 = profile.curves
    assert (plain.name, r1.name) == ("none", "r1")
    assert plain.shares[0].value == pytest.approx(1 / 12)
    assert plain.shares[-1].value == pytest.approx(4 / 12)
    assert [share.value for share in r1.shares] == [0.0, 0.0, 0.25, 0.5, 0.75, 1.0]
    assert all(share.n == 12 for curve in profile.curves for share in curve.shares)


def test_one_setting_has_no_profile() -> None:
    table = metric_table([each for each in grid() if "=0.001" in each.setting], "digits")
    assert profiles(table, table.columns[0]) == []


def test_a_profile_is_over_the_settings_that_all_have() -> None:
    runs = [each for each in grid() if not (each.tricks and each.setting.endswith("=0.01"))]
    table = metric_table(runs, "digits")
    (profile,) = profiles(table, table.columns[0])
    assert profile.settings == ("learning_rate=0.0001", "learning_rate=0.001")


def test_many_values_have_a_grid_of_thresholds_that_is_logarithmic_for_wide_spreads() -> None:
    runs = [run("", rate, seed, 1.5**seed) for seed in range(40) for rate in RATES[:2]]
    runs += [run("", RATES[2], seed, 1.5**seed + 0.1) for seed in range(40)]
    table = metric_table(runs, "digits")
    (profile,) = profiles(table, table.columns[0])
    assert profile.logarithmic
    assert len(profile.thresholds) == MOST_THRESHOLDS
    assert (profile.thresholds[0], profile.thresholds[-1]) == (1.0, 1.5**39 + 0.1)
    ratios = [b / a for a, b in zip(profile.thresholds, profile.thresholds[1:], strict=False)]
    assert max(ratios) == pytest.approx(min(ratios))
