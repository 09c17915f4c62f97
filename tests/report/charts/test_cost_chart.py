# SPDX-License-Identifier: MIT
"""Quality against cost: which variants are on the Pareto front."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ganbench.analysis.tables import MetricTable, metric_table
from ganbench.records.measurement import Measurement
from ganbench.records.run_record import RunRecord
from ganbench.report.charts.cost_chart import cost_panels, cost_rows
from ganbench.report.charts.style import styles


def run(variant: str, value: float, seconds: float, *, better: str, parameters: int) -> RunRecord:
    measured = {"fid": Measurement(value, n=100, protocol="fid/v1", better=better)}
    sizes = {"generator": parameters, "discriminator": 1}
    return RunRecord(
        *(f"{variant}-0", "done"),
        dataset="ring8",
        variant=variant,
        seed=0,
        seconds=seconds,
        metrics=measured,
        parameters=sizes,
    )


def table(better: str) -> MetricTable:
    listed = [("a", 9.0, 1.0, 30), ("b", 5.0, 2.0, 10), ("c", 6.0, 3.0, 20), ("d", 4.0, 4.0, 40)]
    runs = [run(name, v, s, better=better, parameters=p) for name, v, s, p in listed]
    return metric_table(runs, "ring8")


@pytest.mark.parametrize(
    ("better", "cost", "front"),
    [
        ("lower", "seconds", {"a", "b", "d"}),
        ("lower", "parameters", {"b", "d"}),
        ("higher", "seconds", {"a"}),
        ("higher", "parameters", {"b", "c", "a"}),
    ],
)
def test_the_front_holds_what_no_other_variant_beats_in_both(
    better: str, cost: str, front: set[str]
) -> None:
    made = table(better)
    rows = cost_rows(made, made.columns[0], cost, styles("abcd"))
    assert {row["variant"] for row in rows if row.get("front")} == front
    assert {row["variant"] for row in rows} == set("abcd")


def test_a_cost_that_all_share_has_no_panel() -> None:
    made = table("lower")
    runs = [replace(run, parameters={"generator": 5}) for row in made.rows for run in row.runs]
    panels = cost_panels(
        metric_table(runs, "ring8"), made.columns[0], "x", styles(["a", "b", "c", "d"])
    )
    assert [panel.data.name for panel in panels] == ["x-cost-seconds"]


def test_a_metric_without_a_better_direction_has_none() -> None:
    made = table("")
    assert cost_panels(made, made.columns[0], "x", styles(["a", "b", "c", "d"])) == []


def test_seconds_that_were_rounded_to_zero_have_no_place_on_a_logarithmic_axis() -> None:
    runs = [
        run(name, value, seconds, better="lower", parameters=5)
        for name, value, seconds in [("a", 9.0, 0.0), ("b", 5.0, 2.0), ("c", 6.0, 3.0)]
    ]
    made = metric_table(runs, "ring8")
    rows = cost_rows(made, made.columns[0], "seconds", styles("abc"))
    assert {row["variant"] for row in rows} == {"b", "c"}
    assert cost_panels(made, made.columns[0], "x", styles("abc"))
