# SPDX-License-Identifier: MIT
"""The same treatments on several datasets: ranks and ratios, and no mean of FIDs."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from ganbench.analysis.across_datasets import across
from ganbench.analysis.comparison import compare_to
from ganbench.analysis.tables import metric_table
from ganbench.records.measurement import Measurement
from ganbench.records.run_record import RunRecord


def run(dataset: str, tricks: str, seed: int, fid: float) -> RunRecord:
    label = f"gan + {tricks}" if tricks else "gan"
    return RunRecord(
        name=f"{dataset} {label} {seed}",
        status="done",
        model="gan",
        dataset=dataset,
        variant=label,
        tricks=tricks,
        seed=seed,
        metrics={"fid": Measurement(fid, n=100, protocol=f"fid/v1/{dataset}", better="lower")},
    )


def two_datasets() -> list[RunRecord]:
    """r1 halves the FID of one dataset and leaves the other; ema doubles both."""
    runs = []
    for seed in range(3):
        for dataset, level, half in (("digits", 10.0 + seed, 0.5), ("faces", 200.0 + seed, 1.0)):
            runs.append(run(dataset, "", seed, level))
            runs.append(run(dataset, "r1", seed, half * level))
            runs.append(run(dataset, "ema", seed, 2 * level))
    return runs


def test_across_datasets_there_are_ranks_and_ratios_and_no_mean_of_fids() -> None:
    runs = two_datasets()
    tables = [metric_table(runs, name) for name in ("digits", "faces")]
    (group,) = across(tables, {table.dataset: compare_to(table) for table in tables})
    assert (group.metric, group.baseline, group.datasets) == ("fid", "gan", ("digits", "faces"))
    rows = {row.variant: row for row in group.rows}
    assert {name: row.rank for name, row in rows.items()} == {
        "gan": 1.75,
        "gan + r1": 1.25,
        "gan + ema": 3.0,
    }
    assert rows["gan"].ratio is None
    ratio = rows["gan + r1"].ratio
    assert ratio is not None
    assert (ratio.value, ratio.n) == (pytest.approx(math.sqrt(0.5)), 6)
    assert across(tables[:1], {"digits": compare_to(tables[0])}) == []


def test_a_ratio_needs_values_above_zero() -> None:
    runs = [
        replace(each, metrics={"fid": replace(each.metrics["fid"], value=-1.0)})
        if each.tricks == "r1" and each.seed == 0
        else each
        for each in two_datasets()
    ]
    tables = [metric_table(runs, name) for name in ("digits", "faces")]
    (group,) = across(tables, {table.dataset: compare_to(table) for table in tables})
    assert [row.variant for row in group.rows if row.ratio] == ["gan + ema"]
