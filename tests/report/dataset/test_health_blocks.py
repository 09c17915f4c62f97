# SPDX-License-Identifier: MIT
"""The chapter of a dataset tells what went wrong, and the best evaluation next to the last."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ganbench.health.watch import DETECTORS
from ganbench.records.load import load_runs
from ganbench.records.measurement import Measurement
from ganbench.records.run_event import RunEvent
from ganbench.records.run_record import RunRecord
from ganbench.report.write import write_report


def run(seed: int, *events: RunEvent, best: float | None = None) -> RunRecord:
    """Return a run on ``ring8`` that had some events, with or without a best evaluation."""
    measurement = Measurement(3.0, n=10, protocol="fid/v1", better="lower")
    chosen = {"fid": {"value": best, "better": "lower"}}
    return RunRecord(
        f"dcgan-{seed}",
        "done",
        identity=f"{seed}" * 16,
        model="dcgan",
        dataset="ring8",
        variant="dcgan",
        seed=seed,
        kimg=100.0,
        metrics={"fid": measurement},
        config={"loss": "hinge"},
        health={
            "events": [event.record() for event in events],
            "unchecked": {"memorization": "no"},
        },
        best={}
        if best is None
        else {"kimg": 80.0, "metric": "fid", "chosen_by": 0.5, "metrics": chosen},
    )


def page(tmp_path: Path, *runs: RunRecord) -> tuple[str, str]:
    """Return the HTML and the Markdown of a report."""
    files = write_report(list(runs), tmp_path, title="Runs")
    return files.page.read_text(), files.markdown.read_text()


SATURATION = RunEvent("saturation", 12.5, None, "warning", "Figures of saturation.")


def test_events_are_counted_dated_and_explained(tmp_path: Path) -> None:
    drop = RunEvent("mode-drop", 50.0, 75.0, "warning", "Figures of the drop.")
    html, markdown = page(tmp_path, run(0, SATURATION), run(1, SATURATION, drop), run(2))
    for text in (html, markdown):
        assert "Health of the runs" in text
        assert "discriminator saturation" in text
        assert "from 12.5 kimg, 2 to the end" in text
        assert "from 50 kimg, 0 to the end" in text
        assert "Mode drop, 50 to 75 kimg: Figures of the drop." in text
        assert "Discriminator saturation, from 12.5 kimg on: Figures of saturation." in text
        assert "oscillation" not in text
    assert DETECTORS["saturation"].advice in markdown
    assert "| dcgan | 3 | 2" in markdown


def test_there_is_no_number_where_nothing_was_looked_for(tmp_path: Path) -> None:
    unchecked = replace(run(3, SATURATION), variant="blind", name="blind")
    growing = RunEvent("memorization", 50.0, None, "warning", "Figures of copies.")
    watched = run(0, growing)
    watched.health["unchecked"].clear()
    plain = replace(run(1), health={"events": [], "unchecked": {}}, variant="plain", name="plain")
    html, markdown = page(tmp_path, watched, run(2), unchecked, plain)
    table = markdown.partition("Health of the runs")[2].partition("A dash: ")[0]
    cells = {
        line.split(" | ")[0].removeprefix("| "): [cell.strip(" |") for cell in line.split(" | ")]
        for line in table.splitlines()
        if line.startswith(("| dcgan", "| blind", "| plain"))
    }
    heads = next(line for line in table.splitlines() if line.startswith("| variant")).split(" | ")
    memorization = next(at for at, head in enumerate(heads) if "memorization" in head)
    assert cells["dcgan"][memorization].startswith("1")
    assert "not looked for in 1" in cells["dcgan"][memorization]
    assert cells["blind"][memorization] == "–"
    assert cells["plain"][memorization] == "0"
    assert "not looked for in 1" in html


def test_of_many_variants_only_those_with_events_are_listed(tmp_path: Path) -> None:
    quiet = [replace(run(at), variant=f"quiet-{at}", name=f"quiet-{at}") for at in range(1, 30)]
    _, markdown = page(tmp_path, run(0, SATURATION), *quiet)
    part = markdown.partition("Health of the runs")[2].partition("Event by event")[0]
    assert "| dcgan | 1 | 1" in part
    assert "quiet-" not in part
    assert "No event was found in the 29 runs of the other variants." in part


def test_healthy_runs_are_said_to_be(tmp_path: Path) -> None:
    html, markdown = page(tmp_path, run(0), run(1))
    for text in (html, markdown):
        assert "No event was found in 2 runs." in text
        assert "for lack of what it takes: memorization growing." in text


def test_older_runs_have_no_such_chapter(tmp_path: Path) -> None:
    html, markdown = page(tmp_path, replace(run(0), health={}))
    assert "Health" not in html + markdown
    assert "Last and best" not in html + markdown


def test_the_best_is_reported_by_the_samples_that_did_not_choose_it(tmp_path: Path) -> None:
    _, markdown = page(tmp_path, run(0, best=1.0), run(1, best=2.0))
    (row,) = [line for line in markdown.splitlines() if line.startswith("| dcgan | fid ")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[2].split()[0] == "3"
    assert cells[3].split()[0] == "1.5"
    assert cells[4:] == ["80", "2"]


def test_the_record_of_a_report_gives_it_back(tmp_path: Path) -> None:
    before = run(0, SATURATION, best=1.0)
    page(tmp_path, before)
    (after,) = load_runs([tmp_path])
    assert (after.health, after.best, after.events) == (before.health, before.best, (SATURATION,))
