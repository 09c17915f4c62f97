# SPDX-License-Identifier: MIT
"""The part on rates of a page: its sentences, its table, and its charts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from plain_text import cell_text, plain

from ganbench.records.run_record import RunRecord
from ganbench.report.content_blocks import Bullets, Charts, Table
from ganbench.report.dataset.over_settings_blocks import over_settings_blocks
from ganbench.report.make_report import make_report
from ganbench.report.report_chapters import report_blocks
from ganbench.report.write import write_report

BASE = (40.0, 41.0, 42.0, 39.0, 43.0, 40.5)
LOW = (28.0, 28.9, 29.8, 27.1, 31.0, 28.4)
HIGH = (52.0, 53.2, 54.1, 50.9, 55.0, 52.4)


@pytest.fixture
def runs(make_record: Callable[..., RunRecord]) -> list[RunRecord]:
    """The trick helps at a small rate, hurts at a middle one, and diverges at a large one."""
    groups = [("0.0001", LOW), ("0.001", HIGH), ("0.01", (None,) * 6)]
    return [
        make_record("digits", tricks, rate, seed, value)
        for rate, treated in groups
        for tricks, values in (("", BASE), ("r1", treated))
        for seed, value in enumerate(values)
    ]


def test_a_trick_has_a_verdict_at_each_rate(runs: list[RunRecord]) -> None:
    (section,) = make_report(runs, title="x").sections
    blocks = over_settings_blocks(section)
    table = next(block for block in blocks if isinstance(block, Table))
    assert [column.head for column in table.columns] == [
        "treatment",
        "learning rates at which it helps",
        "0.0001",
        "0.001",
        "0.01",
    ]
    assert {column.group for column in table.columns[2:]} == {"learning_rate"}
    plain_row, row = table.rows
    assert [cell_text(cell) for cell in plain_row.cells] == [
        *("none its mean", "", "41", "41", "41"),
    ]
    assert [cell_text(cell) for cell in row.cells] == [
        "r1",
        "1 of 3",
        "helps −29 % to 29",
        "hurts +29 % to 53",
        "fails 6 of 6 6 of 6 failed",
    ]
    (said,) = (block for block in blocks if isinstance(block, Bullets))
    assert plain(said.items[0].text) == (
        "r1 helps at 1 of 3 learning rates, hurts at 1 and fails at 1."
    )


def test_the_chart_has_a_ratio_where_there_are_pairs(runs: list[RunRecord]) -> None:
    (section,) = make_report(runs, title="x").sections
    (charts,) = (block for block in over_settings_blocks(section) if isinstance(block, Charts))
    (panel,) = charts.panels
    assert panel.title == "r1"
    assert [(row["setting"], row["verdict"]) for row in panel.data.rows] == [
        ("0.0001", "helps"),
        ("0.001", "hurts"),
    ]


def test_a_page_without_settings_has_no_such_part(
    make_record: Callable[..., RunRecord],
) -> None:
    runs = [make_record("digits", tricks, "", 0, 1.0) for tricks in ("", "r1")]
    (section,) = make_report(runs, title="x").sections
    assert over_settings_blocks(section) == []


def test_the_part_is_on_the_page_and_its_chart_in_markdown(rate_grid: Any, tmp_path: Path) -> None:
    files = write_report(rate_grid(), tmp_path / "out", title="Rates")
    for file in (files.page, files.markdown):
        words = " ".join(file.read_text().split())
        assert "helps at 0 of 3 learning rates and shows no difference at 1." in words
        assert "Fewer of its runs than of the baseline&#39;s fail at 2." in words.replace(
            "baseline's", "baseline&#39;s"
        )
    assert (files.folder / "charts" / "digits-over-settings.svg").is_file()


def test_of_many_treatments_the_first_lines_group_them_by_what_they_do(
    make_record: Callable[..., RunRecord],
) -> None:
    helpful, harmful = [f"good-{at}" for at in range(4)], [f"bad-{at}" for at in range(4)]
    groups = {"": BASE, "idle": BASE, **dict.fromkeys(helpful, LOW), **dict.fromkeys(harmful, HIGH)}
    runs = [
        make_record("digits", tricks, rate, seed, value)
        for rate in ("0.001", "0.01", "0.1")
        for tricks, values in groups.items()
        for seed, value in enumerate(values)
    ]
    finding = report_blocks(make_report(runs, title="x"))[0]
    assert isinstance(finding, Bullets)
    assert plain(finding.items[0].text) == (
        "digits, fid ↓: Helps at 3 of 3 learning rates: good-0, good-1, good-2 and good-3. "
        "Helps at 0 of 3 learning rates and hurts at 3: bad-0, bad-1, bad-2 and bad-3. "
        "No difference is shown for 1 of 9 treatments."
    )
