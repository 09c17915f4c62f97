# SPDX-License-Identifier: MIT
"""The chapters of a report: what is in both outputs, and in which order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ganbench.records.load import load_runs
from ganbench.records.run_record import RunRecord
from ganbench.report.content_blocks import Bullets, Chapter, Details, spans
from ganbench.report.make_report import make_report
from ganbench.report.report_chapters import MOST_UNREAD, report_blocks
from ganbench.report.write import write_report


def test_the_report_has_all_of_it(rate_grid: Any, tmp_path: Path) -> None:
    runs = [*rate_grid(), *rate_grid("faces")]
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


def test_chapters_stand_in_order_and_have_anchors_of_their_own(rate_grid: Any) -> None:
    runs = [*rate_grid("speed"), *rate_grid("across"), RunRecord("lost", "damaged", problem="bad")]
    blocks = report_blocks(make_report(runs, title="x"))
    assert isinstance(blocks[0], Bullets)
    assert [str(spans(item.text)[0].text) for item in blocks[0].items] == ["speed", "across"]
    assert isinstance(blocks[1], Details)
    chapters = [block for block in blocks if isinstance(block, Chapter)]
    assert [chapter.title for chapter in chapters] == [
        "speed",
        "across",
        "Across datasets",
        "Runs without a result",
    ]
    anchors = [chapter.anchor for chapter in chapters if chapter.anchor]
    assert len(set(anchors)) == 3
    assert anchors[-1] == "across"


def test_of_many_runs_without_a_result_some_are_listed(tmp_path: Path) -> None:
    runs = [RunRecord(f"run{index}", "damaged") for index in range(MOST_UNREAD + 7)]
    files = write_report(runs, tmp_path, title="Lost")
    for text in (files.page.read_text(), files.markdown.read_text()):
        assert f"run{MOST_UNREAD - 1}" in text
        assert f"run{MOST_UNREAD}" not in text
        assert "and 7 more" in text
