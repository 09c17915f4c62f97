# SPDX-License-Identifier: MIT
"""Verdicts on a page: what is primary, what is exploratory, what failed, what is conditional."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from plain_text import plain

from ganbench.records.measurement import Measurement
from ganbench.records.run_record import RunRecord
from ganbench.report.content_blocks import Bullets, Details, Table
from ganbench.report.dataset.verdict_blocks import difference_blocks
from ganbench.report.make_report import make_report
from ganbench.report.report_chapters import report_blocks
from ganbench.report.write import ReportFiles, write_report


def made_up(
    dataset: str, tricks: str, values: list[float], collapsed: tuple[int, ...] = ()
) -> list[RunRecord]:
    """Return the runs of a variant, with two metrics of the same values."""
    return [
        RunRecord(
            name=f"{dataset} {tricks} {seed}",
            identity=f"{dataset} {tricks} {seed}",
            status="collapsed" if seed in collapsed else "done",
            model="gan",
            dataset=dataset,
            variant=f"gan + {tricks}" if tricks else "gan",
            tricks=tricks,
            seed=seed,
            metrics={
                name: Measurement(value, n=1, protocol=name, better="lower")
                for name in ("kid", "fid")
            },
        )
        for seed, value in enumerate(values)
    ]


@pytest.fixture
def files(tmp_path: Path) -> ReportFiles:
    """Two datasets; on the first the baseline collapsed once, and a trick three times."""
    runs = [
        *made_up("digits", "", [40.0, 41.0, 320.0, 39.0, 42.0], (2,)),
        *made_up("digits", "good", [28.0, 28.9, 27.0, 27.1, 29.6]),
        *made_up("digits", "bad", [36.0, 320.0, 35.0, 310.0, 300.0], (0, 1, 2, 3, 4)),
        *made_up("ring8", "", [40.0, 41.0, 42.0, 39.0, 42.0]),
        *made_up("ring8", "good", [28.0, 28.9, 27.0, 27.1, 29.6]),
    ]
    return write_report(runs, tmp_path / "out", title="Verdicts")


@pytest.mark.parametrize("kind", ["page", "markdown"])
def test_a_page_says_what_was_looked_at_and_what_is_exploratory(
    files: ReportFiles, kind: str
) -> None:
    text = " ".join(getattr(files, kind).read_text().split())
    scope = (
        "The primary metric is fid, the default where none is named. p values are corrected for "
        "all 3 tests on it, on 2 datasets. 4 columns of metrics were looked at; 2 of them are "
        "exploratory."
    )
    assert text.count(scope) == 2, "in the chapter of each dataset"
    assert "may help" in text


def test_failures_and_conditional_verdicts_are_in_the_tables(files: ReportFiles) -> None:
    text = files.markdown.read_text()
    verdicts = text.partition("Does it help")[2].partition("The primary metric")[0]
    lines = {line.split("|")[1].strip(): line for line in verdicts.splitlines() if "|" in line}
    assert "| primary fid ↓ | exploratory kid ↓ |" in lines["treatment"]
    assert lines["good"] == (
        "| good | **helps where no run failed** −30 % | **may help where no run failed** −30 % |"
    )
    assert lines["bad"] == "| bad | **fails** 5 of 5 | **fails** 5 of 5 |"
    assert "bad** fails: 5 of 5 runs diverged or collapsed \\[48 %, 100 %\\], 1 of 5" in text
    rows = [line for line in text.splitlines() if line.startswith("| good | gan | fid ↓ |")]
    decides, beside = rows[0], rows[1]
    assert "4 (none failed)" in decides
    assert "5 (all)" in beside
    assert "0.7011 \\[0.6936, 0.7087\\] (p " in decides


def test_a_page_of_one_column_has_nothing_exploratory(tmp_path: Path) -> None:
    runs = [*made_up("digits", "", [40.0, 41.0]), *made_up("digits", "good", [28.0, 28.9])]
    single = [replace(run, metrics={"fid": run.metrics["fid"]}) for run in runs]
    text = write_report(single, tmp_path / "out", title="One").markdown.read_text()
    assert "One test was made. One column of metrics was looked at." in text
    assert "primary fid ↓" in text
    assert "exploratory fid" not in text


def test_the_page_opens_with_what_was_found_on_each_dataset(files: ReportFiles) -> None:
    text = files.markdown.read_text()
    top = text.partition("How to read")[0]
    assert (
        "- **digits**, fid ↓: good helps where no run failed (−30 %), bad fails (5 of 5), no "
        "difference shown for 0 of 2.\n- **ring8**, fid ↓: good helps (−31 %), no difference shown "
        "for 0 of 1."
    ) in top


def test_all_equal_means_are_no_best(tmp_path: Path) -> None:
    runs = [*made_up("digits", "", [10.0, 10.0]), *made_up("digits", "same", [10.0, 10.0])]
    text = write_report(runs, tmp_path / "out", title="Equal").markdown.read_text()
    assert "lowest, " not in text.partition("Every variant")[2]


def test_many_treatments_in_several_metrics_all_have_their_differences() -> None:
    runs = made_up("digits", "", [40.0, 41.0, 42.5])
    for index in range(70):
        runs += made_up("digits", f"t{index:02}", [40.0 + index, 41.5 + index, 42.0 + index])
    (section,) = make_report(runs, title="x").sections
    (details,) = difference_blocks(section)
    assert isinstance(details, Details)
    table = details.blocks[0]
    assert isinstance(table, Table)
    assert len(table.rows) == 2 * 70


def test_many_findings_are_counted_and_the_largest_of_each_kind_are_named() -> None:
    base = [40.0, 41.0, 42.5, 39.0, 40.5]
    runs = made_up("digits", "", base)
    for index in range(5):
        for name, factor in (("down", 0.3 + 0.1 * index), ("up", 2.0 + index)):
            values = [value * factor + (-1) ** seed / 50 for seed, value in enumerate(base)]
            runs += made_up("digits", f"{name}{index}", values)
    first = report_blocks(make_report(runs, title="x"))[0]
    assert isinstance(first, Bullets)
    text = plain(first.items[0].text)
    assert text == (
        "digits, fid ↓: 5 × helps: down0 (−70 %), down1 (−60 %), down2 (−50 %) and 2 more; "
        "5 × hurts: up4 (+500 %), up3 (+400 %), up2 (+300 %) and 2 more; no difference shown for 0 "
        "of 10."
    )
