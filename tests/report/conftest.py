# SPDX-License-Identifier: MIT
"""Reports of made-up runs, and pages as a browser shows them."""

from __future__ import annotations

import base64
import gzip
import json
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from lab_pages import browser_page, chromium
from PIL import Image

from ganbench.analysis.published import PublishedRow, published_rows
from ganbench.config import Recipe, RunConfig, TrickConfig
from ganbench.records.load import load_runs
from ganbench.records.measurement import Measurement
from ganbench.records.run_folder import RunFolder
from ganbench.records.run_record import RunRecord
from ganbench.report.charts.drawing import draw_charts, draw_figures
from ganbench.report.write import ReportFiles, write_report


@dataclass(frozen=True)
class Seen:
    """What a browser made of a page: charts, marks, widths in pixels, complaints, requests."""

    places: int
    charts: int
    marks: int
    page_width: float
    widest_chart: float
    background: str
    complaints: list[str]
    requests: list[str]


@contextmanager
def new_page(
    browser: Any,
    width: int = 1000,
    scheme: Literal["light", "dark"] = "light",
    *,
    javascript: bool = True,
) -> Iterator[Any]:
    """Yield an empty page without network."""
    options = {"color_scheme": scheme, "offline": True, "java_script_enabled": javascript}
    with browser_page(browser, width, **options) as page:
        page.set_default_timeout(180_000)
        yield page


def open_page(browser: Any, path: Path, width: int, scheme: Literal["light", "dark"]) -> Seen:
    """Open a page without network, unfold it, and wait until its charts are drawn."""
    complaints: list[str] = []
    requests: list[str] = []
    with new_page(browser, width, scheme) as page:
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        drawn = (
            "[...document.querySelectorAll('.chart')]"
            ".every(c => c.querySelector('svg') || c.textContent.includes('cannot be drawn'))"
        )
        deadline = time.monotonic() + 180  # a busy machine is no mistake
        while not page.evaluate(drawn) and time.monotonic() < deadline:
            page.wait_for_timeout(50)
        return Seen(
            places=page.locator(".chart").count(),
            charts=page.locator(".chart svg").count(),
            marks=page.locator(".chart .mark-line path, .chart .mark-symbol path").count(),
            page_width=page.evaluate("document.documentElement.scrollWidth"),
            widest_chart=page.evaluate(
                "Math.max(...[...document.querySelectorAll('.chart svg')]"
                ".map(s => s.getBoundingClientRect().right))"
            ),
            background=page.evaluate("getComputedStyle(document.body).backgroundColor"),
            complaints=complaints,
            requests=[url for url in requests if not url.startswith(("file:", "data:"))],
        )


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start Chromium for a file of tests; they are skipped where there is none."""
    with chromium() as started:
        yield started


@pytest.fixture
def look(browser: Any) -> Callable[..., Seen]:
    """Open a page in Chromium: ``look(path, width, "dark")``."""
    return partial(open_page, browser)


@pytest.fixture
def browse(browser: Any) -> Callable[..., Any]:
    """Open an empty page in Chromium: ``with browse(javascript=False) as page``."""
    return partial(new_page, browser)


@pytest.fixture(scope="session", autouse=True)
def pictures_drawn_once() -> Iterator[None]:
    """Let reports share what the process that draws returns, since many show the same charts."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        for draw in (draw_charts, draw_figures):
            monkeypatch.setattr(f"ganbench.report.write.{draw.__name__}", _drawn_once(draw))
        yield


def _drawn_once(draw: Callable[..., dict[str, Any] | None]) -> Callable[..., Any]:
    """Wrap a function that draws, so that it gets each specification once."""
    known: dict[str, Any] = {}

    def drawn(charts: Mapping[str, Any]) -> dict[str, Any] | None:
        keys = {name: json.dumps(chart, default=vars) for name, chart in charts.items()}
        missing = {name: charts[name] for name, key in keys.items() if key not in known}
        pictures = draw(missing) if missing else {}
        if pictures is None:
            return None
        known.update({keys[name]: picture for name, picture in pictures.items()})
        return {name: known[key] for name, key in keys.items()}

    return drawn


class Elements(HTMLParser):
    """Collects (tag, attributes), and the text of the cells of each table row."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self._cell = False
        self.feed(html)

    @property
    def tags(self) -> list[str]:
        return [tag for tag, _ in self.elements]

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


@pytest.fixture(scope="session")
def elements() -> type[Elements]:
    """Parse HTML: ``elements(html).rows``."""
    return Elements


@pytest.fixture(scope="session")
def unpacked() -> Callable[[str, str], str]:
    """Read what a page keeps packed: ``unpacked(html, "vega")``."""

    def unpack(html: str, name: str) -> str:
        packed = re.search(f'<script type="text/plain" id="{name}">([^<]*)</script>', html)
        assert packed is not None
        return gzip.decompress(base64.b64decode(packed[1])).decode()

    return unpack


@pytest.fixture(scope="session")
def contents() -> Callable[[Path], dict[str, bytes]]:
    """Read all files of a folder by their names: ``contents(folder)``."""

    def read(folder: Path) -> dict[str, bytes]:
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    return read


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
    "dataset": "ring8",
    "model": "GAN (PacGAN paper's own run)",
    "source": "Lin et al., 2018, arXiv:1712.04086, table 1",
    "metrics": {"modes": "6.3 ± 0.5", "high-quality": "98.2 % ± 0.2"},
    "differs": "Ten seeds and their standard error; networks and length differ.",
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


def write_run(
    root: Path,
    model: str,
    dataset: str,
    seed: int,
    *,
    tricks: tuple[TrickConfig, ...] = (),
    status: str = "done",
    kimg: float = 320.0,
) -> RunFolder:
    """Write a run folder as training would, with numbers drawn from a seeded stream."""
    finals = (POINTS if dataset == "ring8" else IMAGES)[model]
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


def write_suite(root: Path) -> Path:
    """Write the runs that the tests report on: two datasets, and runs that went badly."""
    gp = TrickConfig(name="gradient-penalty", parameters={"weight": 10.0})
    ema = TrickConfig(name="ema", parameters={"decay": 0.999})
    for seed in range(3):
        write_run(root, "vanilla", "mnist5k", seed)
        write_run(root, "dcgan", "mnist5k", seed)
        write_run(root, "dcgan", "mnist5k", seed, tricks=(ema,))
        write_run(root, "wgan-gp", "mnist5k", seed, tricks=(gp,))
    for seed in range(5):
        status = {3: "diverged", 4: "collapsed"}.get(seed, "done")
        write_run(root, "vanilla", "ring8", seed, status=status)
        write_run(root, "wgan-gp", "ring8", seed, tricks=(gp,))
    write_run(root, "vanilla", "ring8", 7, status="running")
    broken = write_run(root, "vanilla", "ring8", 8)
    broken.config_file.write_text('{"schema": 1, "ident')
    return root


@pytest.fixture(scope="session")
def make_run() -> Callable[..., RunFolder]:
    """Write a run folder: ``make_run(root, "vanilla", "ring8", seed)``."""
    return write_run


@pytest.fixture(scope="session")
def published() -> list[PublishedRow]:
    """A published row on ring8."""
    return published_rows({"row": [PUBLISHED]})


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> list[RunRecord]:
    """Made-up runs on two datasets; some diverged, collapsed, do not end, or cannot be read."""
    return load_runs([write_suite(tmp_path_factory.mktemp("runs"))])


@pytest.fixture(scope="session")
def report(
    suite: list[RunRecord],
    published: list[PublishedRow],
    tmp_path_factory: pytest.TempPathFactory,
) -> ReportFiles:
    """The report of the suite."""
    out = tmp_path_factory.mktemp("report") / "out"
    return write_report(suite, out, title="A first comparison", published=published)


@pytest.fixture(scope="session")
def hostile_text() -> str:
    """A name with a byte that is not UTF-8, which would run scripts and break tables unescaped."""
    return (
        "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
        "|`*_[a](b) \"'\\ \n# x {{7*7}} \udcff"
    )


def record(
    dataset: str, tricks: str, rate: str, seed: int, fid: float | None, status: str = "done"
) -> RunRecord:
    """Return a run with one metric; without a value it has diverged, or has another status."""
    setting = f"learning_rate={rate}" if rate else ""
    label = (f"gan + {tricks}" if tricks else "gan") + (f", {setting}" if setting else "")
    measured = Measurement(fid, n=100, protocol=f"fid/v1/{dataset}", better="lower")
    return RunRecord(
        name=f"{dataset} {label} {seed}",
        status="diverged" if fid is None and status == "done" else status,
        identity=f"{dataset} {label} {seed}",
        model="gan",
        dataset=dataset,
        variant=label,
        tricks=tricks,
        setting=setting,
        seed=seed,
        threads=1,
        metrics={} if fid is None else {"fid": measured},
    )


@pytest.fixture(scope="session")
def make_record() -> Callable[..., RunRecord]:
    """Build a run's record: ``make_record("digits", "r1", rate, seed, fid)``."""
    return record


@pytest.fixture(scope="session")
def rate_grid() -> Callable[..., list[RunRecord]]:
    """Build runs at three rates: without tricks only the middle one works, with r1 all do."""

    def build(dataset: str = "digits") -> list[RunRecord]:
        runs = []
        for seed in range(4):
            for rate in ("0.0001", "0.001", "0.01"):
                plain = 10.0 + seed if rate == "0.001" else None
                runs.append(record(dataset, "", rate, seed, plain))
                runs.append(record(dataset, "r1", rate, seed, 12.0 + seed))
        return runs

    return build
