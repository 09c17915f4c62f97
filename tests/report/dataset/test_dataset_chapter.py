# SPDX-License-Identifier: MIT
"""The chapter on a dataset with many runs: some are drawn, and the page says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ganbench.analysis.selection import MOST_ROWS, MOST_RUNS, MOST_SEEDS, MOST_VARIANTS
from ganbench.records.atomic_files import read_lines
from ganbench.report.make_report import make_report
from ganbench.report.write import write_report


def test_of_many_runs_a_page_shows_some_and_says_so(make_record: Any, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    tricks = ["", *(f"t{index:03}" for index in range(MOST_ROWS + 9))]
    base = random.normal(10, 1, 4)
    runs = [
        make_record(
            "digits", name, "", seed, base[seed] + random.normal(0, 0.1) - 5 * (name == "t100")
        )
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
    page, markdown = files.page.read_text(), files.markdown.read_text()
    for text in (page, markdown):
        assert f"Tables stop after {MOST_ROWS} variants" in text
        assert "Further treatments" in text
        assert f"The first {MOST_ROWS} of {MOST_ROWS + 9} treatments are listed." in text
        assert f"wherever there are more than {MOST_RUNS} runs" in text
        assert "help, fail less, hurt or fail, the largest of each kind in turn" in text
    (effects,) = section.effects
    assert len({row["treatment"] for row in effects.data.rows}) == MOST_ROWS, "of the primary one"
    assert "<b>t100</b> helps" in page
    assert "**t100** helps" in markdown
    table = markdown.partition("### Every variant")[2].partition("###")[0]
    assert sum(line.startswith("| gan") for line in table.splitlines()) == MOST_ROWS
    rows = read_lines(files.results)
    assert len(rows) == len(runs), "the results have all"


def test_bold_is_for_a_best_mean_that_a_test_supports(make_record: Any, tmp_path: Path) -> None:
    def table_cells(values: dict[str, tuple[float, ...]]) -> dict[str, str]:
        runs = [
            make_record("digits", tricks, "", seed, fid)
            for tricks, fids in values.items()
            for seed, fid in enumerate(fids)
        ]
        markdown = write_report(runs, tmp_path / "out", title="x").markdown.read_text()
        rows = markdown.split("| variant ", 2)[1].splitlines()[2:]
        cells = [row.split(" | ") for row in rows if row.startswith("| gan")]
        return {row[0].removeprefix("| "): row[1] for row in cells}

    clear = table_cells({"": (20.0, 21.0, 20.5), "r1": (10.0, 11.0, 10.4)})
    assert clear["gan + r1"].startswith("**10.")
    assert "significant" not in "".join(clear.values())
    chance = table_cells({"": (20.0, 21.0, 20.5), "r1": (10.0, 31.0, 18.4)})
    assert "(lowest, not significant)" in chance["gan + r1"]
    assert "**" not in "".join(chance.values())
    single = table_cells({"": (20.0,), "r1": (10.0,)})
    assert "lowest, not tested" in single["gan + r1"]
