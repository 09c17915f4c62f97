# SPDX-License-Identifier: MIT
"""How large the pages of 100 and 1,000 runs are, and how soon a reader can work with them.

Writes made-up run folders as ``compare_scale.py`` does, makes a page of them, and opens it in
Chromium as a file, without network. *Interactive* is the time from the opening until a click on
the head of a column has sorted the table and the browser has painted it; the click comes as soon
as there is a head to click. The longest task is the longest time for which the page answers
nothing while its charts are being drawn. Times are medians over several openings.

    python benchmarks/report_pages.py
    python benchmarks/report_pages.py --runs 100 --openings 3 --browser /usr/bin/chromium
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from compare_scale import write_run, write_shared
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from ganbench.records.load import load_runs
from ganbench.report.closer_looks import CloserLook
from ganbench.report.write import write_report

SHAPES = {100: (2, 10, 5), 1000: (10, 10, 10)}
"""Models, sets of tricks, and seeds, by the number of runs."""

TARGETS = {100: (3.0, 1.0), 1000: (None, 3.0)}
"""The most megabytes, and the most seconds until a page is interactive."""

WATCH = """
window.tasks = [];
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) tasks.push([task.startTime, task.duration]);
}).observe({ type: "longtask", buffered: true });
(function wait() {
  const head = document.querySelector("table.explore th .sort");
  if (!head) return requestAnimationFrame(wait);
  head.click();
  requestAnimationFrame(() => setTimeout(() => { window.interactive = performance.now(); }));
})();
"""

PAINTED = """(work) => new Promise((done) => {
  const begin = performance.now();
  const table = document.querySelector("table.explore");
  if (work === "sort") table.querySelectorAll("th .sort")[1].click();
  if (work === "filter") {
    const field = document.querySelector(".filter input");
    field.value = "trick-3";
    field.dispatchEvent(new Event("input"));
  }
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - begin)));
})"""
"""Sorts or filters the first table, and returns the milliseconds until that is painted."""

SORTED = "document.querySelectorAll('table.explore th')[1].ariaSort"
HIDDEN = "document.querySelectorAll('table.explore tbody tr[hidden]').length"

DRAWN = """() => window.interactive && [...document.querySelectorAll(".chart")].every((chart) =>
  chart.closest("details:not([open])") || chart.querySelector("svg"))"""


def write_page(root: Path, count: int) -> Path:
    """Write runs and the report of them; return its page."""
    write_shared(root / "shared")
    models, tricks, seeds = SHAPES[count]
    axes = itertools.product(range(models), range(tricks), range(seeds))
    for number, (model, trick, seed) in enumerate(axes):
        write_run(root / "runs", root / "shared", model, trick, seed, number)
    runs = load_runs([root / "runs"], curves=False)
    assert len(runs) == count
    with Image.open(root / "shared" / "0.png") as grid:
        looks = [CloserLook("interpolation", grid), CloserLook("neighbors", grid)]
        title = f"{count:,} runs"
        return write_report(runs, root / "report", title=title, look=lambda run: looks).page


def opened(browser: Browser, file: Path) -> dict[str, float]:
    """Open a page, work with it, and return what took how many milliseconds."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, offline=True)
    page: Page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_default_timeout(180_000)
    page.add_init_script(WATCH)
    page.goto(file.as_uri())
    while not page.evaluate(DRAWN):  # the page's policy forbids Playwright's own way to wait
        page.wait_for_timeout(20)
    interactive: float = page.evaluate("window.interactive")
    tasks: list[Sequence[float]] = page.evaluate("window.tasks")
    times = {
        "interactive": interactive,
        "longest task": max((length for at, length in tasks if at > interactive), default=0.0),
        "charts drawn": page.evaluate("performance.now()"),
        "sort": page.evaluate(PAINTED, "sort"),
        "filter": page.evaluate(PAINTED, "filter"),
    }
    if page.evaluate(SORTED) != "ascending" or not page.evaluate(HIDDEN):
        raise SystemExit("The page neither sorts nor filters.")
    context.close()
    if complaints:
        raise SystemExit(f"The page complains: {complaints[0]}")
    return times


def measure(browser: Browser, count: int, openings: int) -> list[Any]:
    """Return the row of a page: its runs, megabytes, and the medians of its times."""
    with tempfile.TemporaryDirectory() as folder:
        file = write_page(Path(folder), count)
        size = file.stat().st_size / 1e6
        opened(browser, file)  # the first opening starts the browser's processes
        times = [opened(browser, file) for _ in range(openings)]
    medians = {name: statistics.median(each[name] for each in times) for name in times[0]}
    most, seconds = TARGETS[count]
    met = (most is None or size <= most) and medians["interactive"] <= 1000 * seconds
    return [count, size, *medians.values(), "yes" if met else "no"]


def main() -> None:
    """Read the command line, measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, nargs="+", choices=list(SHAPES), default=list(SHAPES))
    parser.add_argument("--openings", type=int, default=5)
    parser.add_argument("--browser", default="/usr/bin/chromium")
    options = parser.parse_args()
    print("| runs | MB | interactive | longest task | charts drawn | sort | filter | target met |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |")
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=options.browser, args=["--no-sandbox", "--no-first-run"]
        )
        for count in options.runs:
            runs, size, *times, met = measure(browser, count, options.openings)
            cells = " | ".join(f"{time:,.0f} ms" for time in times)
            print(f"| {runs:,} | {size:.2f} | {cells} | {met} |", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
