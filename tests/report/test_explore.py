# SPDX-License-Identifier: MIT
"""What a reader does with a page in a browser: sort, filter, copy, look closely."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ganbench.records.load import load_runs
from ganbench.records.run_folder import RunFolder
from ganbench.records.run_record import RunRecord
from ganbench.report.closer_looks import CloserLook
from ganbench.report.write import ReportFiles, write_report

pytestmark = pytest.mark.browser

COMMITTED = Path(__file__).parents[2] / "reports/digits-tricks"
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


FIGURES = """([table, texts]) => {
    const rows = [...document.querySelector(table).tBodies[0].rows];
    rows.forEach((row) => row.classList.add("reference"));  // those stay below, as they are
    texts.forEach((text, index) => {
        const cell = rows[index].cells[1];
        rows[index].classList.remove("reference");
        cell.className = "number";
        delete cell.dataset.value;
        cell.innerHTML = text;
    });
}"""


@pytest.mark.parametrize(
    "ordered",
    [
        ["< 0.001", "0.001", "0.03"],
        ["3<small>1 lost</small>", "4", "30"],
        ["900 k", "1.2 M", "1,300 k"],
        ["−2", "−0.5", "2"],
    ],
)
def test_figures_sort_by_themselves_not_by_what_stands_around_them(
    page: Any, ordered: list[str]
) -> None:
    page.evaluate(FIGURES, [TABLE, [*ordered[1:], ordered[0]]])
    page.locator(f"{TABLE} th button").nth(1).click()
    shown = page.locator(f"{TABLE} tbody tr td:nth-child(2)")
    first = shown.all()[: len(ordered)]
    assert [cell.inner_html().replace("&lt;", "<") for cell in first] == ordered


def test_a_row_without_a_value_is_last_whichever_way(page: Any) -> None:
    page.evaluate(EMPTIED, TABLE)
    for _ in range(2):
        page.locator(f"{TABLE} th button").nth(1).click()
        measured = [row["value"] for row in rows(page, 1) if not row["reference"]]
        assert measured[-1] is None


def test_words_filter_rows_and_the_samples_of_their_chapter(
    browse: Callable[..., Any], tmp_path: Path
) -> None:
    files = write_report(load_runs([COMMITTED]), tmp_path, title="Tricks", formats=["html"])
    with browse() as page:
        page.goto(files.page.as_uri())
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


@pytest.fixture(scope="module")
def unpaired(
    make_record: Callable[..., RunRecord], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The page of eight variants, of which two share no seed with the baseline."""
    runs = [
        replace(
            make_record("digits", tricks, "", seed + first, 3 + step * (1 + 0.1 * seed)),
            command="ganbench run",
        )
        for tricks, first, step in (
            *(("", 0, 0.0), ("r1", 0, -1.0), ("ema", 0, 0.5), ("apa", 0, 1.0), ("ada", 0, -2.0)),
            *(("lecam", 10, -0.5), ("noise", 20, 0.7), ("clip", 0, 0.1)),
        )
        for seed in range(3)
    ]
    folder = tmp_path_factory.mktemp("unpaired")
    return write_report(runs, folder, title="x", formats=["html"]).page


def test_a_cell_over_several_columns_is_the_value_of_none(
    unpaired: Path, browse: Callable[..., Any]
) -> None:
    with browse() as page:
        page.goto(unpaired.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach((part) => part.open = true)")
        table = page.locator("[aria-label='Differences on digits'] table")
        heads = [text.strip() for text in table.locator("th[scope=col]").all_inner_texts()]
        rows = table.locator("tbody tr")
        for head in ("P(better)", "pairs", "ratio"):
            for sign in (1, -1):
                table.locator("th button").nth(heads.index(head)).click()
                values = [float(row.locator("td").nth(-2).inner_text()) for row in rows.all()]
                spanned = [row.locator("[colspan]").count() for row in rows.all()]
                assert len(spanned) == 7
                if head == "P(better)":
                    assert values == sorted(values, key=lambda value: sign * value)
                else:
                    assert spanned == sorted(spanned), "those without a value are last"


def test_words_filter_by_names_not_by_what_else_is_in_their_cells(
    unpaired: Path, browse: Callable[..., Any]
) -> None:
    with browse() as page:
        page.goto(unpaired.as_uri())
        field = page.locator(".filter input").first
        for words, left in (("copy", 0), ("-command", 8), ("r1", 1), ("gan", 8)):
            field.fill(words)
            assert page.locator(".count").first.inner_text() == f"{left} of 8"


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


@pytest.fixture(scope="module")
def along(
    make_run: Callable[..., RunFolder], tmp_path_factory: pytest.TempPathFactory
) -> ReportFiles:
    """A report of a run with grids after 1, 2 and 4 kimg, and of one that drew the first two."""
    root = tmp_path_factory.mktemp("along")
    for model, drawn in (("vanilla", (1.0, 2.0, 4.0)), ("dcgan", (1.0, 2.0))):
        folder = make_run(root / "runs", model, "mnist5k", 0, kimg=4.0 if len(drawn) > 2 else 3.0)
        for kimg in drawn:
            gray = Image.new("L", (242, 242), int(40 * kimg))
            gray.save(folder.samples_folder / f"kimg{kimg:08.1f}.png")
        Image.new("L", (242, 242), 200).save(folder.samples_folder / "final.png")
    look = CloserLook("interpolation", Image.new("L", (242, 242)))
    runs = load_runs([root / "runs"])
    return write_report(runs, root / "out", title="Along", look=lambda run: [look])


SHOWN = """() => [...document.querySelectorAll(".strips figure")].map((figure) => {
    const frame = figure.querySelector(".frames").getBoundingClientRect();
    const strip = figure.querySelector("img").getBoundingClientRect();
    const frames = figure.dataset.kimg.split(" ").length;
    return {at: Math.round((frame.left - strip.left) * frames / strip.width),
        share: Math.round(100 * frame.width / strip.width),
        words: figure.querySelector("figcaption small").textContent,
        alt: figure.querySelector("img").alt};
})"""


def test_keys_move_all_samples_to_a_moment_of_training(
    along: ReportFiles, browse: Callable[..., Any]
) -> None:
    complaints: list[str] = []
    addresses: list[str] = []
    with browse(width=390, scheme="dark") as page:
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: addresses.append(request.url))
        page.goto(along.page.as_uri())
        for shown in page.evaluate(SHOWN):
            assert shown["at"] == 2, "the last frame"
            assert shown["share"] in {33, 34}, "a third, and the border"
        slider = page.get_by_role("slider")
        slider.focus()
        for key, kimg, places in (
            ("Home", "1", [0, 0]),
            ("ArrowRight", "2", [1, 1]),
            ("ArrowRight", "3", [2, 1]),
            ("End", "4", [2, 2]),
        ):
            page.keyboard.press(key)
            assert slider.get_attribute("aria-valuetext") == f"{kimg} thousand images"
            assert page.locator(".player output").inner_text() == f"{kimg} kimg"
            assert [shown["at"] for shown in page.evaluate(SHOWN)] == places
        dcgan, vanilla = page.evaluate(SHOWN)
        assert dcgan["words"] == "seed 0 · 3 kimg", "a run that ended earlier stays at its end"
        assert vanilla["alt"].endswith("on mnist5k along training, after 4 thousand images")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != (
            "rgb(255, 255, 255)"
        )
    assert complaints == []
    assert all(address.startswith(("file:", "data:")) for address in addresses)


def test_a_button_plays_training_unless_motion_is_unwelcome(
    along: ReportFiles, browse: Callable[..., Any]
) -> None:
    with browse() as page:
        page.goto(along.page.as_uri())
        button = page.locator(".player button")
        button.focus()
        page.keyboard.press("Enter")
        assert button.inner_text() == "pause"
        assert page.get_by_role("slider").input_value() == "0"
        page.get_by_role("button", name="play", exact=True).wait_for()
        assert page.get_by_role("slider").input_value() == "3"
        page.emulate_media(reduced_motion="reduce")
        assert not button.is_visible()
        assert page.get_by_role("slider").is_visible()


@pytest.mark.parametrize("script", [True, False])
def test_without_script_and_on_paper_all_frames_are_shown(
    along: ReportFiles, browse: Callable[..., Any], script: bool
) -> None:
    with browse(javascript=script) as page:
        page.goto(along.page.as_uri())
        assert page.locator(".player").count() == int(script)
        if script:
            page.emulate_media(media="print")
            page.evaluate("dispatchEvent(new Event('beforeprint'))")
            assert not page.locator(".player").is_visible()
            assert page.locator("summary", has_text="Between latents").is_visible()
            assert page.locator("figure[data-variant] img[alt^=Between]").first.is_visible()
        for shown in page.evaluate(SHOWN):
            assert shown["at"] == 0
            assert shown["share"] in range(98, 102), "the border"
            assert shown["words"].endswith(" kimg")


def test_the_pictures_of_the_page_alone_are_in_no_file(along: ReportFiles) -> None:
    assert len(list((along.folder / "samples").iterdir())) == 2
    text = along.markdown.read_text()
    assert "along training" not in text
    assert "Between latents" not in text
