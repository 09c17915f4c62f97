# SPDX-License-Identifier: MIT
"""The chapter on speed as page and Markdown: every figure, next to runs or alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganbench.records.run_record import RunRecord
from ganbench.records.speed_record import find_speeds, write_speeds
from ganbench.report.write import ReportFiles, write_report


def cells(rows: list[list[str]], first: str, batch: int) -> dict[str, str]:
    """Return a row by the heads of its table."""
    head: list[str] = []
    for row in rows:
        if row[0] == "model":
            head = row
        if row[:2] == [first, str(batch)]:
            return dict(zip(head, row, strict=True))
    raise AssertionError(f"no row of {first}")


def test_the_page_has_every_figure(speed_report: ReportFiles, elements: Any) -> None:
    page = speed_report.page.read_text()
    rows = elements(page).rows
    row = cells(rows, "dcgan mnist5k@32, fp32", 64)
    assert row["training, images/s"] == "812 [800, 823] n = 5"
    assert row["sampling, images/s"] == "3,248 [3,167, 3,410] n = 3"
    assert row["latency, ms"] == "p50 1.11 p90 1.35 p99 2.46"
    assert row["GFLOP / image"] == "0.21 sampling 0.03"
    assert row["GFLOP/s"] == "171 91 % of ceiling"
    assert row["memory, MiB"] == "812 growth 210"
    assert row["parameters G / D"] == "1.49 M / 534 k"
    assert row["start-up, s"] == "3.6 import 3.1, build 0.2 first step 0.3"
    on_gpu = cells(rows, "dcgan mnist5k@32, fp32", 512)
    assert on_gpu["memory, MiB"] == "1,200 reserved 1,536"
    compiled = cells(rows, "dcgan mnist5k@32, fp32, compiled", 64)
    assert "not steady" in compiled["training, images/s"]
    lost = next(row for row in rows if row[-1].startswith("failed"))
    assert lost[1:] == ["64", "failed: torch.compile cannot differentiate twice."]
    for wanted in (
        "187 GFLOP/s at fp32 with 2 threads (convolution 1x1)",
        "cpu, 2 threads, Example CPU @ 3.0 GHz, torch 2.14.1, Python 3.11.7",
        "cuda (Example GPU 80GB)",
        "Each speed comes from 5 rounds of 1 s.",
        "ganbench throughput vanilla dcgan --out speed",
        "The speed of 1 case still changed when the rounds began",
    ):
        assert wanted in page, wanted
    assert "0 runs" not in page
    assert "How to read these numbers" not in page, "nothing here is a mean over seeds"


def test_the_markdown_has_the_same_and_points_at_files_that_are_there(
    speed_report: ReportFiles,
) -> None:
    markdown = speed_report.markdown.read_text()
    for wanted in (
        "| dcgan (mnist5k@32, fp32) | 64 | 812 \\[800, 823\\] (n = 5) |",
        "| 171 (91 % of ceiling) |",
        "| 3.6 (import 3.1, build 0.2, first step 0.3) |",
        "failed: torch.compile cannot differentiate twice.",
        "**vanilla** trains fastest on mnist5k@32:",
        "Each speed comes from 5 rounds of 1 s.",
    ):
        assert wanted in markdown, wanted
    links = re.findall(r"\]\(([^)]+)\)", markdown)
    assert {"charts/speed-rates.svg", "charts/speed-split.svg"} <= set(links)
    assert sum(link.startswith("throughput/") for link in links) == 2
    for link in links:
        assert (speed_report.folder / link).is_file(), link
    widths = {
        line.count("|") - line.count("\\|") for line in markdown.splitlines() if line[:1] == "|"
    }
    assert len(widths) == 1


def test_no_file_names_a_place_and_the_same_measurements_give_the_same_bytes(
    speed_report: ReportFiles, made_up: Any, contents: Any, tmp_path: Path
) -> None:
    first = contents(speed_report.folder)
    assert not [name for name, data in first.items() if b"/home/someone" in data]
    runs = made_up.folder(tmp_path / "runs", made_up.documents()[::-1])
    again = contents(made_up.report(runs, tmp_path / "b").folder)
    speeds = list(find_speeds(speed_report.folder))[::-1]
    back = contents(write_report([], tmp_path / "c", title="How fast", speeds=speeds).folder)
    assert sorted(first) == sorted(again) == sorted(back)
    for name, data in first.items():
        assert data == again[name], name
        assert data == back[name], name


def test_a_folder_with_speeds_alone_is_reported_and_its_report_too(
    cli: Any, made_up: Any, contents: Any, tmp_path: Path
) -> None:
    made_up.folder(tmp_path / "runs", made_up.documents())
    told = cli("report", tmp_path / "runs", "--out", tmp_path / "out", "--json")
    assert (told.code, told.document["runs"], told.document["speeds"]) == (0, 0, 2)
    again = cli("report", tmp_path / "out", "--out", tmp_path / "again")
    assert again.code == 0
    assert "2 measurements of speed" in again.out
    first, second = contents(tmp_path / "out"), contents(tmp_path / "again")
    assert first == second
    (tmp_path / "nothing").mkdir()
    none = cli("report", tmp_path / "nothing", "--out", tmp_path / "none")
    assert none.code == 2
    assert "There is no run" in none.err


def test_speeds_stand_next_to_runs_and_old_ones_give_way(made_up: Any, tmp_path: Path) -> None:
    run = RunRecord("a", "done", model="m", dataset="speed", variant="m", seed=0)
    speeds = list(find_speeds(made_up.folder(tmp_path / "runs", made_up.documents())))
    out = tmp_path / "out"
    page = write_report([run], out, title="Both", speeds=speeds).page.read_text()
    assert page.count('id="speed"') == 1, "a dataset of that name has another place"
    assert '<a href="#speed">Speed</a>' in page
    assert "How to read these numbers" in page
    assert len(list((out / "throughput").iterdir())) == 2
    write_report([run], out, title="One", speeds=speeds[:1])
    assert [path.stem for path in (out / "throughput").iterdir()] == [speeds[0].name]
    without = write_report([run], out, title="Runs alone").page.read_text()
    assert 'id="speed"' not in without
    assert not list((out / "throughput").iterdir())


def test_measurements_in_the_folder_of_the_report_stay_as_they_are(
    made_up: Any, contents: Any, tmp_path: Path
) -> None:
    place = made_up.folder(tmp_path / "runs", made_up.documents()[:1])
    before = contents(place)
    other = list(find_speeds(made_up.folder(tmp_path / "other", made_up.documents()[1:])))
    run = RunRecord("a", "done", model="m", dataset="speed", variant="m", seed=0)
    for speeds in (list(find_speeds(place)), [], [*find_speeds(place), *other], []):
        write_report([run], place, title="There", speeds=speeds)
        now = contents(place)
        assert {name: now[name] for name in before} == before
        assert len(list((place / "throughput").iterdir())) == 1 + len(speeds[1:])


def test_what_cannot_be_read_is_said_and_stays(made_up: Any, tmp_path: Path) -> None:
    place = made_up.folder(tmp_path / "runs", made_up.documents()[:1])
    (place / "throughput" / "cut.json").write_text('{"schema": 1, "cas')
    files = made_up.report(place, tmp_path / "out")
    for path in (files.page, files.markdown):
        assert "cut.json is damaged: it is not valid JSON." in path.read_text().replace("\\", "")
    assert not (files.folder / "throughput" / "cut.json").exists()
    (files.folder / "throughput" / "cut.json").write_text("{")
    made_up.report(files.folder, files.folder)
    assert (files.folder / "throughput" / "cut.json").exists(), "it may be mended by hand"


def test_hostile_names_are_only_shown(
    speed_report: ReportFiles, made_up: Any, elements: Any, hostile_text: str, tmp_path: Path
) -> None:
    text = hostile_text
    names = {"model": text, "tricks": [text], "dataset": text, "device_name": text}
    cases = [{**made_up.case("dcgan", 64), **names}, {**made_up.failed("dcgan", 8, text), **names}]
    document = made_up.document(cases, command=text, ganbench=text)
    document["environment"] = {**made_up.environment("cpu"), "processor": text, text: text}
    path = write_speeds(tmp_path / "runs", document)
    assert re.fullmatch(r"[\w.-]+", path.name)
    files = made_up.report(tmp_path / "runs", tmp_path / "out")
    tags = elements(files.page.read_text()).tags
    assert set(tags) == set(elements(speed_report.page.read_text()).tags)
    assert tags.count("script") == 4
    assert "img" not in tags


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (360, "dark")])
def test_the_charts_are_drawn_without_network_and_fit(
    speed_report: ReportFiles, look: Callable[..., Any], width: int, scheme: str
) -> None:
    seen = look(speed_report.page, width, scheme)
    assert (seen.complaints, seen.requests) == ([], [])
    assert seen.charts == seen.places == 4
    assert seen.marks > 5 * 15, "a circle a round"
    assert seen.page_width <= width
    assert seen.widest_chart <= width


@pytest.mark.browser
def test_hostile_names_do_nothing_in_a_browser(
    made_up: Any, hostile_text: str, look: Callable[..., Any], tmp_path: Path
) -> None:
    names = {"model": hostile_text, "tricks": [hostile_text], "device_name": hostile_text}
    case = {**made_up.case("dcgan", 64), **names}
    made_up.folder(tmp_path, [made_up.document([case])])
    seen = look(made_up.report(tmp_path, tmp_path / "out").page, 390, "light")
    assert (seen.complaints, seen.requests) == ([], [])
    assert seen.charts == seen.places == 2
    assert seen.page_width <= 390
