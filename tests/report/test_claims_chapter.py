# SPDX-License-Identifier: MIT
"""Claims of papers next to what was found: one verdict on each dataset, or a count of several."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from plain_text import cell_text

from ganbench.analysis.claims import PaperClaim
from ganbench.records.run_record import RunRecord
from ganbench.report.claims_chapter import claims_chapter
from ganbench.report.content_blocks import Chapter, Table
from ganbench.report.make_report import make_report
from ganbench.report.write import write_report

CLAIMS = {
    "r1": PaperClaim(
        trick="r1", claim="It converges.", source="Mescheder, 2018, arXiv:1801.04406, abstract"
    )
}
LOW, SAME = (28.0, 28.9, 29.8, 27.1, 31.0), (40.3, 40.7, 42.4, 38.8, 43.1)
BASE = (40.0, 41.0, 42.0, 39.0, 43.0)


@pytest.fixture
def two_datasets(make_record: Callable[..., RunRecord]) -> list[RunRecord]:
    """On digits r1 helps, on faces it does nothing, and ema was added on digits alone."""
    groups = {
        ("digits", ""): BASE,
        ("digits", "r1"): LOW,
        ("digits", "ema"): SAME,
        ("digits", "ema + r1"): LOW,
        ("faces", ""): BASE,
        ("faces", "r1"): SAME,
    }
    return [
        make_record(dataset, tricks, "", seed, value)
        for (dataset, tricks), values in groups.items()
        for seed, value in enumerate(values)
    ]


def rows_by_trick(table: Table, first: int) -> dict[str, list[str]]:
    """Return the cells of each row from a column on, by what stands in its first."""
    rows = [[cell_text(cell) for cell in row.cells] for row in table.rows]
    return {row[0]: row[first:] for row in rows}


def chapter_of(runs: list[RunRecord], claims: dict[str, PaperClaim]) -> Chapter | None:
    return claims_chapter(make_report(runs, title="x").sections, claims)


def test_each_single_trick_has_its_claim_and_what_was_found(
    two_datasets: list[RunRecord],
) -> None:
    chapter = chapter_of(two_datasets, CLAIMS)
    assert chapter is not None
    table = chapter.blocks[0]
    assert isinstance(table, Table)
    heads = [column.head for column in table.columns]
    assert heads == ["trick", "claimed", "found: digits", "found: faces"]
    rows = {
        cell_text(row.cells[0]): [cell_text(cell) for cell in row.cells[1:]] for row in table.rows
    }
    assert list(rows) == ["r1", "ema"]  # no set of two tricks
    claimed, digits, faces = rows["r1"]
    assert claimed == "It converges. Mescheder, 2018, arXiv:1801.04406, abstract"
    assert digits.startswith("helps −29 % −12.04 [")
    assert "p, Holm: " in digits
    assert faces.startswith("not shown")
    assert rows["ema"][0] == "no claim on record"
    assert rows["ema"][2] == "–"


def rows_of(runs: list[RunRecord]) -> dict[str, list[str]]:
    chapter = chapter_of(runs, CLAIMS)
    assert chapter is not None
    table = chapter.blocks[0]
    assert isinstance(table, Table)
    return {
        cell_text(row.cells[0]): [cell_text(cell) for cell in row.cells[2:]] for row in table.rows
    }


def test_a_trick_with_other_parameters_on_another_dataset_has_one_row(
    make_record: Callable[..., RunRecord],
) -> None:
    weak, strong = "r1(weight=0.1)", "r1(weight=10)"
    groups = {("digits", ""): BASE, ("digits", "r1"): LOW, ("digits", "ema(warm_up=0)"): SAME}
    groups |= {("faces", ""): BASE, ("faces", weak): SAME, ("faces", "ema(warm_up=0)"): SAME}
    runs = [
        make_record(dataset, tricks, "", seed, value)
        for (dataset, tricks), values in groups.items()
        for seed, value in enumerate(values)
    ]
    rows = rows_of(runs)
    assert list(rows) == ["r1", "ema(warm_up=0)"]  # the same parameters everywhere stay in the name
    digits, faces = rows["r1"]
    assert digits.startswith("helps")
    assert weak not in digits
    assert faces.startswith("not shown")
    assert faces.endswith(weak)

    runs += [make_record("faces", strong, "", seed, value) for seed, value in enumerate(LOW)]
    assert list(rows_of(runs)) == ["r1", "ema(warm_up=0)", weak, strong]


def test_a_trick_at_several_rates_is_counted(rate_grid: Any) -> None:
    chapter = chapter_of(rate_grid(), CLAIMS)
    assert chapter is not None
    table = chapter.blocks[0]
    assert isinstance(table, Table)
    (row,) = table.rows
    assert cell_text(row.cells[2]) == "fails less 2, not shown 1 of 3 learning rates"


def test_without_claims_or_single_tricks_there_is_no_chapter(
    two_datasets: list[RunRecord], make_record: Callable[..., RunRecord]
) -> None:
    assert chapter_of(two_datasets, {}) is None
    assert chapter_of([make_record("digits", "", "", 0, 1.0)], CLAIMS) is None


def test_the_page_links_the_paper_and_lists_the_chapter(
    two_datasets: list[RunRecord], tmp_path: Path
) -> None:
    files = write_report(two_datasets, tmp_path / "out", title="x", claims=CLAIMS)
    page = files.page.read_text()
    assert 'href="#claims"' in page
    assert 'href="https://arxiv.org/abs/1801.04406"' in page
    assert "It converges." in files.markdown.read_text()


def test_a_parameter_that_all_runs_share_stands_with_the_verdict_unless_it_is_the_default(
    two_datasets: list[RunRecord],
) -> None:
    def with_config(run: RunRecord) -> RunRecord:
        """Return a run as recorded: r1 with a weight of its own, ema as it comes."""
        parameters = {
            "r1": {"weight": 0.1, "every": 1},
            "ema": {"half_life_kimg": 10.0, "warm_up": 0.05},
        }
        names = [name for name in run.tricks.split(" + ") if name]
        tricks = [{"name": name, "parameters": parameters[name]} for name in names]
        return replace(run, config={"tricks": tricks})

    chapter = chapter_of([with_config(run) for run in two_datasets], CLAIMS)
    assert chapter is not None
    table = chapter.blocks[0]
    assert isinstance(table, Table)
    rows = {
        cell_text(row.cells[0]): [cell_text(cell) for cell in row.cells[2:]] for row in table.rows
    }
    assert all(cell.endswith(" r1(weight=0.1)") for cell in rows["r1"])
    assert "ema(" not in " ".join(rows["ema"])
