# SPDX-License-Identifier: MIT
"""The section on speed: its sentences, table and charts, from made-up measurements."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from ganbench.records.run_record import RunRecord
from ganbench.records.speed_record import CASE_KEY, find_speeds, write_speeds
from ganbench.report.speed.speed_charts import (
    PARTS,
    log_ticks_within,
    rate_domains,
    rate_rows,
    split_rows,
)
from ganbench.report.speed.speed_section import MOST_BARS, Speed, speed
from ganbench.report.speed.speed_sentences import asides, sentences
from ganbench.report.write import ReportFiles, write_report

PEAKS = {"fp32": 187.2, "medium": 240.0, "bf16": 402.0}
SIZES = {"vanilla": (0.004, 9800.0), "dcgan": (0.21, 812.0), "wgan-gp": (0.55, 290.0)}
NAMES = {"cpu": "Example CPU @ 3.0 GHz", "cuda": "Example GPU 80GB"}


def environment(device: str, threads: int = 2) -> dict[str, Any]:
    return {
        "schema": 1,
        "python": "3.11.7",
        "kernel": "6.1.0",
        "processor": NAMES["cpu"],
        "threads": threads,
        "device": device,
        "torch": {"gpu": NAMES["cuda"]} if device == "cuda" else {},
        "packages": {"torch": "2.14.1", "ganbench": "0.1.0"},
    }


def case(model: str, batch: int, **changes: Any) -> dict[str, Any]:
    """Return a case that went well; larger batches are somewhat faster, a GPU fifty times."""
    device = changes.get("device", "cpu")
    precision = changes.get("precision", "fp32")
    gflop, rate = SIZES[model]
    rate *= batch / (batch + 6) * 70 / 64 * (50 if device == "cuda" else 1)
    rate *= 1.4 if precision == "bf16" else 1.0
    spent = 1000 * batch / rate
    split = {"data": 0.01, "discriminator": 0.45, "generator": 0.4, "optimizer": 0.09}
    split |= {"penalties": 0.0 if model == "dcgan" else 0.2, "other": 0.01}
    whole = sum(split.values())
    found = {
        "model": model,
        "tricks": ["gradient-penalty:weight=10"] if model == "wgan-gp" else [],
        "dataset": "mnist5k@32",
        "batch_size": batch,
        "device": device,
        "device_name": NAMES[device],
        "precision": precision,
        "memory_format": "channels_last",
        "compile": False,
        "threads": 2,
        "settings": [],
        "status": "ok",
        "problem": "",
        "steady": True,
        "training": {
            "images_per_second": rate,
            "rounds": [rate * one for one in (0.985, 0.997, 1.0, 1.002, 1.013)],
        },
        "sampling": {"images_per_second": 4 * rate, "rounds": [3.9 * rate, 4 * rate, 4.2 * rate]},
        "latency_ms": {"p50": 900 / rate, "p90": 1100 / rate, "p99": 2000 / rate, "count": 100},
        "split_ms": {part: spent * share / whole for part, share in split.items()},
        "parameters": {"generator": 1_486_352, "discriminator": 533_505},
        "gflop_per_image": {"training": gflop, "sampling": gflop / 7},
        "gflops": gflop * rate,
        "share_of_ceiling": gflop * rate / (PEAKS[precision] * (50 if device == "cuda" else 1)),
        "memory_mib": {"resident": 812.0, "growth": 210.0, "allocated": None, "reserved": None},
        "startup_seconds": {"import": 3.1, "build": 0.2, "first_step": 0.3, "total": 3.6},
    }
    if device == "cuda":
        found["memory_mib"] = {"allocated": 1200.0, "reserved": 1536.0}
    return {**found, **changes}


def failed(model: str, batch: int, problem: str, **changes: Any) -> dict[str, Any]:
    whole = case(model, batch, **changes)
    return {**{key: whole[key] for key in CASE_KEY}, "status": "failed", "problem": problem}


def document(cases: list[dict[str, Any]], device: str = "cpu", **changes: Any) -> dict[str, Any]:
    factor = 50 if device == "cuda" else 1
    return {
        "schema": 1,
        "ganbench": "0.1.0",
        "command": "ganbench throughput vanilla dcgan --out /home/someone/speed",
        "environment": environment(device),
        "protocol": {"rounds": 5, "seconds": 1.0, "latencies": 100},
        "ceilings": [
            {
                "device": device,
                "precision": precision,
                "threads": 2,
                "gflops": peak * factor,
                "by": "convolution 1x1",
            }
            for precision, peak in PEAKS.items()
            if precision in {one["precision"] for one in cases}
        ],
        "cases": cases,
        **changes,
    }


def measured() -> list[dict[str, Any]]:
    """Return what a processor and a GPU were asked, with a case that is unsteady and one failed."""
    problem = "torch.compile cannot differentiate twice."
    on_cpu = [case(model, batch) for model in SIZES for batch in (16, 64, 256)]
    on_cpu += [case("dcgan", batch, precision="bf16") for batch in (16, 64, 256)]
    on_cpu += [case("dcgan", 64, compile=True, steady=False, share_of_ceiling=0.97)]
    on_cpu += [failed("wgan-gp", 64, problem, compile=True)]
    on_gpu = [case(model, batch, device="cuda") for model in SIZES for batch in (64, 512)]
    return [document(on_cpu), document(on_gpu, "cuda")]


def folder_of(place: Path, documents: list[dict[str, Any]]) -> Path:
    for one in documents:
        write_speeds(place, one)
    return place


def gathered(place: Path, *documents: dict[str, Any]) -> Speed:
    found = speed(find_speeds(folder_of(place, list(documents))))
    assert found is not None
    return found


def write(place: Path, out: Path) -> ReportFiles:
    return write_report([], out, title="How fast", speeds=list(find_speeds(place)))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> ReportFiles:
    place = tmp_path_factory.mktemp("speeds")
    return write(folder_of(place / "runs", measured()), place / "out")


class Rows(HTMLParser):
    """The text of each row's cells, and whether anything but plain text is asked for."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: list[str] = []
        self._cell = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
            self._cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self._cell = False

    def handle_data(self, data: str) -> None:
        if self._cell:
            self.rows[-1][-1] = f"{self.rows[-1][-1]} {data}".strip()


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def plain(sentence: tuple[str, str]) -> str:
    return "".join(sentence)


def test_the_words_name_the_fastest_and_all_that_its_speed_depends_on(tmp_path: Path) -> None:
    rates = {"vanilla": [9000.0, 9100.0, 9300.0], "dcgan": [700.0, 812.0, 815.0]}
    cases = [
        case(model, 64, training={"images_per_second": rounds[1], "rounds": rounds})
        for model, rounds in rates.items()
    ]
    cases[1] |= {"gflops": 170.5, "share_of_ceiling": 170.5 / 187.2}
    cases += [failed("dcgan", 1024, "Out of memory.")]
    machine = gathered(tmp_path, document(cases)).machines[0]
    said = [plain(one) for one in sentences(machine, ())]
    assert said[0].startswith(
        "vanilla trains fastest on mnist5k@32: 9,100 [9,000, 9,300] images/s "
        "(cpu, batch 64, fp32, 2 threads), "
    )
    assert said[1] == (
        "dcgan reaches 812 [700, 815] images/s (cpu, batch 64, fp32, 2 threads), "
        "91 % of the machine's ceiling (170 of 187 GFLOP/s)."
    )
    assert any(one.startswith("vanilla samples fastest on mnist5k@32: ") for one in said)
    assert any(
        "p50 0.0918 ms, p90 0.112 ms, p99 0.204 ms over 100 samples (cpu, fp32, 2 threads)" in one
        for one in said
    )
    assert "1 case failed; the table says why." in asides(machine)


def test_overlapping_rounds_are_no_clear_order_and_datasets_are_not_compared(
    tmp_path: Path,
) -> None:
    close = {"images_per_second": 805.0, "rounds": [790.0, 805.0, 811.0]}
    cases = [
        case("dcgan", 64, training={"images_per_second": 812.0, "rounds": [800.0, 812.0, 815.0]}),
        case("vanilla", 64, training=close),
        case("wgan-gp", 64, dataset="ring8"),
    ]
    machine = gathered(tmp_path, document(cases)).machines[0]
    said = [plain(one) for one in sentences(machine, ("dataset",))]
    assert "The rounds of vanilla overlap with these." in said[0]
    alone = next(one for one in said if "on ring8" in one)
    assert alone.startswith(
        "wgan-gp + gradient-penalty:weight=10 reaches, in training on ring8, 290.0 ["
    )


def test_the_case_nearest_to_the_ceiling_is_named_where_it_is_not_the_fastest(
    tmp_path: Path,
) -> None:
    near = {"precision": "bf16", "share_of_ceiling": 0.97}
    cases = [case("dcgan", 64), case("dcgan", 2, **near)]
    machine = gathered(tmp_path, document(cases)).machines[0]
    assert machine.rows[0].case.share_of_ceiling == pytest.approx(0.21 * 812 / 187.2)
    said = [plain(one) for one in sentences(machine, ("precision",))]
    assert "91 % of the machine's ceiling" in said[0]
    assert said[1].startswith("dcgan comes nearest to the ceiling: 97 % of the machine's ceiling (")
    assert "of 402 GFLOP/s) (cpu, batch 2, bf16, 2 threads)" in said[1]


def test_the_split_is_in_shares_of_an_iteration(tmp_path: Path) -> None:
    split = {"data": 0.2, "discriminator": 40.0, "generator": 30.0, "penalties": None, "other": 9.8}
    found = gathered(
        tmp_path, document([case("dcgan", 64, split_ms=split), failed("dcgan", 8, "")])
    )
    rows = split_rows(found.machines[0].rows)
    assert {row["part"]: row["share"] for row in rows} == {
        "data": 0.0025,
        "discriminator": 0.5,
        "generator": 0.375,
        "other": 0.1225,
    }
    assert {row["case"] for row in rows} == {"80 ms, batch 64: dcgan"}
    assert [row["place"] for row in rows] == [PARTS.index(row["part"]) for row in rows]


def test_charts_hold_every_round_and_axes_show_all_of_them(tmp_path: Path) -> None:
    found = gathered(tmp_path, *measured())
    (machine,) = (one for one in found.machines if one.title.startswith("cpu"))
    rows = rate_rows(machine.rows)
    circles = [row for row in rows if "rate" in row and row["variant"] == "dcgan, bf16"]
    assert len(circles) == 3 * 5
    assert {row["batch"] for row in circles} == {16, 64, 256}
    medians = [row["median"] for row in rows if "median" in row]
    assert len(medians) == len(machine.rows) - 1, "but of the case that failed"
    domains = rate_domains(rows)
    assert domains.batches == (16, 64, 256)
    rates = [row["rate"] for row in rows if "rate" in row]
    assert domains.rate[0] < min(rates) < max(rates) < domains.rate[1]
    assert all(domains.rate[0] <= tick <= domains.rate[1] for tick in domains.rates)
    assert "wgan-gp + gradient-penalty:weight=10, fp32, compiled" not in found.lines
    assert len(found.lines) == len(found.styles) - 1


def test_ticks_are_round_and_inside() -> None:
    assert log_ticks_within(0.5, 20000) == [1, 10, 100, 1000, 10000]
    assert log_ticks_within(700, 930) == [700, 800, 900]


def test_only_settings_that_differ_are_named_and_no_two_cases_are_called_the_same(
    tmp_path: Path,
) -> None:
    alike = gathered(tmp_path / "alike", document([case("dcgan", 16), case("dcgan", 64)]))
    assert alike.differing == ()
    assert [row.series for row in alike.machines[0].rows] == ["dcgan", "dcgan"]
    assert {row.setting for row in alike.machines[0].rows} == {"mnist5k@32, fp32"}
    changes: list[dict[str, Any]] = [{}, {"dataset": "ring8"}, {"precision": "medium"}]
    changes += [{"memory_format": "contiguous"}, {"compile": True}, {"threads": 1}]
    found = gathered(tmp_path / "differ", document([case("dcgan", 64, **one) for one in changes]))
    assert found.differing == ("dataset", "precision", "memory_format", "compile", "threads")
    (machine,) = found.machines
    assert len({row.series for row in machine.rows}) == len(changes)
    assert machine.rows[4].setting == "mnist5k@32, fp32, channels_last, compiled, 2 threads"


def test_a_machine_is_one_whatever_its_threads_and_repeats_are_set_aside(tmp_path: Path) -> None:
    one = document([case("dcgan", 64), case("dcgan", 256)])
    short = case("dcgan", 64, training={"images_per_second": 1.0, "rounds": [1.0]})
    again = document([short], environment=environment("cpu"))
    threads = document([case("dcgan", 64, threads=1)], environment=environment("cpu", 1))
    newer = {**environment("cpu"), "packages": {"torch": "2.15.0"}}
    other = document([case("dcgan", 64)], environment=newer, ceilings=[])
    found = gathered(tmp_path, one, again, threads, other)
    first, second = sorted(found.machines, key=lambda machine: -len(machine.rows))
    assert (len(first.rows), first.repeats) == (3, 1)
    assert len(first.environments) == 2
    assert all(len(row.case.rounds) == 5 for row in first.rows)
    assert (len(second.rows), second.repeats) == (1, 0)
    assert {machine.title for machine in found.machines} == {
        "cpu: Example CPU @ 3.0 GHz",
        "cpu: Example CPU @ 3.0 GHz (2)",
    }
    assert found.differing == ("threads",)


def test_of_repeats_the_one_with_most_rounds_is_shown_whichever_comes_first(
    tmp_path: Path,
) -> None:
    short = case("dcgan", 64, training={"images_per_second": 1.0, "rounds": [1.0]})
    lost = failed("dcgan", 64, "Out of memory.")
    whole = case("dcgan", 64)
    for index, cases in enumerate([[short, whole, lost], [lost, short, whole]]):
        (machine,) = gathered(tmp_path / str(index), document(cases)).machines
        assert [len(row.case.rounds) for row in machine.rows] == [5]
        assert "2 repeats set aside: " in " ".join(asides(machine))


def cells(rows: list[list[str]], first: str, batch: int) -> dict[str, str]:
    """Return a row by the heads of its table."""
    head: list[str] = []
    for row in rows:
        if row[0] == "model":
            head = row
        if row[:2] == [first, str(batch)]:
            return dict(zip(head, row, strict=True))
    raise AssertionError(f"no row of {first}")


def test_the_page_has_every_figure(report: ReportFiles) -> None:
    page = report.page.read_text()
    rows = Rows(page).rows
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
    lost = next(one for one in rows if one[-1].startswith("failed"))
    assert lost[1:] == ["64", "failed: torch.compile cannot differentiate twice."]
    for wanted in (
        "187 GFLOP/s at fp32 with 2 threads (convolution 1x1)",
        "cpu, 2 threads, Example CPU @ 3.0 GHz, torch 2.14.1, Python 3.11.7",
        "cuda (Example GPU 80GB)",
        "Each speed is of 5 rounds of 1 s.",
        "ganbench throughput vanilla dcgan --out speed",
        "The speed of 1 case still changed when the rounds began",
    ):
        assert wanted in page, wanted
    assert "0 runs" not in page
    assert "How to read these numbers" not in page, "nothing here is a mean over seeds"


def test_the_markdown_has_the_same_and_points_at_files_that_are_there(report: ReportFiles) -> None:
    markdown = report.markdown.read_text()
    for wanted in (
        "| dcgan | mnist5k@32, fp32 | 64 | 812 \\[800, 823\\], n = 5 |",
        "| 171 (91 % of ceiling) |",
        "failed: torch.compile cannot differentiate twice.",
        "**vanilla** trains fastest on mnist5k@32:",
    ):
        assert wanted in markdown, wanted
    links = re.findall(r"\]\(([^)]+)\)", markdown)
    assert {"charts/speed-rates.svg", "charts/speed-split.svg"} <= set(links)
    assert sum(link.startswith("throughput/") for link in links) == 2
    for link in links:
        assert (report.folder / link).is_file(), link
    widths = {
        line.count("|") - line.count("\\|") for line in markdown.splitlines() if line[:1] == "|"
    }
    assert len(widths) == 1


def test_no_file_names_a_place_and_the_same_measurements_give_the_same_bytes(
    report: ReportFiles, tmp_path: Path
) -> None:
    first = contents(report.folder)
    assert not [name for name, data in first.items() if b"/home/someone" in data]
    again = contents(write(folder_of(tmp_path / "runs", measured()[::-1]), tmp_path / "b").folder)
    speeds = list(find_speeds(report.folder))[::-1]
    back = contents(write_report([], tmp_path / "c", title="How fast", speeds=speeds).folder)
    assert sorted(first) == sorted(again) == sorted(back)
    for name, data in first.items():
        assert data == again[name], name
        assert data == back[name], name


def test_a_folder_with_speeds_alone_is_reported_and_its_report_too(
    cli: Any, tmp_path: Path
) -> None:
    folder_of(tmp_path / "runs", measured())
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


def test_speeds_stand_beside_runs_and_old_ones_give_way(tmp_path: Path) -> None:
    run = RunRecord("a", "done", model="m", dataset="speed", variant="m", seed=0)
    speeds = list(find_speeds(folder_of(tmp_path / "runs", measured())))
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


def test_what_cannot_be_read_is_said_and_stays(tmp_path: Path) -> None:
    place = folder_of(tmp_path / "runs", measured()[:1])
    (place / "throughput" / "cut.json").write_text('{"schema": 1, "cas')
    files = write(place, tmp_path / "out")
    for path in (files.page, files.markdown):
        assert "cut.json is damaged: it is not valid JSON." in path.read_text().replace("\\", "")
    assert not (files.folder / "throughput" / "cut.json").exists()
    (files.folder / "throughput" / "cut.json").write_text("{")
    write(files.folder, files.folder)
    assert (files.folder / "throughput" / "cut.json").exists(), "it may be mended by hand"


def test_a_case_without_figures_is_a_row(tmp_path: Path) -> None:
    bare = failed("dcgan", 64, "")
    none: Mapping[str, Any] = {"status": "ok", "training": None, "split_ms": None}
    found = gathered(tmp_path, document([{**bare, **none}], ceilings=[], protocol={}))
    assert sentences(found.machines[0], ()) == []
    assert found.panels == {"rates": [], "split": []}
    files = write(tmp_path, tmp_path / "out")
    row = cells(Rows(files.page.read_text()).rows, "dcgan mnist5k@32, fp32", 64)
    assert set(list(row.values())[2:]) == {"–"}
    assert not (files.folder / "charts").exists()


def test_a_chart_of_many_cases_says_what_it_leaves_out(tmp_path: Path) -> None:
    many = [case("dcgan", batch) for batch in range(1, MOST_BARS + 4)]
    found = gathered(tmp_path, document(many))
    assert found.machines[0].undrawn == 3
    (panel,) = found.panels["split"]
    assert len({row["case"] for row in found.data[panel.data]}) == MOST_BARS
    page = write(tmp_path, tmp_path / "out").page.read_text()
    assert "3 further cases on cpu: Example CPU" in page


HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>|`*_[a](b) \"'\\ # {{7*7}}"


def test_hostile_names_are_only_shown(report: ReportFiles, tmp_path: Path) -> None:
    names = {"model": HOSTILE, "tricks": [HOSTILE], "dataset": HOSTILE, "device_name": HOSTILE}
    cases = [{**case("dcgan", 64), **names}, {**failed("dcgan", 8, HOSTILE), **names}]
    one = document(cases, command=HOSTILE, ganbench=HOSTILE)
    one["environment"] = {**environment("cpu"), "processor": HOSTILE, HOSTILE: HOSTILE}
    path = write_speeds(tmp_path / "runs", one)
    assert re.fullmatch(r"[\w.-]+", path.name)
    files = write(tmp_path / "runs", tmp_path / "out")
    tags = Rows(files.page.read_text()).tags
    assert set(tags) == set(Rows(report.page.read_text()).tags)
    assert tags.count("script") == 3
    assert "img" not in tags


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (360, "dark")])
def test_the_charts_are_drawn_without_network_and_fit(
    report: ReportFiles, look: Callable[..., Any], width: int, scheme: str
) -> None:
    seen = look(report.page, width, scheme)
    assert (seen.said, seen.asked) == ([], [])
    assert seen.charts == seen.places == 4
    assert seen.marks > 5 * 15, "a circle a round"
    assert seen.page_width <= width
    assert seen.widest_chart <= width


@pytest.mark.browser
def test_hostile_names_do_nothing_in_a_browser(look: Callable[..., Any], tmp_path: Path) -> None:
    names = {"model": HOSTILE, "tricks": [HOSTILE], "device_name": HOSTILE}
    folder_of(tmp_path, [document([{**case("dcgan", 64), **names}])])
    seen = look(write(tmp_path, tmp_path / "out").page, 390, "light")
    assert (seen.said, seen.asked) == ([], [])
    assert seen.charts == seen.places == 2
    assert seen.page_width <= 390


def test_a_case_far_from_the_ceiling_has_its_reason(tmp_path: Path) -> None:
    profile = {"products": 0.5, "copies": 0.3, "optimizer": 0.2, "elementwise": 0.0, "rest": 0.0}
    slow = case("vanilla", 64, share_of_ceiling=0.2, profile=profile)
    fast = case("dcgan", 64, share_of_ceiling=0.6, profile=profile)
    machine = gathered(tmp_path, document([slow, fast])).machines[0]
    said = [plain(one) for one in sentences(machine, ())]
    assert [one for one in said if "spends its time" in one] == [
        "vanilla (cpu, batch 64, fp32, 2 threads) spends its time 50 % in matrix products and "
        "convolutions, 30 % in copies and "
        "roundings and 20 % in updates of weights; the products run at 40 % of the ceiling."
    ]
