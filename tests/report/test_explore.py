# SPDX-License-Identifier: MIT
"""What a reader does with a page in a browser: sort, filter, copy, look closely."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ganbench.report.write import ReportFiles

pytestmark = pytest.mark.browser

COMMITTED = Path(__file__).parents[2] / "reports/digits-tricks/index.html"
TABLE = "table.explore"
CELLS = """([table, column]) => [...document.querySelector(table).tBodies[0].rows].map((row) => ({
    name: row.cells[0].textContent, value: row.cells[column].dataset.value ?? null,
    reference: row.classList.contains("reference"), hidden: row.hidden}))"""


@pytest.fixture
def page(report: ReportFiles, browse: Callable[..., Any]) -> Iterator[Any]:
    complaints: list[str] = []
    with browse(width=390) as opened:
        opened.on("console", lambda message: complaints.append(message.text))
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.goto(report.page.as_uri())
        yield opened
        assert complaints == []


def rows(page: Any, column: int) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = page.evaluate(CELLS, [TABLE, column])
    return listed


def test_a_column_sorts_by_its_exact_values_and_references_stay_below(page: Any) -> None:
    given = [row["name"] for row in rows(page, 1)]
    head = page.locator(f"{TABLE} th button").nth(1)
    for order, sign in (("ascending", 1), ("descending", -1)):
        head.focus()
        page.keyboard.press("Enter")
        assert page.locator(f"{TABLE} th").nth(1).get_attribute("aria-sort") == order
        after = rows(page, 1)
        values = [float(row["value"]) for row in after if row["value"] is not None]
        assert len(values) > 2
        assert values == sorted(values, key=lambda value: sign * value)
        kinds = [row["reference"] for row in after]
        assert kinds == sorted(kinds), "references are last"
        assert order in page.locator(".said").inner_text()
    head.click()
    assert [row["name"] for row in rows(page, 1)] == given


EMPTIED = """(table) => {
    const cell = document.querySelector(table).tBodies[0].rows[0].cells[1];
    delete cell.dataset.value;
    cell.textContent = "–";
}"""


def test_a_row_without_a_value_is_last_whichever_way(page: Any) -> None:
    page.evaluate(EMPTIED, TABLE)
    for _ in range(2):
        page.locator(f"{TABLE} th button").nth(1).click()
        measured = [row["value"] for row in rows(page, 1) if not row["reference"]]
        assert measured[-1] is None


def test_words_filter_rows_and_the_samples_of_their_chapter(browse: Callable[..., Any]) -> None:
    with browse() as page:
        page.goto(COMMITTED.as_uri())
        field = page.locator(".filter input").first
        field.fill("R1 -ema")
        names = [row["name"] for row in rows(page, 0) if not row["hidden"]]
        assert [name.partition("non")[0] for name in names if "real data" not in name] == [
            "dcgan + r1"
        ]
        figures = page.locator("section figure[data-variant]:not([hidden])")
        variants = figures.evaluate_all("all => all.map(figure => figure.dataset.variant)")
        assert set(variants) == {"dcgan + r1"}
        assert page.locator(".count").first.inner_text() == "1 of 13"
        field.fill("")
        assert not any(row["hidden"] for row in rows(page, 0))


def test_samples_open_in_a_window_that_keys_turn_over_and_close(page: Any) -> None:
    opener = page.locator(".grids .enlarge").first
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.locator("dialog.zoom")
    first = dialog.locator("p").inner_text()
    assert first == page.locator(".grids img").first.get_attribute("alt")
    page.keyboard.press("ArrowRight")
    assert dialog.locator("p").inner_text() != first
    page.keyboard.press("ArrowLeft")
    assert dialog.locator("p").inner_text() == first
    assert page.evaluate("document.querySelector('dialog').getBoundingClientRect().width") <= 390
    page.keyboard.press("Escape")
    assert not dialog.is_visible()


def test_the_command_of_a_row_is_copied(page: Any, report: ReportFiles) -> None:
    page.evaluate(
        "Object.defineProperty(navigator, 'clipboard', {value: {writeText: (text) => {"
        "window.copied = text; return Promise.resolve(); }}})"
    )
    row = page.locator(f"{TABLE} tr[data-command]").first
    row.locator(".copy").focus()
    page.keyboard.press("Enter")
    command = row.get_attribute("data-command")
    assert page.evaluate("window.copied") == command
    assert command in report.markdown.read_text()


def test_nothing_is_wider_than_a_telephone(page: Any) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
