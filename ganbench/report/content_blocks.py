# SPDX-License-Identifier: MIT
"""What a report is built of: plain blocks that say everything once.

One renderer makes HTML of them (``page``), another Markdown (``markdown``). A block holds content
and what it is, such as a caption or the best value of a column. How that looks is for the
renderers to decide.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ganbench.analysis import number_text
from ganbench.analysis.number_text import NOTHING
from ganbench.report.charts.panels import Panel
from ganbench.report.charts.style import Style
from ganbench.report.pictures import Picture
from ganbench.report.strip import Strip


@dataclass(frozen=True)
class Span:
    """A few words in one style; ``mark`` is the class that styles them on the page."""

    text: str
    mark: str = ""
    strong: bool = False
    code: bool = False
    link: str = ""


Text = str | tuple[str | Span, ...]
"""Words on one line. A line break is kept on the page only."""


def spans(text: Text) -> tuple[Span, ...]:
    """Return a text as spans.

    >>> spans(("a", Span("b", strong=True)))[0]
    Span(text='a', mark='', strong=False, code=False, link='')
    """
    parts = (text,) if isinstance(text, str) else text
    return tuple(Span(part) if isinstance(part, str) else part for part in parts)


@dataclass(frozen=True)
class Heading:
    """The heading of a part of a chapter."""

    text: Text
    level: Literal[3, 4] = 3


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of the running text, a caption, or a warning."""

    text: Text
    role: Literal["caption", "warning"] = "caption"


@dataclass(frozen=True)
class Item:
    """An item of a list."""

    text: Text
    mark: str = ""


@dataclass(frozen=True)
class Bullets:
    """A list: short facts, sentences of their own, or the numbered notes of a table."""

    items: tuple[Item, ...]
    role: Literal["facts", "findings", "sentences", "notes"] = "facts"


@dataclass(frozen=True)
class Definitions:
    """Terms, each with what it stands for; ``compact`` ones are listed side by side."""

    pairs: tuple[tuple[str, str], ...]
    compact: bool = False


@dataclass(frozen=True)
class TextCell:
    """A cell of a table: its figure or words, and notes in small print.

    ``mark`` is its class on the page, ``style`` the look of a dot before it. It may ``span``
    several columns. ``value`` is the exact number behind the text, by which the page sorts.
    """

    text: Text = NOTHING
    notes: tuple[str, ...] = ()
    mark: str = ""
    style: Style | None = None
    span: int = 1
    value: float | None = None


@dataclass(frozen=True)
class Column:
    """A column: its head, whether it holds numbers, and the group to which it belongs."""

    head: str
    number: bool = True
    group: str = ""


@dataclass(frozen=True)
class Row:
    """A row of a table; its first cell names it. A ``reference`` row was not measured here.

    ``command`` is the command that made it, which the page offers to copy. ``variant`` is the name
    by which the page filters it.
    """

    cells: tuple[TextCell, ...]
    reference: bool = False
    command: str = ""
    variant: str = ""

    def placed(self, columns: Sequence[Column]) -> Iterator[tuple[TextCell, Column]]:
        """Yield each cell with the column in which it begins."""
        begin = 0
        for cell in self.cells:
            yield cell, columns[begin]
            begin += cell.span


@dataclass(frozen=True)
class Table:
    """A table, with a label for those who do not see it."""

    label: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    mark: str = ""

    @property
    def groups(self) -> list[tuple[str, list[Column]]]:
        """The groups of neighboring columns, each with its name."""
        return [
            (group, list(columns))
            for group, columns in itertools.groupby(self.columns, key=lambda column: column.group)
        ]


PanelLayout = Literal["two", "three", "small"]


@dataclass(frozen=True)
class Charts:
    """Charts side by side: interactive on the page, one still picture in Markdown.

    ``name`` is the name of the picture's file and begins the names of the charts, ``label`` says
    what they show, ``width`` is the width of each in the picture in pixels. The picture holds the
    first ``most_still`` panels, and there is none where that is zero.
    """

    name: str
    label: str
    panels: tuple[Panel, ...]
    layout: PanelLayout
    width: int
    legend: tuple[tuple[str, Style], ...] = ()
    most_still: int | None = None

    @property
    def still_panels(self) -> tuple[Panel, ...]:
        """The panels that the still picture holds."""
        return self.panels[: self.most_still]


@dataclass(frozen=True)
class CaptionedPicture:
    """A picture with its caption: a name and a note; ``style`` is the look of a dot before it."""

    picture: Picture
    label: str
    name: str = ""
    note: str = ""
    style: Style | None = None


@dataclass(frozen=True)
class Pictures:
    """Pictures side by side."""

    pictures: tuple[CaptionedPicture, ...]
    small: bool = False
    wide: bool = False


@dataclass(frozen=True)
class CaptionedStrip:
    """A strip of frames with its caption, as a picture has one."""

    strip: Strip
    label: str
    name: str = ""
    note: str = ""
    style: Style | None = None

    @property
    def times(self) -> str:
        """When the frames were drawn, in thousands of images."""
        return ", ".join(map(number_text.amount, self.strip.kimg))


@dataclass(frozen=True)
class Strips:
    """Strips one below the other, which the page's script plays together."""

    strips: tuple[CaptionedStrip, ...]


@dataclass(frozen=True)
class PageOnly:
    """A part that the page shows and Markdown leaves out: its pictures are in no files."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Details:
    """A part that is folded until its summary is clicked."""

    summary: Text
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Chapter:
    """A part with a title; chapters with an ``anchor`` are listed at the top of the page."""

    title: str
    blocks: tuple[Block, ...]
    anchor: str = ""


Block = (
    Heading
    | Paragraph
    | Bullets
    | Definitions
    | Table
    | Charts
    | Pictures
    | Strips
    | Details
    | PageOnly
    | Chapter
)


def all_charts(blocks: Iterable[Block]) -> Iterator[Charts]:
    """Yield the charts among blocks and inside them, in their order."""
    for block in blocks:
        if isinstance(block, Charts):
            yield block
        elif isinstance(block, Details | PageOnly | Chapter):
            yield from all_charts(block.blocks)
