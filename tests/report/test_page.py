# SPDX-License-Identifier: MIT
"""The page: one file that needs nothing from outside, and charts that a browser draws."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ganbench.records.run_record import RunRecord
from ganbench.report.charts.drawing import vega_script
from ganbench.report.charts.panels import ChartData, Panel
from ganbench.report.charts.stills import INK
from ganbench.report.content_blocks import Charts
from ganbench.report.page import MOST_AT_TOP, chart_document, packed
from ganbench.report.write import ReportFiles, write_report


def test_the_page_needs_nothing_from_outside(
    report: ReportFiles, elements: Any, unpacked: Any
) -> None:
    page = report.page.read_text()
    found = elements(page).elements
    for tag, attributes in found:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            address = attributes.get(name)
            if address is None:
                continue
            if tag == "a":
                own = address.startswith("#") or (report.folder / address).is_file()
                assert own or address.startswith("https://arxiv.org/abs/"), address
            else:
                assert address.startswith("data:image/webp;base64,"), (tag, address[:60])
        assert tag not in {"link", "iframe", "object", "embed", "base", "form"}
    policy = next(a for tag, a in found if a.get("http-equiv") == "Content-Security-Policy")
    assert str(policy["content"]).startswith("default-src 'none';")
    style = page[page.index("<style>") : page.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert unpacked(page, "vega") == vega_script() != ""


def test_every_place_has_a_chart_and_every_chart_its_data(
    report: ReportFiles, elements: Any, unpacked: Any
) -> None:
    page = report.page.read_text()
    places = [a["data-chart"] for _, a in elements(page).elements if "data-chart" in a]
    document = json.loads(unpacked(page, "charts"))
    assert len(set(places)) == len(places) == 6 + 6 + 12 + 12 + 2
    assert set(places) == set(document["panels"])
    for panel in document["panels"].values():
        columns = document["data"][panel["data"]]
        assert len({len(values) for values in columns.values()}) == 1


def test_every_group_of_charts_is_a_still_picture_too(report: ReportFiles) -> None:
    page = report.page.read_text()
    groups = re.findall(r'<div class="still"[^>]*>(<svg.*?</svg>)</div>', page, flags=re.DOTALL)
    assert len(groups) == page.count('<div class="charts">') == 5 + 5
    assert page.count("<svg") == len(groups), "each stands there once"
    files = [path.read_text() for path in sorted(report.folder.glob("charts/*.svg"))]
    for picture in groups:
        assert picture.replace("currentColor", INK) in {
            re.sub(r'<rect [^>]*fill="#ffffff"[^>]*/>', "", file, count=1) for file in files
        }


def test_rows_become_columns_and_null_is_what_a_row_lacks() -> None:
    rows = [{"variant": "a", "fid": 1.5}, {"variant": "a", "low": 1.0}]
    panel = Panel({"title": "fid"}, ChartData("fids", rows))
    charts = Charts("fid", "FID", (panel, panel), layout="two", width=100)
    document = json.loads(chart_document([charts]))
    assert document["data"] == {
        "fids": {"variant": ["a", "a"], "fid": [1.5, None], "low": [None, 1.0]}
    }
    assert set(document["panels"]) == {"fid-0", "fid-1"}


def test_packing_depends_on_the_text_alone() -> None:
    assert packed("</script> ü") == packed("</script> ü") != packed("")
    assert "<" not in packed("</script>")


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_charts_are_drawn_without_network_and_fit(
    report: ReportFiles, look: Callable[..., Any], width: int, scheme: str
) -> None:
    seen = look(report.page, width, scheme)
    assert (seen.complaints, seen.requests) == ([], [])
    assert seen.charts == seen.places == 6 + 6 + 12 + 12 + 2
    assert seen.marks > 100
    assert seen.page_width <= width
    assert seen.widest_chart <= width
    assert (seen.background == "rgb(255, 255, 255)") == (scheme == "light")


_SHOWN = """() => {
    const height = (element) => element.getBoundingClientRect().height;
    const smalls = [...document.querySelectorAll("td small")];
    const size = (element) => parseFloat(getComputedStyle(element).fontSize);
    return {
        stills: [...document.querySelectorAll(".still svg")].filter(height).length,
        charts: [...document.querySelectorAll(".live")].filter(height).length,
        folded: [...document.querySelectorAll("details > :not(summary)")]
            .filter((element) => !element.checkVisibility({contentVisibilityAuto: true})).length,
        larger: smalls.filter((small) => size(small) >= size(small.parentElement)).length,
        intervals: smalls.length,
    };
}"""


@pytest.mark.browser
@pytest.mark.parametrize("script", [True, False])
def test_without_scripts_and_on_paper_charts_are_still_pictures(
    report: ReportFiles, browse: Callable[..., Any], script: bool
) -> None:
    with browse(javascript=script) as page:
        page.goto(report.page.as_uri())
        if script:
            page.wait_for_selector(".chart svg")
        else:
            assert page.locator(".still svg").count() == 10
            assert page.locator(".live:visible").count() == 0
        page.emulate_media(media="print", color_scheme="dark")
        if script:
            page.evaluate("dispatchEvent(new Event('beforeprint'))")
        seen = page.evaluate(_SHOWN)
        ink = page.evaluate("getComputedStyle(document.querySelector('.still')).color")
    assert (seen["stills"], seen["charts"], seen["folded"]) == (10, 0, 0)
    assert seen["larger"] == 0
    assert seen["intervals"] > 20
    assert ink == "rgb(0, 0, 0)"


def test_a_few_samples_stand_at_the_top_each_with_its_chapter(
    report: ReportFiles, elements: Any
) -> None:
    header = report.page.read_text().partition("<main>")[0]
    found = elements(header).elements
    pictures = [attributes for tag, attributes in found if tag == "img"]
    assert 1 < len(pictures) <= MOST_AT_TOP
    assert len({picture["src"] for picture in pictures}) == len(pictures)
    links = [str(attributes["href"]) for tag, attributes in found if tag == "a"]
    for link in links:
        assert f'id="{link.removeprefix("#")}"' in report.page.read_text()


def test_machines_that_read_alike_stand_once_at_the_top(
    make_record: Callable[..., RunRecord], tmp_path: Path
) -> None:
    runs = [
        replace(
            make_record("digits", "", "", seed, 40.0 + seed),
            environment={"device": "cpu", "packages": {"torch": "2.14.1", "altair": version}},
            environment_id=version,
        )
        for seed, version in enumerate(("6.0.0", "6.1.0"))
    ]
    page = write_report(runs, tmp_path, title="Runs").page.read_text()
    chips = page[page.index('<ul class="chips">') : page.index("</ul>")]
    assert chips.count("torch 2.14.1") == 1
    assert page.count("These runs were made in 2 environments") == 1
