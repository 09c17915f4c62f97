# SPDX-License-Identifier: MIT
"""How fast the lab's page comes up and paints, and what it holds in memory, in a real browser.

    python benchmarks/lab_page.py [--loads 5] [--seconds 20] [--minutes 10] [--model vanilla]

Needs Linux, Debian's package ``chromium``, the Python package ``playwright`` and the extra ``lab``.
Four things are measured:

* From ``ganbench lab``, with its start of Python and torch, to the second frame that is painted:
  ``cold``. From opening the address, where the server and its trainer are up: ``warm``.
* Frames painted per second with all layers of points on, 1,000 + 1,000 points and a heat map of
  64 x 64: at a chosen speed of 100 updates per second, and at full speed, where the lab leaves most
  of the time to training.
* Frames painted per second from a recording that plays four times as fast, where nothing trains.
* Memory of the server, of its trainer and of the page's scripts, every half minute.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
MEGABYTE = 2**20
PAGE_MEGABYTES = os.sysconf("SC_PAGE_SIZE") / MEGABYTE
# The clock's text changes once in each frame that is painted.
COUNT_FRAMES = """
window.painted = 0;
addEventListener("DOMContentLoaded", () => {
  new MutationObserver(() => { window.painted += 1; })
    .observe(document.getElementById("clock"), {childList: true, subtree: true});
});
"""


@dataclass(frozen=True)
class Server:
    """A lab that runs, and the address that lets one browser in."""

    process: int
    address: str

    def megabytes(self) -> tuple[float, float]:
        """Return what the server holds, and what the processes below it hold."""
        return resident(self.process), sum(resident(number) for number in below(self.process))


def resident(process: int) -> float:
    """Return the megabytes of memory that a process holds."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE_MEGABYTES


def below(process: int) -> list[int]:
    """Return the processes that a process began, and those that they began."""
    listed = Path(f"/proc/{process}/task").glob("*/children")
    children = [int(number) for path in listed for number in path.read_text().split()]
    return [*children, *(number for child in children for number in below(child))]


@contextlib.contextmanager
def server(model: str) -> Iterator[Server]:
    """Start a lab, and end it by Ctrl-C's signal."""
    command = [sys.executable, "-m", "ganbench", "lab", model, "-d", "ring8", "--no-browser"]
    command += ["--set", "recipe.kimg=1e6"]  # which lasts longer than any measurement
    with tempfile.TemporaryDirectory() as folder:
        started = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
        assert started.stderr is not None
        try:
            for line in started.stderr:
                if found := re.search(r"http://\S+", line):
                    yield Server(started.pid, found.group())
                    break
            else:
                raise SystemExit("the lab did not start")
        finally:
            started.terminate()
            started.wait()


def painted(page: Page) -> int:
    """Return how many frames the page has painted."""
    return int(page.evaluate("window.painted"))


def until_moving(page: Page, address: str) -> None:
    """Open the page, and wait for its second frame."""
    page.goto(address)
    while painted(page) < 2:  # the page's policy lets nothing wait inside it
        page.wait_for_timeout(10)


def frames_per_second(page: Page, seconds: float) -> float:
    """Count frames for some seconds."""
    page.wait_for_timeout(2000)
    began, before = time.perf_counter(), painted(page)
    page.wait_for_timeout(1000 * seconds)
    return (painted(page) - before) / (time.perf_counter() - began)


def new_page(browser: Any) -> Page:
    """Return a page of its own context, which counts the frames it paints."""
    page: Page = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
    page.add_init_script(COUNT_FRAMES)
    return page


def loads(browser: Any, model: str, count: int) -> None:
    """Print how long it takes until points move."""
    seconds: dict[str, list[float]] = {"cold": [], "warm": []}
    for _ in range(count):
        began = time.perf_counter()
        with server(model) as lab:
            page = new_page(browser)
            until_moving(page, lab.address)
            seconds["cold"].append(time.perf_counter() - began)
            page.context.close()
        with server(model) as lab:
            time.sleep(6)  # the trainer is up by then
            page = new_page(browser)
            began = time.perf_counter()
            until_moving(page, lab.address)
            seconds["warm"].append(time.perf_counter() - began)
            page.context.close()
    for way, taken in seconds.items() if count else ():
        print(f"{way}: {median(taken):.2f} s ({min(taken):.2f} to {max(taken):.2f}, {count} times)")


def show_layers(page: Page) -> None:
    """Show every layer but the density, which takes the place of the points."""
    for box in page.locator("[data-layer]").all():
        box.set_checked(box.get_attribute("data-layer") != "density")


def rates(page: Page, seconds: float) -> None:
    """Print how many frames a second are painted."""
    show_layers(page)
    for title, choice in (("100 updates per second", "100"), ("full speed", "")):
        page.select_option("#speed", choice)
        print(f"{title}: {frames_per_second(page, seconds):.1f} frames/s", flush=True)


def played(browser: Any, model: str, seconds: float) -> None:
    """Print how many frames a second of a recording are painted."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "ganbench", "run", "-m", model, "-d", "ring8"]
        length = ["--kimg", "100", "--evaluations", "0", "--record", "--out", folder]
        subprocess.run([*command, *length], check=True, capture_output=True)
        (out,) = Path(folder).glob("*/lab.html")
        page = new_page(browser)
        page.goto(out.as_uri())
        show_layers(page)
        page.select_option("#speed", "4")
        page.click("#play")
        rate = frames_per_second(page, seconds)
        size = out.stat().st_size / 1e6
        print(f"recorded, four times as fast: {rate:.1f} frames/s of a page of {size:.1f} MB")
        page.context.close()


def memory(page: Page, lab: Server, minutes: float) -> None:
    """Print what is held, every half minute."""
    print("| minutes | server, MB | trainer, MB | page's scripts, MB | frames painted |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    devtools = page.context.new_cdp_session(page)
    began = time.perf_counter()
    for half in range(int(2 * minutes) + 1):
        page.wait_for_timeout(max(0.0, 1000 * (began + 30 * half - time.perf_counter())))
        devtools.send("HeapProfiler.collectGarbage")
        heap = devtools.send("Runtime.getHeapUsage")["usedSize"] / MEGABYTE
        of_server, of_trainer = lab.megabytes()
        row = [f"{half / 2:.1f}", f"{of_server:.0f}", f"{of_trainer:.0f}", f"{heap:.1f}"]
        print(f"| {' | '.join(row)} | {painted(page):,} |", flush=True)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loads", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--model", default="vanilla")
    arguments = parser.parse_args()
    flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=flags)
        loads(browser, arguments.model, arguments.loads)
        played(browser, arguments.model, min(5.0, arguments.seconds))
        with server(arguments.model) as lab:
            page = new_page(browser)
            until_moving(page, lab.address)
            rates(page, arguments.seconds)
            memory(page, lab, arguments.minutes)
        browser.close()


if __name__ == "__main__":
    main()
