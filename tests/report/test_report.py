# SPDX-License-Identifier: MIT
"""Reports of made-up runs: what is in the files, that they need no network, that they escape."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from markdown_it import MarkdownIt
from PIL import Image

from ganbench.analysis.published import published_rows
from ganbench.analysis.stats import mean_interval
from ganbench.config import Recipe, RunConfig, TrickConfig
from ganbench.errors import StorageError, UnknownNameError
from ganbench.records.load import load_runs
from ganbench.records.measurement import Measurement
from ganbench.records.run_folder import RunFolder
from ganbench.records.run_record import Curve, RunRecord
from ganbench.report.charts.panels import bundle
from ganbench.report.pictures import LONGEST_SIDE, MOST_BYTES, sample_pictures, small_png
from ganbench.report.write import ReportFiles, write_report

# What each variant tends to: (metric at the end, seconds for the whole run).
IMAGES = {
    "vanilla": {"fid@mnist-cnn": 38.0, "is@mnist-cnn": 7.6, "modes": 10.0, "seconds": 62.0},
    "dcgan": {"fid@mnist-cnn": 11.0, "is@mnist-cnn": 9.1, "modes": 10.0, "seconds": 540.0},
    "wgan-gp": {"fid@mnist-cnn": 17.0, "is@mnist-cnn": 8.8, "modes": 10.0, "seconds": 610.0},
}
POINTS = {
    "vanilla": {"modes": 6.1, "high-quality": 0.93, "reverse-kl": 0.5, "seconds": 41.0},
    "wgan-gp": {"modes": 8.0, "high-quality": 0.88, "reverse-kl": 0.06, "seconds": 88.0},
}
FLOORS = {
    "fid@mnist-cnn": 0.9,
    "is@mnist-cnn": 9.83,
    "modes": 10.0,
    "high-quality": 0.989,
    "reverse-kl": 0.003,
}
BETTER = {"fid@mnist-cnn": "lower", "reverse-kl": "lower"}

PUBLISHED = {
    "row": [
        {
            "dataset": "ring8",
            "model": "GAN (PacGAN paper's own run)",
            "source": "Lin et al., 2018, arXiv:1712.04086, table 1",
            "metrics": {"modes": "6.3 ± 0.5", "high-quality": "98.2 % ± 0.2"},
            "differs": "Ten seeds and their standard error; networks and length differ.",
        }
    ]
}


def measurement(name: str, value: float, spread: float, seed: int) -> dict[str, object]:
    return {
        "value": value,
        "low": value - spread,
        "high": value + spread,
        "n": 2500,
        "floor": FLOORS[name],
        "protocol": f"{name}/v1 n_real=2500 n_fake=2500 split=test seed={seed}",
        "better": BETTER.get(name, "higher"),
        "unit": "",
        "note": "bootstrap over samples",
    }


def make_run(
    root: Path,
    model: str,
    dataset: str,
    seed: int,
    finals: dict[str, float],
    *,
    tricks: tuple[TrickConfig, ...] = (),
    status: str = "done",
    kimg: float = 320.0,
) -> RunFolder:
    """Write a run folder as training would, with numbers drawn from a seeded stream."""
    config = RunConfig(
        model=model,
        dataset=dataset,
        loss="wasserstein" if "wgan" in model else "non-saturating",
        tricks=tricks,
        recipe=Recipe(kimg=kimg),
        seed=seed,
        model_source="0123456789abcdef",
        dataset_version="1",
    )
    folder = RunFolder(root / f"{model}-{dataset}-seed{seed}-{config.identity[:8]}")
    random = np.random.default_rng([seed, *config.identity.encode()])
    folder.write_config(
        {
            "schema": 1,
            "identity": config.identity,
            "config": config.model_dump(mode="json"),
            "options": {},
            "command": f"ganbench run --model {model} --dataset {dataset} --out /home/someone/runs",
        }
    )
    folder.write_environment(environment())
    seconds = finals["seconds"] * random.uniform(0.97, 1.03)
    ends = 0.35 if status == "diverged" else 1.0
    for part in np.linspace(0.02, ends, 40):
        row = {
            "kimg": round(kimg * part, 2),
            "seconds": round(seconds * part, 2),
            "images_per_second": round(kimg * 1000 / seconds),
            "loss/discriminator/adversarial": 0.5 + math.exp(-5 * part) + random.normal(0, 0.05),
            "loss/generator/adversarial": 2 + part + random.normal(0, 0.15),
            "logits/real": 1 + part + random.normal(0, 0.1),
            "logits/fake": -1 - part + random.normal(0, 0.1),
        }
        if tricks:
            row[f"loss/discriminator/{tricks[0].name}"] = 0.3 * math.exp(-part)
        folder.append_stats(row)
    offsets = {name: random.normal(0, 0.05) for name in finals}
    metrics: dict[str, object] = {}
    for part in np.linspace(0.1, ends, 10 if ends == 1 else 4):
        metrics = {}
        for name, final in finals.items():
            if name == "seconds":
                continue
            start = 15 * final if BETTER.get(name) == "lower" else 0.3 * final
            value = final * (1 + offsets[name]) + (start - final) * math.exp(-6 * part)
            value = min(value, FLOORS[name]) if BETTER.get(name) != "lower" else value
            value = round(value) if name == "modes" else value
            metrics[name] = measurement(name, float(value), 0.02 * float(value), seed)
        folder.append_measurements(
            {"kimg": kimg * part, "seconds": round(seconds * part, 3), "metrics": metrics}
        )
    draw_grid(folder, dataset, random)
    if status == "running":
        return folder
    folder.write_result(
        {
            "status": status,
            "identity": config.identity,
            "model": model,
            "dataset": dataset,
            "seed": seed,
            "kimg": kimg * ends,
            "seconds": round(seconds * ends, 2),
            "images_per_second": kimg * 1000 / seconds,
            "parameters": {"generator": 1_486_352, "discriminator": 533_505},
            "metrics": {} if status == "diverged" else metrics,
            "device": "cpu",
            "precision": "fp32",
        }
    )
    return folder


def environment() -> dict[str, object]:
    return {
        "schema": 1,
        "python": "3.11.7",
        "system": "Linux",
        "kernel": "6.1.0",
        "processor": "Example CPU @ 3.0 GHz",
        "cores": 2,
        "threads": 2,
        "device": "cpu",
        "packages": {"torch": "2.14.1", "ganbench": "0.1.0"},
        "checkout": {"commit": "0" * 40, "dirty": False},
    }


def draw_grid(folder: RunFolder, dataset: str, random: np.random.Generator) -> None:
    folder.samples_folder.mkdir(parents=True, exist_ok=True)
    if dataset == "ring8":
        pixels = np.full((300, 300, 3), 255, dtype=np.uint8)
        angles = random.integers(0, 8, 900) * math.pi / 4
        x = 150 + 110 * np.cos(angles) + random.normal(0, 4, 900)
        y = 150 + 110 * np.sin(angles) + random.normal(0, 4, 900)
        pixels[y.astype(int), x.astype(int)] = (0, 114, 178)
    else:
        yy, xx = np.mgrid[0:28, 0:28]
        tiles = []
        for _ in range(64):
            r, w = random.uniform(5, 10), random.uniform(1, 2.5)
            tiles.append(255 * np.exp(-(((np.hypot(yy - 14, xx - 14) - r) / w) ** 2)))
        pixels = np.vstack([np.hstack(tiles[8 * i : 8 * i + 8]) for i in range(8)]).astype(np.uint8)
    Image.fromarray(pixels).save(folder.samples_folder / "final.png")


def make_suite(root: Path) -> Path:
    """Write the runs that the tests report on: two datasets, and runs that went badly."""
    gp = TrickConfig(name="gradient-penalty", parameters={"weight": 10.0})
    ema = TrickConfig(name="ema", parameters={"decay": 0.999})
    for seed in range(3):
        make_run(root, "vanilla", "mnist5k", seed, IMAGES["vanilla"])
        make_run(root, "dcgan", "mnist5k", seed, IMAGES["dcgan"])
        make_run(root, "dcgan", "mnist5k", seed, IMAGES["dcgan"], tricks=(ema,))
        make_run(root, "wgan-gp", "mnist5k", seed, IMAGES["wgan-gp"], tricks=(gp,))
    for seed in range(5):
        status = {3: "diverged", 4: "collapsed"}.get(seed, "done")
        make_run(root, "vanilla", "ring8", seed, POINTS["vanilla"], status=status)
        make_run(root, "wgan-gp", "ring8", seed, POINTS["wgan-gp"], tricks=(gp,))
    make_run(root, "vanilla", "ring8", 7, POINTS["vanilla"], status="running")
    broken = make_run(root, "vanilla", "ring8", 8, POINTS["vanilla"])
    broken.config_file.write_text('{"schema": 1, "ident')
    return root


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> list[RunRecord]:
    return load_runs([make_suite(tmp_path_factory.mktemp("runs"))])


def write(runs: list[RunRecord], out: Path) -> ReportFiles:
    return write_report(runs, out, title="A first comparison", published=published_rows(PUBLISHED))


@pytest.fixture(scope="module")
def report(suite: list[RunRecord], tmp_path_factory: pytest.TempPathFactory) -> ReportFiles:
    return write(suite, tmp_path_factory.mktemp("report") / "out")


class Elements(HTMLParser):
    """Collects (tag, attributes) and the text of table cells."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self._cell = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"} and self.rows:
            self.rows[-1].append("")
            self._cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self._cell = False

    def handle_data(self, data: str) -> None:
        if self._cell:
            self.rows[-1][-1] = f"{self.rows[-1][-1]} {data}".strip()


def rendered(markdown: Path) -> str:
    """Return Markdown as a code-hosting site renders it: tables, and HTML left as it is."""
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    return str(parser.render(markdown.read_text()))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_table_holds_the_means_of_the_runs(report: ReportFiles, suite: list[RunRecord]) -> None:
    values = [
        run.metrics["fid@mnist-cnn"].value
        for run in suite
        if run.variant == "wgan-gp" and run.metrics and "fid@mnist-cnn" in run.metrics
    ]
    expected = mean_interval([value for value in values if value is not None])
    assert expected.n == 3
    assert expected.low is not None
    rows = Elements(report.page.read_text()).rows
    head = next(row for row in rows if row[:2] == ["variant", "fid@mnist-cnn ↓"])
    row = next(row for row in rows if row and row[0].startswith("wgan-gp"))
    cell = row[head.index("fid@mnist-cnn ↓")]
    assert cell.split()[0] == f"{expected.value:.2f}"
    assert f"[{expected.low:.2f}, {expected.high:.2f}]" in cell
    markdown = report.markdown.read_text()
    assert (
        f"| wgan-gp | {expected.value:.2f} \\[{expected.low:.2f}, {expected.high:.2f}\\] |"
        in markdown
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
            "n_fake=2500 split=test",
            "Example CPU",
            "2 threads",
        ):
            assert wanted in text, wanted
    for name in ("mnist5k", "ring8"):
        for kind in ("effects", "metrics", "curves", "losses"):
            assert (report.folder / "charts" / f"{name}-{kind}.svg").read_text().startswith("<svg")
    assert len(list((report.folder / "samples").glob("*.png"))) == 12 + 11
    rows = [json.loads(line) for line in report.results.read_text().splitlines()]
    # Three metrics of 12 + 9 runs, and one row each for what diverged, runs, or cannot be read.
    assert len(rows) == 3 * 21 + 3
    assert len(list((report.folder / "env").glob("*.json"))) == 1


def test_the_page_needs_nothing_from_outside(report: ReportFiles) -> None:
    page = report.page.read_text()
    found = Elements(page).elements
    for tag, attributes in found:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            address = attributes.get(name)
            if address is None:
                continue
            if tag == "a":
                own = address.startswith("#") or (report.folder / address).is_file()
                assert own or address.startswith("https://arxiv.org/abs/"), address
            else:
                assert address.startswith("data:image/png;base64,"), (tag, address[:60])
        assert tag not in {"link", "iframe", "object", "embed", "base", "form"}
    policy = next(a for tag, a in found if a.get("http-equiv") == "Content-Security-Policy")
    assert str(policy["content"]).startswith("default-src 'none';")
    style = page[page.index("<style>") : page.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert page.count(bundle()[:2000]) == 1


def test_markdown_points_at_files_that_are_there(report: ReportFiles) -> None:
    markdown = report.markdown.read_text()
    links = re.findall(r"\]\(([^)]+)\)", markdown) + re.findall(r'src="([^"]+)"', markdown)
    own = [link for link in links if not link.startswith("https://arxiv.org/")]
    assert len(own) > 20
    for link in own:
        assert (report.folder / link).is_file(), link
    rows = Elements(rendered(report.markdown)).rows
    head = next(row for row in rows if row[:2] == ["variant", "fid@mnist-cnn ↓"])
    body = next(row for row in rows if row[0] == "wgan-gp")
    assert len(body) == len(head) == 9
    assert not [row for row in rows if any("|" in cell for cell in row)]


def test_no_file_names_a_place_on_this_machine(report: ReportFiles, tmp_path: Path) -> None:
    for name, data in contents(report.folder).items():
        if name.endswith(".png"):
            continue
        text = data.decode()
        for place in (str(tmp_path.parent), "/home/someone", str(Path.home()) + "/", sys.prefix):
            assert place not in text, name


def test_the_same_runs_give_the_same_bytes_and_so_does_the_report_itself(
    suite: list[RunRecord], report: ReportFiles, tmp_path: Path
) -> None:
    first = contents(report.folder)
    again = write(load_runs([report.folder]), tmp_path / "again")
    second = contents(again.folder)
    assert sorted(first) == sorted(second)
    for name, data in first.items():
        assert data == second[name], name


HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(1)>|`*_[a](b) \"'\\ \n# x {{7*7}}"
)


def hostile_run(seed: int, grids: tuple[Path, ...] = ()) -> RunRecord:
    measured = Measurement(
        1.5, 1.0, 2.0, 10, 0.5, protocol=HOSTILE, better="lower", unit=HOSTILE, note=HOSTILE
    )
    curve = Curve(HOSTILE, (1.0, 2.0), (1.0, 2.0), (3.0, 1.5), HOSTILE, "lower", HOSTILE)
    loss = Curve(f"loss/discriminator/{HOSTILE}", (1.0, 2.0), (1.0, 2.0), (3.0, 1.5))
    return RunRecord(
        name=f"{HOSTILE}{seed}",
        status="done",
        identity=f"{seed}",
        model=HOSTILE,
        dataset=HOSTILE,
        variant=HOSTILE,
        seed=seed,
        command=HOSTILE,
        metrics={HOSTILE: measured},
        curves=(curve,),
        losses=(loss,),
        grids=grids,
        config={"loss": HOSTILE, HOSTILE: HOSTILE, "tricks": [{"name": HOSTILE}]},
        environment={"processor": HOSTILE, HOSTILE: {HOSTILE: HOSTILE}},
        environment_id="0a0b0c0d",
    )


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> ReportFiles:
    folder = tmp_path_factory.mktemp("hostile")
    Image.new("L", (8, 8)).save(folder / "final.png")
    runs = [hostile_run(0, (folder / "final.png",)), hostile_run(1)]
    runs += [replace(run, variant=f"{HOSTILE} 2", name=f"{run.name}b") for run in runs]
    row = {**PUBLISHED["row"][0], "dataset": HOSTILE, "model": HOSTILE, "source": HOSTILE}
    rows = published_rows({"row": [row]})
    return write_report(runs, folder / "out", title=HOSTILE, published=rows)


def test_hostile_names_are_only_shown(report: ReportFiles, hostile: ReportFiles) -> None:
    files = hostile
    found = Elements(files.page.read_text()).elements
    usual = Elements(report.page.read_text()).elements

    def scripts(elements: list[tuple[str, dict[str, str | None]]]) -> int:
        return sum(tag == "script" for tag, _ in elements)

    assert scripts(found) == scripts(usual) == 3
    assert not any("onerror" in attributes for _, attributes in found)
    assert all(a["src"] != "x" for tag, a in found if tag == "img")
    assert "49" not in re.sub(
        r"<script.*?</script>|<style.*?</style>|base64,[^\"]*",
        "",
        files.page.read_text(),
        flags=re.S,
    )
    shown = Elements(rendered(files.markdown)).elements
    assert {tag for tag, _ in shown} == {
        tag for tag, _ in Elements(rendered(report.markdown)).elements
    }
    assert not any("onerror" in attributes for _, attributes in shown)
    assert all(a["href"] != "b" for tag, a in shown if tag == "a")
    assert all(
        str(a["src"]).startswith(("charts/", "samples/")) for tag, a in shown if tag == "img"
    )
    assert all(re.fullmatch(r"[\w./-]+", name) for name in contents(files.folder))


def test_a_lone_run_and_runs_without_numbers_make_a_report_too(tmp_path: Path) -> None:
    lone = make_run(tmp_path / "runs", "vanilla", "ring8", 0, POINTS["vanilla"])
    lone.metrics_file.unlink()
    lone.stats_file.write_text("")
    (lone.samples_folder / "final.png").write_bytes(b"\x89PNG cut short")
    make_run(tmp_path / "runs", "dcgan", "mnist5k", 0, IMAGES["dcgan"], status="diverged")
    make_run(tmp_path / "runs", "dcgan", "digits", 0, IMAGES["dcgan"], status="running")
    files = write_report(load_runs([tmp_path / "runs"]), tmp_path / "out", title="Little")
    page = files.page.read_text()
    assert "one seed" in page
    assert "1 diverged" in page
    assert "1 unfinished" in page
    assert "<h3>Samples</h3>" in page, "the other runs have theirs"
    assert len(list((tmp_path / "out" / "samples").iterdir())) == 2


def test_an_earlier_report_is_replaced_and_other_files_stay(tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = RunRecord("a", "done", model="m", dataset="one", variant="m", seed=0)
    (out / "charts").mkdir(parents=True)
    (out / "charts" / "mine.svg").write_text("mine")
    write_report([first], out, title="First")
    assert (out / "charts" / "mine.svg").is_file(), "there was no report here before"
    (out / "samples").mkdir()
    (out / "samples" / "old.png").write_text("old")
    (out / "notes.txt").write_text("notes")
    write_report([first], out, title="Second")
    assert not (out / "samples" / "old.png").exists()
    assert (out / "notes.txt").read_text() == "notes"
    assert "Second" in (out / "index.html").read_text()


def test_mistakes_are_one_sentence(suite: list[RunRecord], tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'vanilla'"):
        write_report(suite, tmp_path / "out", title="x", baseline="vanila")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        write_report(suite[:1], tmp_path / "file" / "out", title="x")


def test_pictures_are_small_and_keep_their_pixels(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    small = Image.fromarray(random.integers(0, 256, (64, 64), dtype=np.uint8))
    small.save(tmp_path / "small.png", comment="where it was made")
    data = small_png(tmp_path / "small.png")
    assert data is not None
    (tmp_path / "again.png").write_bytes(data)
    with Image.open(tmp_path / "again.png") as again:
        assert np.array_equal(np.asarray(again), np.asarray(small))
        assert again.info == {}
    noise = random.integers(0, 256, (1500, 1200, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.png")
    large = small_png(tmp_path / "large.png")
    assert large is not None
    (tmp_path / "large2.png").write_bytes(large)
    with Image.open(tmp_path / "large2.png") as reduced:
        assert max(reduced.size) == LONGEST_SIDE
    assert len(large) < 4 * MOST_BYTES, "noise is the worst case: a byte a pixel at most"
    assert small_png(tmp_path / "large2.png") == large, "reducing again changes nothing"
    (tmp_path / "cut.png").write_bytes(large[: len(large) // 2])
    assert small_png(tmp_path / "cut.png") is None
    run = RunRecord("r", "done", grids=(tmp_path / "small.png", tmp_path / "cut.png"))
    assert sample_pictures([run])["r"].data == data, "the latest that can be read"


def test_reports_load_no_torch() -> None:
    command = "import sys, ganbench.report.write; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command], check=False).returncode == 0


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_charts_are_drawn_without_network_and_fit(
    report: ReportFiles, look: Callable[..., Any], width: int, scheme: str
) -> None:
    seen = look(report.page, width, scheme)
    assert (seen.said, seen.asked) == ([], [])
    assert seen.charts == seen.places == 6 + 6 + 12 + 12
    assert seen.marks > 100
    assert seen.page_width <= width
    assert seen.widest_chart <= width
    assert (seen.background == "rgb(255, 255, 255)") == (scheme == "light")


@pytest.mark.browser
def test_hostile_names_do_nothing_in_a_browser(
    hostile: ReportFiles, look: Callable[..., Any]
) -> None:
    seen = look(hostile.page, 390, "light")
    assert (seen.said, seen.asked) == ([], [])
    assert seen.charts == seen.places == 1 + 1 + 2 + 2
    assert seen.page_width <= 390
