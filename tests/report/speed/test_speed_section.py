# SPDX-License-Identifier: MIT
"""Measurements by machine: what is one machine, and what charts leave out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganbench.report.speed.speed_section import MOST_BARS
from ganbench.report.speed.speed_sentences import sentences


def test_a_machine_is_one_whatever_its_threads_and_repeats_are_set_aside(
    made_up: Any, tmp_path: Path
) -> None:
    first = made_up.document([made_up.case("dcgan", 64), made_up.case("dcgan", 256)])
    short = made_up.case("dcgan", 64, training={"images_per_second": 1.0, "rounds": [1.0]})
    again = made_up.document([short], environment=made_up.environment("cpu"))
    threads = made_up.document(
        [made_up.case("dcgan", 64, threads=1)], environment=made_up.environment("cpu", 1)
    )
    newer = {**made_up.environment("cpu"), "packages": {"torch": "2.15.0"}}
    other = made_up.document([made_up.case("dcgan", 64)], environment=newer, ceilings=[])
    speed = made_up.gathered(tmp_path, first, again, threads, other)
    large, small = sorted(speed.machines, key=lambda machine: -len(machine.rows))
    assert (len(large.rows), large.repeats) == (3, 1)
    assert len(large.environments) == 2
    assert all(len(row.case.rounds) == 5 for row in large.rows)
    assert (len(small.rows), small.repeats) == (1, 0)
    assert {machine.title for machine in speed.machines} == {
        "cpu: Example CPU @ 3.0 GHz",
        "cpu: Example CPU @ 3.0 GHz (2)",
    }
    assert speed.differing == ("threads",)


def test_a_case_without_figures_is_a_row(made_up: Any, elements: Any, tmp_path: Path) -> None:
    bare = made_up.failed("dcgan", 64, "")
    none: Mapping[str, Any] = {"status": "ok", "training": None, "split_ms": None}
    document = made_up.document([{**bare, **none}], ceilings=[], protocol={})
    speed = made_up.gathered(tmp_path, document)
    assert sentences(speed.machines[0], ()) == []
    assert (speed.rates, speed.splits) == ((), ())
    files = made_up.report(tmp_path, tmp_path / "out")
    (row,) = (row for row in elements(files.page.read_text()).rows if row[0].startswith("dcgan"))
    assert row[:2] == ["dcgan mnist5k@32, fp32", "64"]
    assert set(row[2:]) == {"–"}
    assert not (files.folder / "charts").exists()


def test_a_chart_of_many_cases_says_what_it_leaves_out(made_up: Any, tmp_path: Path) -> None:
    many = [made_up.case("dcgan", batch) for batch in range(1, MOST_BARS + 4)]
    speed = made_up.gathered(tmp_path, made_up.document(many))
    assert speed.machines[0].undrawn == 3
    (panel,) = speed.splits
    assert len({row["case"] for row in panel.data.rows}) == MOST_BARS
    page = made_up.report(tmp_path, tmp_path / "out").page.read_text()
    assert "3 further cases on cpu: Example CPU" in page
