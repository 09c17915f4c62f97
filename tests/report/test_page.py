# SPDX-License-Identifier: MIT
"""The page: one file that needs nothing from outside, and charts that a browser draws."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ganbench.report.charts.drawing import vega_script
from ganbench.report.charts.panels import ChartData, Panel
from ganbench.report.content_blocks import Charts
from ganbench.report.page import chart_document, packed
from ganbench.report.write import ReportFiles


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
    assert len(set(places)) == len(places) == 6 + 6 + 12 + 12
    assert set(places) == set(document["panels"])
    for panel in document["panels"].values():
        columns = document["data"][panel["data"]]
        assert len({len(values) for values in columns.values()}) == 1


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
    assert seen.charts == seen.places == 6 + 6 + 12 + 12
    assert seen.marks > 100
    assert seen.page_width <= width
    assert seen.widest_chart <= width
    assert (seen.background == "rgb(255, 255, 255)") == (scheme == "light")
