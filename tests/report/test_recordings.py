# SPDX-License-Identifier: MIT
"""A report leads to the pages that play its runs, where they stand near it."""

from pathlib import Path
from urllib.parse import unquote

import pytest

import ganbench
from ganbench.records.load import load_runs
from ganbench.records.run_folder import find_runs
from ganbench.report.recordings import recording_links
from ganbench.report.write import write_report


@pytest.fixture
def runs_folder(tmp_path):
    """Return a folder of two runs, one of which was recorded; its name needs quoting."""
    folder = tmp_path / "work" / "my runs #1"
    for seed in (0, 1):
        settings = {"kimg": 0.2, "batch_size": 20}
        ganbench.run(
            "vanilla", "ring8", settings=settings, seed=seed, samples=64, out=folder, progress=False
        )
    first = min(find_runs(folder), key=lambda run: run.path.name)
    first.recording_file.write_text("a page")
    return folder


def test_the_row_of_a_recorded_run_leads_to_its_page(runs_folder):
    out = runs_folder.parent / "report"
    files = write_report(load_runs([runs_folder]), out, title="Two runs")
    page, markdown = files.page.read_text(), files.markdown.read_text()
    assert page.count(">watch it</a>") == 1
    link = page.partition('">watch it</a>')[0].rpartition('href="')[2]
    assert (out / unquote(link)).read_text() == "a page"
    assert markdown.count(f"[watch it]({link})") == 1
    assert str(runs_folder) not in page + markdown


def test_a_page_that_is_far_away_or_gone_has_no_link(runs_folder, tmp_path):
    runs = load_runs([runs_folder])
    (recorded,) = [run for run in runs if run.recording]
    assert recording_links(runs, tmp_path / "work" / "a" / "report") == {}
    assert list(recording_links(runs, Path("elsewhere") / ".." / runs_folder)) == [recorded.name]
    recorded.recording.unlink()
    assert recording_links(runs, runs_folder.parent / "report") == {}


def test_a_report_of_an_archive_leads_nowhere(runs_folder, tmp_path):
    write_report(load_runs([runs_folder]), tmp_path / "work" / "report", title="From runs")
    archived = load_runs([tmp_path / "work" / "report"])
    files = write_report(archived, tmp_path / "work" / "again", title="From an archive")
    assert "watch it" not in files.page.read_text()
