# SPDX-License-Identifier: MIT
"""Blocks: groups of columns, cells in their columns, and charts wherever they stand."""

from __future__ import annotations

from ganbench.report.content_blocks import (
    Chapter,
    Charts,
    Column,
    Details,
    Paragraph,
    Row,
    Table,
    TextCell,
    all_charts,
)


def test_neighboring_columns_of_one_group_stand_together() -> None:
    columns = (
        Column("variant"),
        Column("at 5 s", group="fid"),
        Column("at 9 kimg", group="fid"),
        Column("at 5 s", group="is"),
        Column("kimg"),
    )
    groups = Table("x", columns, ()).groups
    assert [(name, len(members)) for name, members in groups] == [
        ("", 1),
        ("fid", 2),
        ("is", 1),
        ("", 1),
    ]


def test_an_entry_stands_where_it_begins() -> None:
    columns = [Column(head) for head in "abcd"]
    row = Row((TextCell("1"), TextCell("2", span=2), TextCell("3")))
    assert [(cell.text, column.head) for cell, column in row.placed(columns)] == [
        ("1", "a"),
        ("2", "b"),
        ("3", "d"),
    ]


def test_charts_are_found_at_any_depth_and_in_order() -> None:
    first, second = (Charts(name, name, (), layout="two", width=1) for name in ("a", "b"))
    blocks = [Chapter("x", (first, Details("y", (Paragraph("z"), second))))]
    assert [charts.name for charts in all_charts(blocks)] == ["a", "b"]
