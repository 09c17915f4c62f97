# SPDX-License-Identifier: MIT
"""Pages as a browser shows them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import pytest

CHROMIUM = Path("/usr/bin/chromium")


@dataclass(frozen=True)
class Seen:
    """What a browser made of a page: charts, marks, widths in pixels, complaints, requests."""

    places: int
    charts: int
    marks: int
    page_width: float
    widest_chart: float
    background: str
    said: list[str]
    asked: list[str]


def open_page(path: Path, width: int, scheme: Literal["light", "dark"]) -> Seen:
    """Open a page in Chromium without network, unfold it, and wait until its charts are drawn."""
    from playwright.sync_api import sync_playwright

    said: list[str] = []
    asked: list[str] = []
    quiet = ["background-networking", "component-update", "gpu", "quic", "sync"]
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--no-first-run", *(f"--disable-{name}" for name in quiet)],
        )
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
        )
        page = context.new_page()
        page.set_default_timeout(180_000)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        drawn = (
            "[...document.querySelectorAll('.chart')]"
            ".every(c => c.querySelector('svg') || c.textContent.includes('cannot be drawn'))"
        )
        deadline = time.monotonic() + 180  # a busy machine is no mistake
        while not page.evaluate(drawn) and time.monotonic() < deadline:
            page.wait_for_timeout(50)
        seen = Seen(
            places=page.locator(".chart").count(),
            charts=page.locator(".chart svg").count(),
            marks=page.locator(".chart .mark-line path, .chart .mark-symbol path").count(),
            page_width=page.evaluate("document.documentElement.scrollWidth"),
            widest_chart=page.evaluate(
                "Math.max(...[...document.querySelectorAll('.chart svg')]"
                ".map(s => s.getBoundingClientRect().right))"
            ),
            background=page.evaluate("getComputedStyle(document.body).backgroundColor"),
            said=said,
            asked=[one for one in asked if not one.startswith(("file:", "data:"))],
        )
        browser.close()
    return seen


@pytest.fixture
def look() -> Callable[..., Seen]:
    """Open a page: ``look(path, width, "dark")``; the test is skipped where there is no browser."""
    if not CHROMIUM.is_file() or find_spec("playwright") is None:
        pytest.skip("needs Debian's package chromium and the Python package playwright")
    return open_page
