# SPDX-License-Identifier: MIT
"""Stability over settings, treatments across datasets, and what of many runs is left out."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ganbench.analysis.across_datasets import across
from ganbench.analysis.comparison import compare_to
from ganbench.analysis.selection import MOST_ROWS, MOST_RUNS, MOST_SEEDS, MOST_VARIANTS
from ganbench.analysis.tables import metric_table
from ganbench.errors import UnknownNameError
from ganbench.records.load import load_runs
from ganbench.records.measurement import Measurement
from ganbench.records.run_record import Curve, RunRecord
from ganbench.report.charts.chart_rows import curve_domain
from ganbench.report.charts.stability import profiles, stability_rows
from ganbench.report.charts.style import styles
from ganbench.report.write import make_report, write_report

RATES = ("0.0001", "0.001", "0.01")


def run(
    dataset: str, tricks: str, rate: str, seed: int, fid: float | None, status: str = "done"
) -> RunRecord:
    """Return a run with one metric; without a value it has diverged, or has another status."""
    setting = f"learning_rate={rate}" if rate else ""
    label = ("gan + " + tricks if tricks else "gan") + (f", {setting}" if setting else "")
    measured = Measurement(fid, n=100, protocol=f"fid/v1/{dataset}", better="lower")
    return RunRecord(
        name=f"{dataset} {label} {seed}",
        status="diverged" if fid is None and status == "done" else status,
        identity=f"{dataset} {label} {seed}",
        model="gan",
        dataset=dataset,
        variant=label,
        tricks=tricks,
        setting=setting,
        seed=seed,
        threads=1,
        metrics={} if fid is None else {"fid": measured},
    )


def grid(dataset: str = "digits") -> list[RunRecord]:
    """Without tricks only the middle rate works; with r1 all do, a bit worse."""
    found = []
    for seed in range(4):
        for rate in RATES:
            plain = 10.0 + seed if rate == "0.001" else None
            found.append(run(dataset, "", rate, seed, plain))
            found.append(run(dataset, "r1", rate, seed, 12.0 + seed))
    return found


def test_stability_counts_all_runs_of_a_trick() -> None:
    runs = [*grid(), run("digits", "r1", "0.01", 9, None, "timeout")]
    table = metric_table(runs, "digits")
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
    data: dict[str, list[dict[str, object]]] = {}
    drawn = styles([row.variant for row in table.rows])
    (found,) = profiles(table, table.columns[0], "digits", drawn, data)
    assert found.settings == tuple(f"learning_rate={rate}" for rate in RATES)
    assert len(found.panels) == 1, "the runs without tricks are the gray behind"
    rows = data[found.panels[0].data]
    share = {(row["tricks"], row["tau"]): row["share"] for row in rows}
    assert share["none", 10.0] == pytest.approx(1 / 12, abs=1e-4)
    assert share["none", 15.0] == pytest.approx(4 / 12, abs=1e-4)
    assert (share["r1", 10.0], share["r1", 12.0], share["r1", 15.0]) == (0.0, 0.25, 1.0)
    assert all(row["n"] == 12 for row in rows)


def test_one_setting_has_no_profile() -> None:
    table = metric_table([one for one in grid() if "=0.001" in one.setting], "digits")
    drawn = styles([row.variant for row in table.rows])
    assert profiles(table, table.columns[0], "digits", drawn, {}) == []


def test_a_profile_is_over_the_settings_that_all_have() -> None:
    runs = [one for one in grid() if not (one.tricks and one.setting.endswith("=0.01"))]
    table = metric_table(runs, "digits")
    drawn = styles([row.variant for row in table.rows])
    (found,) = profiles(table, table.columns[0], "digits", drawn, {})
    assert found.settings == ("learning_rate=0.0001", "learning_rate=0.001")


def two_datasets() -> list[RunRecord]:
    """r1 halves the FID of one dataset and leaves the other; ema doubles both."""
    found = []
    for seed in range(3):
        for dataset, level, half in (("digits", 10.0 + seed, 0.5), ("faces", 200.0 + seed, 1.0)):
            found.append(run(dataset, "", "", seed, level))
            found.append(run(dataset, "r1", "", seed, half * level))
            found.append(run(dataset, "ema", "", seed, 2 * level))
    return found


def test_across_datasets_there_are_ranks_and_ratios_and_no_mean_of_fids() -> None:
    runs = two_datasets()
    tables = [metric_table(runs, name) for name in ("digits", "faces")]
    (found,) = across(tables, {table.dataset: compare_to(table) for table in tables})
    assert (found.metric, found.baseline, found.datasets) == ("fid", "gan", ("digits", "faces"))
    rows = {row.variant: row for row in found.rows}
    assert {name: row.rank for name, row in rows.items()} == {
        "gan": 1.75,
        "gan + r1": 1.25,
        "gan + ema": 3.0,
    }
    assert rows["gan"].ratio is None
    ratio = rows["gan + r1"].ratio
    assert ratio is not None
    assert (ratio.value, ratio.n) == (pytest.approx(math.sqrt(0.5)), 6)
    (alone,) = [across(tables[:1], {"digits": compare_to(tables[0])})]
    assert alone == []


def test_a_ratio_needs_values_above_zero() -> None:
    runs = [
        replace(one, metrics={"fid": replace(one.metrics["fid"], value=-1.0)})
        if one.tricks == "r1" and one.seed == 0
        else one
        for one in two_datasets()
    ]
    tables = [metric_table(runs, name) for name in ("digits", "faces")]
    (found,) = across(tables, {table.dataset: compare_to(table) for table in tables})
    assert [row.variant for row in found.rows if row.ratio] == ["gan + ema"]


def test_the_report_has_all_of_it(tmp_path: Path) -> None:
    runs = [*grid(), *grid("faces")]
    runs[0] = replace(runs[0], threads=2)
    files = write_report(runs, tmp_path / "out", title="Rates")
    for text in (files.page.read_text(), files.markdown.read_text()):
        for wanted in (
            "Stability",
            "8 diverged",
            "learning_rate=0.0001; learning_rate=0.001; learning_rate=0.01".replace("_", ""),
            "different numbers of threads (1 and 2)",
            "Across datasets",
            "ratio to the baseline",
            "cannot give a p value below 0.125",
        ):
            assert wanted in text.replace("\\", "").replace("_", ""), wanted
    assert (files.folder / "charts" / "digits-profiles.svg").read_text().startswith("<svg")
    again = write_report(load_runs([files.folder]), tmp_path / "again", title="Rates")
    for name in ("index.html", "README.md", "charts/digits-profiles.svg"):
        assert (again.folder / name).read_bytes() == (files.folder / name).read_bytes(), name


def test_the_main_metric_can_be_named() -> None:
    runs = two_datasets()
    assert make_report(runs, title="x", metric="fid").sections[0].main is not None
    with pytest.raises(UnknownNameError, match="Did you mean 'fid'"):
        make_report(runs, title="x", metric="fdi")
    with pytest.raises(UnknownNameError, match="No run is of the variant"):
        make_report(runs, title="x", baseline="r2")


def test_of_many_runs_a_page_shows_some_and_says_so(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    tricks = ["", *(f"t{index:03}" for index in range(MOST_ROWS + 9))]
    base = random.normal(10, 1, 4)
    runs = [
        run("digits", name, "", seed, base[seed] + random.normal(0, 0.1) - 5 * (name == "t100"))
        for name in tricks
        for seed in range(4)
    ]
    assert len(runs) > MOST_RUNS
    files = write_report(runs, tmp_path / "out", title="Many")
    (section,) = make_report(runs, title="Many").sections
    assert len(section.chosen.first) == MOST_VARIANTS
    assert len(section.chosen.variants) == MOST_VARIANTS
    assert {"gan", "gan + t100"} <= set(section.chosen.variants), "what is shown to differ"
    assert len(section.chosen.runs) <= MOST_VARIANTS * MOST_SEEDS
    assert len(section.rows) == MOST_ROWS
    for text in (files.page.read_text(), files.markdown.read_text()):
        assert f"Tables stop after {MOST_ROWS} variants" in text
        assert "t100 helps" in text.replace("<b>", "").replace("</b>", "")
        assert "Further treatments" in text
    rows = [json.loads(line) for line in files.results.read_text().splitlines()]
    assert len(rows) == len(runs), "results.jsonl has all"


def test_a_domain_holds_all_values() -> None:
    rows = [{"m": 1.0}, {"m": 9.0}, {"other": 99.0}]
    low, high = curve_domain(rows, "m", log=False)
    assert low < 1.0 < 9.0 < high
    assert curve_domain(rows, "m", log=True)[0] > 0


def test_many_variants_have_a_panel_each_with_the_baseline_behind() -> None:
    curve = Curve("fid", (5.0, 10.0), (1.0, 2.0), (90.0, 10.0), "fid/v1/digits", "lower")
    runs = [
        replace(run("digits", name, "", seed, 10.0 + seed), curves=(curve,))
        for name in ("", "a", "b", "c", "d", "e")
        for seed in range(2)
    ]
    (section,) = make_report(runs, title="x").sections
    (course,) = section.courses
    assert not course.together
    assert [panel.view["title"] for panel in course.panels][:2] == ["gan", "gan + a"]
    own, other = (json.dumps(panel.view) for panel in course.panels[:2])
    assert json.dumps('datum.variant === "gan + a"')[1:-1] in other
    assert json.dumps('datum.variant === "gan"')[1:-1] in other, "the baseline stands behind"
    assert "gan + a" not in own
    few = make_report(runs[:10], title="x").sections[0]
    assert [one.together for one in few.courses] == [True]
