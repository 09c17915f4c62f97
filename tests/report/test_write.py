# SPDX-License-Identifier: MIT
"""Reports on disk: what is in the files, and that they are the same however they were made."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from PIL import Image

from ganbench.analysis.published import PublishedRow
from ganbench.analysis.stats import mean_interval
from ganbench.errors import StorageError, UnknownNameError
from ganbench.records.atomic_files import read_lines, write_lines
from ganbench.records.load import load_runs
from ganbench.records.measurement import Measurement
from ganbench.records.own_files import MANIFEST
from ganbench.records.run_record import Curve, RunRecord
from ganbench.report.charts.drawing import draw_charts
from ganbench.report.closer_looks import CloserLook
from ganbench.report.notes import NO_CHARTS
from ganbench.report.write import ReportFiles, write_report

Contents = Callable[[Path], dict[str, bytes]]


def rendered(markdown: Path) -> str:
    """Return Markdown as a code-hosting site renders it: tables, and HTML left as it is."""
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    return str(parser.render(markdown.read_text()))


def test_the_table_holds_the_means_of_the_runs(
    report: ReportFiles, suite: list[RunRecord], elements: Any
) -> None:
    values = [
        run.metrics["fid@mnist-cnn"].value
        for run in suite
        if run.variant == "wgan-gp" and run.metrics and "fid@mnist-cnn" in run.metrics
    ]
    expected = mean_interval([value for value in values if value is not None])
    assert expected.n == 3
    assert expected.low is not None
    rows = elements(report.page.read_text()).rows
    head = next(row for row in rows if row[:2] == ["variant", "fid@mnist-cnn ↓"])
    row = next(row for row in rows if row and row[0].startswith("wgan-gp"))
    cell = row[head.index("fid@mnist-cnn ↓")]
    assert cell.split()[0] == f"{expected.value:.2f}"
    assert f"[{expected.low:.2f}, {expected.high:.2f}]" in cell
    markdown = report.markdown.read_text()
    assert (
        "| wgan-gp (wasserstein · gradient-penalty) | "
        f"{expected.value:.2f} \\[{expected.low:.2f}, {expected.high:.2f}\\] |" in markdown
    )


def test_all_that_was_asked_for_is_there(report: ReportFiles) -> None:
    page, markdown = report.page.read_text(), report.markdown.read_text()
    for text in (page, markdown):
        for wanted in (
            "3 done, 1 diverged, 1 collapsed, 1 unfinished",
            "dcgan + ema",
            "4 of 5",
            "6.3 ± 0.5",
            "https://arxiv.org/abs/1712.04086",
            "Ten seeds and their standard error; networks and length differ.",
            "config.json cannot be read",
            "At the same time",
            ": no difference that 3 seeds can show",
            "wgan-gp",
            "Stability",
            "40 %",
            "split=test",
            "Example CPU",
            "2 threads",
            "Every number",
            "How to read these numbers",
            "ganbench run --model wgan-gp --dataset ring8",
        ):
            assert wanted in text, wanted
        assert "n_fake=2500" in text.replace("\\", "")
    for name in ("mnist5k", "ring8"):
        for kind in ("effects", "metrics", "curves", "losses"):
            assert (report.folder / "charts" / f"{name}-{kind}.svg").read_text().startswith("<svg")
    assert len(list((report.folder / "samples").glob("*.webp"))) == 12 + 11
    rows = read_lines(report.results)
    # Three metrics of 12 + 9 runs, and one row each for what diverged, runs, or cannot be read.
    assert len(rows) == 3 * 21 + 3
    assert len(list((report.folder / "env").glob("*.json"))) == 1


def test_page_and_markdown_have_the_same_tables(report: ReportFiles, elements: Any) -> None:
    """Every cell of the page stands in the Markdown, with the same numbers in the same order."""
    pages = elements(report.page.read_text()).rows
    markdowns = elements(rendered(report.markdown)).rows

    def numbers(rows: list[list[str]]) -> list[list[str]]:
        # Numbers of one cell may stand in another order: intervals come before notes.
        texts = [re.findall(r"[\d.,]*\d", " ".join(row)) for row in rows]
        return [sorted(text) for text in texts if text]

    # Pictures are a table in Markdown; two rows of heads on the page are one row there.
    shown = [row for row in markdowns if not any(", seed " in cell for cell in row)]
    bodies = [row for row in pages if row[0] and not row[0].startswith(("at ", "variant"))]
    others = [row for row in shown if row[0] and not row[0].startswith("variant")]
    assert numbers(bodies) == numbers(others)
    assert len(bodies) > 60


def test_markdown_points_at_files_that_are_there(report: ReportFiles, elements: Any) -> None:
    markdown = report.markdown.read_text()
    links = re.findall(r"\]\(([^)]+)\)", markdown) + re.findall(r'src="([^"]+)"', markdown)
    own = [link for link in links if not link.startswith("https://arxiv.org/")]
    assert len(own) > 20
    for link in own:
        assert (report.folder / link).is_file(), link
    rows = elements(rendered(report.markdown)).rows
    head = next(row for row in rows if row[:2] == ["variant", "fid@mnist-cnn ↓"])
    body = next(row for row in rows if row[0] == "wgan-gp (wasserstein · gradient-penalty)")
    assert len(body) == len(head) == 9
    assert not [row for row in rows if any("|" in cell for cell in row)]


def test_no_file_names_a_place_on_this_machine(
    report: ReportFiles, contents: Contents, unpacked: Any, tmp_path: Path
) -> None:
    texts = {
        name: (gzip.decompress(data) if name.endswith(".gz") else data).decode()
        for name, data in contents(report.folder).items()
        if not name.endswith(".webp")
    }
    texts["the charts of the page"] = unpacked(texts["index.html"], "charts")
    for name, text in texts.items():
        for place in (str(tmp_path.parent), "/home/someone", str(Path.home()) + "/", sys.prefix):
            assert place not in text, name


def test_the_same_runs_give_the_same_bytes_and_so_does_the_report_itself(
    report: ReportFiles,
    published: list[PublishedRow],
    contents: Contents,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ganbench.report.write.draw_charts", draw_charts)  # each chart anew
    runs = load_runs([report.folder])
    again = write_report(runs, tmp_path / "again", title="A first comparison", published=published)
    first, second = contents(report.folder), contents(again.folder)
    assert sorted(first) == sorted(second)
    for name, data in first.items():
        assert data == second[name], name


def hostile_run(text: str, seed: int, grids: tuple[Path, ...] = ()) -> RunRecord:
    measured = Measurement(
        1.5, 1.0, 2.0, 10, 0.5, protocol=text, better="lower", unit=text, note=text
    )
    curve = Curve(text, (1.0, 2.0), (1.0, 2.0), (3.0, 1.5), text, "lower", text)
    loss = Curve(f"loss/discriminator/{text}", (1.0, 2.0), (1.0, 2.0), (3.0, 1.5))
    return RunRecord(
        name=f"{text}{seed}",
        status="done",
        identity=f"{seed}",
        model=text,
        dataset=text,
        variant=text,
        seed=seed,
        command=text,
        metrics={text: measured},
        curves=(curve,),
        losses=(loss,),
        grids=grids,
        config={"loss": text, text: text, "tricks": [{"name": text}]},
        environment={"processor": text, text: {text: text}},
        environment_id="0a0b0c0d",
    )


@pytest.fixture(scope="module")
def hostile(
    hostile_text: str, published: list[PublishedRow], tmp_path_factory: pytest.TempPathFactory
) -> ReportFiles:
    folder = tmp_path_factory.mktemp("hostile")
    grids = tuple(folder / f"kimg00000{kimg}.0.png" for kimg in range(3))
    for grid in grids:
        Image.new("L", (8, 8)).save(grid)
    look = CloserLook("neighbors", Image.new("L", (8, 8)), hostile_text)
    runs = [hostile_run(hostile_text, 0, grids), hostile_run(hostile_text, 1)]
    runs += [
        replace(run, variant=f"{hostile_text} 2", name=f"{run.name}b", identity=f"{run.seed}b")
        for run in runs
    ]
    runs.append(replace(runs[0], name=hostile_text, status="running", problem=hostile_text))
    rows = [
        row.model_copy(
            update={"dataset": hostile_text, "model": hostile_text, "source": hostile_text}
        )
        for row in published
    ]
    return write_report(
        runs, folder / "out", title=hostile_text, published=rows, look=lambda run: [look]
    )


def test_hostile_names_are_only_shown(
    report: ReportFiles, hostile: ReportFiles, elements: Any, contents: Contents
) -> None:
    shown, usual = (elements(files.page.read_text()) for files in (hostile, report))
    assert shown.tags.count("script") == usual.tags.count("script") == 4
    assert not any("onerror" in attributes for _, attributes in shown.elements)
    assert all(a["src"] != "x" for tag, a in shown.elements if tag == "img")
    assert "49" not in re.sub(
        r"<script.*?</script>|<style.*?</style>|base64,[^\"]*",
        "",
        hostile.page.read_text(),
        flags=re.S,
    )
    found, expected = (elements(rendered(files.markdown)) for files in (hostile, report))
    assert set(found.tags) == set(expected.tags) | {"br"}, "summaries keep line breaks"
    assert not any("onerror" in attributes for _, attributes in found.elements)
    assert all(a["href"] != "b" for tag, a in found.elements if tag == "a")
    assert all(
        str(a["src"]).startswith(("charts/", "samples/"))
        for tag, a in found.elements
        if tag == "img"
    )
    assert all(re.fullmatch(r"[\w./-]+", name) for name in contents(hostile.folder))


@pytest.mark.browser
def test_hostile_names_do_nothing_in_a_browser(
    hostile: ReportFiles, look: Callable[..., Any]
) -> None:
    seen = look(hostile.page, 390, "light")
    assert (seen.complaints, seen.requests) == ([], [])
    assert seen.charts == seen.places == 1 + 1 + 2 + 2
    assert seen.page_width <= 390


def test_a_lone_run_and_runs_without_numbers_make_a_report_too(
    make_run: Any, tmp_path: Path
) -> None:
    lone = make_run(tmp_path / "runs", "vanilla", "ring8", 0)
    lone.metrics_file.unlink()
    lone.stats_file.write_text("")
    (lone.samples_folder / "final.png").write_bytes(b"\x89PNG cut short")
    make_run(tmp_path / "runs", "dcgan", "mnist5k", 0, status="diverged")
    make_run(tmp_path / "runs", "dcgan", "digits", 0, status="running")
    files = write_report(load_runs([tmp_path / "runs"]), tmp_path / "out", title="Little")
    page = files.page.read_text()
    assert "one seed" in page
    assert "1 diverged" in page
    assert "1 unfinished" in page
    assert "<h3>Samples</h3>" in page, "the other runs have theirs"
    assert len(list((tmp_path / "out" / "samples").iterdir())) == 2


def test_an_earlier_report_is_replaced_and_other_files_stay(
    suite: list[RunRecord], contents: Contents, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = RunRecord("a", "done", model="m", dataset="one", variant="m", seed=0)
    others = ("charts/mine.svg", "samples/old.png", "samples/old.webp", "env/my.json", "notes.txt")
    for name in others:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(name)
    write_report(suite, out, title="First")
    assert len(list((out / "samples").iterdir())) > 10
    write_report([first], out, title="Second")
    assert "Second" in (out / "index.html").read_text()
    assert sorted(contents(out)) == sorted(
        [*others, "index.html", "README.md", "results.jsonl.gz", "runs.jsonl.gz", MANIFEST]
    )
    for name in others:
        assert (out / name).read_text() == name


@pytest.mark.parametrize("name", ["README.md", "index.html", "results.jsonl.gz", "charts/m.svg"])
@pytest.mark.parametrize("before", [True, False])
def test_no_file_of_another_is_replaced(
    make_run: Any, contents: Contents, tmp_path: Path, name: str, before: bool
) -> None:
    make_run(tmp_path / "runs", "vanilla", "ring8", 0)
    out = tmp_path / "out"
    name = name.replace("m.svg", "ring8-metrics.svg")
    if not before:  # a report stands there, and one of its files was replaced by hand
        write_report(load_runs([tmp_path / "runs"]), out, title="First")
    (out / name).parent.mkdir(parents=True, exist_ok=True)
    (out / name).write_text("mine")
    there = contents(out)
    with pytest.raises(StorageError, match=f"{name} was not written by ganbench"):
        write_report(load_runs([tmp_path / "runs"]), out, title="Second")
    assert contents(out) == there, "nothing is written, and nothing deleted"


def test_a_report_by_an_earlier_version_is_replaced(
    suite: list[RunRecord], contents: Contents, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    write_report(suite, out, title="First")
    (out / MANIFEST).unlink()  # which earlier versions did not write
    for name in ("results.jsonl", "runs.jsonl"):  # which they did not pack
        write_lines(out / name, read_lines(out / f"{name}.gz"))
        (out / f"{name}.gz").unlink()
    (out / "samples" / "mine.webp").write_text("mine")
    files = write_report(suite[:1], out, title="Second")
    alone = write_report(suite[:1], tmp_path / "alone", title="Second")
    now = contents(out)
    assert now.pop("samples/mine.webp") == b"mine", "its Markdown does not show it"
    assert now == contents(alone.folder)
    files.markdown.write_text("mine")
    (out / MANIFEST).unlink()
    with pytest.raises(StorageError, match=r"README.md was not written by ganbench"):
        write_report(suite[:1], out, title="Third")


def test_a_report_may_stand_among_its_runs(
    make_run: Any, contents: Contents, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    make_run(runs, "vanilla", "ring8", 0)
    before = contents(runs)
    write_report(load_runs([runs]), runs, title="First")
    make_run(runs, "wgan-gp", "ring8", 0)
    again = load_runs([runs])
    assert [(run.model, run.repeats) for run in again] == [("vanilla", 0), ("wgan-gp", 0)]
    write_report(again[:1], runs, title="Second")
    now = contents(runs)
    assert {name: now[name] for name in before} == before


def test_where_memory_is_short_a_report_has_no_charts_and_says_so(
    report: ReportFiles, contents: Contents, tmp_path: Path
) -> None:
    code = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_AS, (9_000_000 * 1024, 9_000_000 * 1024))\n"
        "from ganbench.__main__ import start\n"
        f"sys.argv = ['ganbench', 'report', {str(report.folder)!r}, '--out', 'out', '--json']\n"
        "start()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.strip() == NO_CHARTS
    assert json.loads(ended.stdout)["page"] == "out/index.html"
    files = contents(tmp_path / "out")
    assert not [name for name in files if name.startswith("charts/")]
    page, markdown = (files[name].decode() for name in ("index.html", "README.md"))
    assert page.count(NO_CHARTS) == markdown.count(NO_CHARTS) == 1
    assert page.count("<script") == 1, "what explores tables needs no charts"
    assert "<svg" not in page
    for name in ("results.jsonl.gz", "runs.jsonl.gz"):
        assert files[name] == (report.folder / name).read_bytes()


def test_mistakes_are_one_sentence(suite: list[RunRecord], tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'vanilla'"):
        write_report(suite, tmp_path / "out", title="x", baseline="vanila")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        write_report(suite[:1], tmp_path / "file" / "out", title="x")


def test_reports_load_no_torch() -> None:
    command = "import sys, ganbench.report.write; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command], check=False).returncode == 0
