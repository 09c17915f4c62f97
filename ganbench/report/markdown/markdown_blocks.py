# SPDX-License-Identifier: MIT
"""A report as Markdown, for places where code is hosted: tables, and still pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ganbench.analysis.tables import count_statuses
from ganbench.report import sentences
from ganbench.report.content_blocks import (
    Block,
    Bullets,
    Chapter,
    Charts,
    Definitions,
    Details,
    Heading,
    PageOnly,
    Paragraph,
    Pictures,
    Row,
    Strips,
    Table,
    TextCell,
)
from ganbench.report.make_report import Report
from ganbench.report.markdown.markdown_text import (
    details_block,
    escape,
    image,
    table,
    words,
)

_PICTURES_A_LINE = 4


def render_markdown(
    report: Report, blocks: Iterable[Block], stills: Mapping[str, str], *, page: bool = True
) -> str:
    """Return the Markdown of a report.

    Args:
        report: The report, for its title and the lines below it.
        blocks: Its blocks.
        stills: The files of still pictures by the names of their charts.
        page: Whether the page stands next to it.
    """
    ended = escape(sentences.statuses(count_statuses(report.runs)))
    link = (
        "The same with charts to point at: "
        "[index.html](index.html), one file that needs no network."
    )
    parts = [
        f"# {escape(report.title)}",
        escape(report.lede),
        " ".join(filter(None, (f"{ended}." if ended else "", link if page else ""))),
        markdown_of(blocks, stills),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def markdown_of(blocks: Iterable[Block], stills: Mapping[str, str]) -> str:
    """Return blocks as Markdown, those left out that it cannot show."""
    return "\n\n".join(filter(None, (_block(block, stills) for block in blocks)))


def _block(block: Block, stills: Mapping[str, str]) -> str:
    match block:
        case Chapter():
            return f"## {escape(block.title)}\n\n{markdown_of(block.blocks, stills)}"
        case Details():
            content = markdown_of(block.blocks, stills)
            return details_block(block.summary, content) if content else ""
        case Heading():
            return f"{'#' * block.level} {words(block.text)}"
        case Paragraph():
            text = words(block.text)
            return f"**{text}**" if block.role == "warning" else text
        case Bullets():
            sign = "1." if block.role == "notes" else "-"
            return "\n".join(f"{sign} {words(item.text)}" for item in block.items)
        case Definitions():
            return "\n".join(f"- {escape(name)}: {escape(text)}" for name, text in block.pairs)
        case Table():
            return _table(block)
        case Charts():
            file = stills.get(block.name)
            return f"![{escape(block.label)}]({file})" if file else ""
        case Pictures():
            return _pictures(block)
        case PageOnly() | Strips():
            return ""


def _table(block: Table) -> str:
    head = [escape(f"{column.group} {column.head}") for column in block.columns]
    right = [column.number for column in block.columns]
    return table(head, map(_row, block.rows), right)


def _row(row: Row) -> list[str]:
    """Return the cells of a row; the name of a reference is in italics."""
    cells = [text for cell in row.cells for text in [_cell(cell), *[""] * (cell.span - 1)]]
    return [f"*{cells[0]}*", *cells[1:]] if row.reference else cells


def _cell(cell: TextCell) -> str:
    """Return a cell on one line: its text, an interval as it is, other notes in parentheses."""
    intervals = [note for note in cell.notes if note.startswith("[")]
    others = [note for note in cell.notes if note not in intervals]
    parts = [words(cell.text), *map(escape, intervals)]
    if others:
        parts.append(f"({escape(', '.join(others))})")
    return " ".join(filter(None, parts))


def _pictures(block: Pictures) -> str:
    """Return pictures below their captions, or small ones in a line."""
    if block.small:
        return " ".join(image(shown.picture.file, shown.label, 160) for shown in block.pictures)
    tables = []
    for start in range(0, len(block.pictures), _PICTURES_A_LINE):
        line = block.pictures[start : start + _PICTURES_A_LINE]
        captions = [escape(", ".join(filter(None, [shown.name, shown.note]))) for shown in line]
        images = [image(shown.picture.file, shown.label, 240) for shown in line]
        tables.append(table(captions, [images], [False] * len(line)))
    return "\n\n".join(tables)
