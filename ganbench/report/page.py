# SPDX-License-Identifier: MIT
"""The page: one HTML file that needs no other file, no network and no server."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jinja2
from markupsafe import Markup

from ganbench.analysis.tables import count_statuses
from ganbench.records.atomic_files import utf8
from ganbench.report import sentences
from ganbench.report.charts.drawing import vega_script
from ganbench.report.charts.panels import Rows
from ganbench.report.charts.stills import in_page
from ganbench.report.content_blocks import (
    Block,
    CaptionedPicture,
    Chapter,
    Charts,
    Pictures,
    all_charts,
)
from ganbench.report.html_text import html_words
from ganbench.report.make_report import Report

MOST_AT_TOP = 6
"""At most this many samples stand at the top of the page."""


def render_page(
    report: Report, blocks: Sequence[Block], stills: Mapping[str, str], *, markdown: bool = True
) -> str:
    """Return the HTML of a report. Every text of a record is escaped.

    Args:
        report: The report, for what stands at its top.
        blocks: Its blocks.
        stills: The still pictures of its charts as SVG, by the names of the charts, which the
            page's script replaces; without any, there are no charts.
        markdown: Whether the Markdown stands next to it.
    """
    script = vega_script() if stills else ""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ganbench.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"words": html_words, "kind": lambda block: type(block).__name__}
    page = environment.get_template("page.html.j2").render(
        report=report,
        markdown=markdown,
        facts=_facts(report),
        strip=_strip(blocks),
        blocks=blocks,
        stills={name: Markup(in_page(picture)) for name, picture in stills.items()},
        charts=packed(chart_document(all_charts(blocks))),
        vega=packed(script) if script else "",
    )
    return page + "\n"


def _strip(blocks: Iterable[Block]) -> list[tuple[str, CaptionedPicture]]:
    """Return a few samples for the top of the page, each with the chapter that has them all."""
    pictures = [
        (chapter.anchor, picture)
        for chapter in blocks
        if isinstance(chapter, Chapter) and chapter.anchor
        for block in chapter.blocks
        if isinstance(block, Pictures)
        for picture in block.pictures
    ]
    count = min(MOST_AT_TOP, len(pictures))
    return [pictures[index * len(pictures) // count] for index in range(count)]


def _facts(report: Report) -> list[tuple[str, str]]:
    """Return how many runs ended how, and where, each with its class on the page."""
    facts = [
        (sentences.statuses({status: count}), f"status-{status}")
        for status, count in count_statuses(report.runs).items()
    ]
    machines = dict.fromkeys(map(sentences.machine, report.environments.values()))
    return facts + [(machine, "") for machine in machines]


def chart_document(charts: Iterable[Charts]) -> str:
    """Return the specifications of all charts by name, and their data in columns, as JSON."""
    panels: dict[str, dict[str, Any]] = {}
    data: dict[str, dict[str, list[Any]]] = {}
    for group in charts:
        for index, panel in enumerate(group.panels):
            panels[f"{group.name}-{index}"] = {"spec": panel.page(), "data": panel.data.name}
            data.setdefault(panel.data.name, _columns(panel.data.rows))
    return json.dumps({"panels": panels, "data": data}, separators=(",", ":"), allow_nan=False)


def _columns(rows: Rows) -> dict[str, list[Any]]:
    """Return rows as columns; null stands for what a row does not have."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def packed(text: str) -> str:
    """Return a text as gzip in base64, which no markup can break: the same text, the same bytes."""
    return base64.b64encode(gzip.compress(utf8(text), mtime=0)).decode("ascii")
