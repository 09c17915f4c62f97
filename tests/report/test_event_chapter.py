# SPDX-License-Identifier: MIT
"""Curves of other tools stand in a chapter of their own, and in no table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ganbench.records.event_curves import EventCurve
from ganbench.report.content_blocks import Charts, Paragraph, spans
from ganbench.report.event_chapter import MOST_TAGS, event_chapter
from ganbench.report.write import write_report


def test_a_chart_for_each_tag_with_a_line_for_each_source() -> None:
    curves = [
        EventCurve("a", "loss", (1, 2), (0.5, 0.25)),
        EventCurve("a", "fid", (1,), (9.0,)),
        EventCurve("b", "fid", (1, 5), (8.0, 7.0)),
    ]
    charts, note = event_chapter(curves).blocks
    assert isinstance(charts, Charts)
    assert [panel.title for panel in charts.panels] == ["fid", "loss"]  # most sources first
    assert charts.panels[0].data.rows == [
        {"source": "a", "step": 1, "value": 9.0},
        {"source": "b", "step": 1, "value": 8.0},
        {"source": "b", "step": 5, "value": 7.0},
    ]
    assert [name for name, _ in charts.legend] == ["a", "b"]
    assert isinstance(note, Paragraph)


def test_of_many_tags_some_are_drawn_and_the_others_counted() -> None:
    curves = [EventCurve("a", f"t{index}", (1,), (0.0,)) for index in range(MOST_TAGS + 3)]
    charts, note = event_chapter(curves).blocks
    assert isinstance(charts, Charts)
    assert len(charts.panels) == MOST_TAGS
    assert isinstance(note, Paragraph)
    assert "3 further tags are not drawn" in spans(note.text)[0].text


def test_both_outputs_show_the_curves_and_escape_their_names(
    rate_grid: Any, tmp_path: Path
) -> None:
    hostile = "<b>x</b>|`*"
    curves = [EventCurve(hostile, f"tag {hostile}", (1, 2), (0.5, 0.25))]
    for index, runs in enumerate(([], rate_grid())):
        files = write_report(runs, tmp_path / str(index), title="x", events=curves)
        page, markdown = files.page.read_text(), files.markdown.read_text()
        assert "Curves of other tools" in page
        assert "Curves of other tools" in markdown
        assert "<b>x</b>" not in page.replace("\\u003c", "")
        assert (files.folder / "charts" / "event-curves.svg").is_file()
