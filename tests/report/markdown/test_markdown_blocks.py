# SPDX-License-Identifier: MIT
"""Blocks as Markdown: tables with notes and groups, pictures, folded parts, what it leaves out."""

from __future__ import annotations

from ganbench.report.content_blocks import (
    Bullets,
    CaptionedPicture,
    Charts,
    Column,
    Definitions,
    Details,
    Item,
    Paragraph,
    Pictures,
    Row,
    Span,
    Table,
    TextCell,
)
from ganbench.report.markdown.markdown_blocks import markdown_of
from ganbench.report.pictures import Picture


def test_a_table_keeps_groups_notes_and_wide_cells() -> None:
    table = Table(
        "Numbers",
        (Column("variant", number=False), Column("at\n5 s", group="fid ↓"), Column("kimg")),
        (
            Row(
                (
                    TextCell("a|b"),
                    TextCell((Span("6.3", strong=True),), ("one seed", "[5, 7]")),
                    TextCell(),
                )
            ),
            Row(
                (TextCell("real data", ("the floor",)), TextCell("failed", span=2)), reference=True
            ),
        ),
    )
    assert markdown_of([table], {}) == (
        "| variant | fid ↓ at 5 s | kimg |\n"
        "| --- | ---: | ---: |\n"
        "| a\\|b | **6.3** \\[5, 7\\] (one seed) | – |\n"
        "| *real data (the floor)* | failed |  |"
    )


def test_charts_are_their_still_picture_and_parts_without_any_are_left_out() -> None:
    charts = Charts("fid", "FID on a_b", (), layout="two", width=100)
    folded = Details("More", (charts,))
    assert markdown_of([charts, folded], {}) == ""
    assert markdown_of([folded], {"fid": "charts/fid.svg"}) == (
        "<details><summary>More</summary>\n\n![FID on a\\_b](charts/fid.svg)\n\n</details>"
    )


def test_pictures_stand_below_their_captions_four_in_a_line() -> None:
    shown = [
        CaptionedPicture(Picture(f"samples/{name}.webp", b"", 1, 1), f"Samples of {name}", name)
        for name in "abcde"
    ]
    lines = markdown_of([Pictures(tuple(shown))], {}).splitlines()
    assert lines[0] == "| a | b | c | d |"
    assert lines[4] == "| e |"
    assert lines[6] == '| <img src="samples/e.webp" width="240" alt="Samples of e"> |'
    small = markdown_of([Pictures(tuple(shown[:2]), small=True)], {})
    assert small.count("<img") == 2
    assert "|" not in small


def test_lists_and_warnings() -> None:
    items = (Item("one"), Item((Span("two", link="b.md"),)))
    assert markdown_of([Bullets(items)], {}) == "- one\n- [two](b.md)"
    assert markdown_of([Bullets(items, role="notes")], {}) == "1. one\n1. [two](b.md)"
    assert markdown_of([Definitions((("a", "b*"),))], {}) == "- a: b\\*"
    assert markdown_of([Paragraph("Beware.", role="warning"), Paragraph("Note.")], {}) == (
        "**Beware.**\n\nNote."
    )
