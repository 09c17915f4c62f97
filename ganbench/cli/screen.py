# SPDX-License-Identifier: MIT
"""The screen that commands print on: texts are shown as they are, tables lose columns, no letters.

A file, a run or a model may be called ``[red]`` or hold an escape sequence. So nothing is read as
markup, and a character that would steer a terminal is printed as its escape: styles are given
by ``rich.text.Text`` and by ``style=``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Column, Table
from rich.text import Text

from ganbench.cli.results import result_stream

_PIPE_WIDTH = 120
"""Width outside a terminal, for texts; tables are as wide as they need to be."""

_FIRST_WIDTH = 14
"""Width below which even the first column of a table breaks no words."""

_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters, those that turn the direction of writing, and bytes that are no UTF-8."""


def visible(text: str) -> str:
    r"""Return a text in which characters that would steer a terminal are written as escapes.

    >>> visible("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class Screen(Console):
    """A console for results on stdout, or for progress and errors on stderr."""

    def __init__(self, *, stderr: bool) -> None:
        super().__init__(
            file=None if stderr else result_stream(),
            stderr=stderr,
            highlight=False,
            markup=False,
            emoji=False,
        )
        self._in_pipe = not self.is_terminal and "COLUMNS" not in os.environ
        if self._in_pipe:
            self.width = _PIPE_WIDTH

    def render_str(self, text: str, **settings: Any) -> Text:
        """Return a text without markup, in which no character steers the terminal."""
        return super().render_str(visible(text), **settings)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield the segments of anything, also of texts that are no ``str``, in the same way."""
        for segment in super().render(renderable, options):
            if segment.control or not _STEERING.search(segment.text):
                yield segment
            else:
                yield Segment(visible(segment.text), segment.style)

    def on_broken_pipe(self) -> None:
        """Let whoever started the command hear that its reader has gone."""
        raise BrokenPipeError

    def print_table(
        self, table: Table, *, least: Sequence[str] = (), whole_names: bool = False
    ) -> None:
        """Print a table without the columns for which there is no room, and name these.

        Args:
            table: The table; its first column always stays.
            least: Headings of the columns that matter least, those that go first; then the
                others go, from the last.
            whole_names: Whether the first column is not broken where the screen has room for it,
                because its words are typed again.
        """
        longest = max((cell_len(str(cell)) for cell in table.columns[0].cells), default=0)
        whole_names = whole_names and longest < self.width
        for index, column in enumerate(table.columns):
            column.overflow = "fold"  # not an ellipsis
            column.no_wrap = whole_names if index == 0 else column.justify == "right"
            if column.no_wrap:  # a number stays whole
                column.min_width = max(map(cell_len, _lines(column)), default=0)
        if self._in_pipe:
            self.width = max(_PIPE_WIDTH, self._measured(table).maximum)
            self.print(table)
            self.width = _PIPE_WIDTH
            return
        breakable = 0 if whole_names else max(0, _longest_word(table.columns[0]) - _FIRST_WIDTH)
        if self._least_width(table) - breakable > self.width:
            table.show_edge = table.pad_edge = False
        left_out = []
        while len(table.columns) > 1 and self._least_width(table) - breakable > self.width:
            headings = [str(column.header) for column in table.columns]
            index = next((headings.index(name) for name in least if name in headings[1:]), -1)
            del table.columns[index]
            table.columns[:] = [
                replace(column, _index=index) for index, column in enumerate(table.columns)
            ]
            left_out.append(" ".join(headings[index].split()))
        self.print(table)
        if left_out:
            names = ", ".join(filter(None, left_out))
            self.print(f"No room for: {names}. See --json.", style="dim")

    def _least_width(self, table: Table) -> int:
        """Return the width that a table needs if no word is broken."""
        return self._measured(table).minimum

    def _measured(self, table: Table) -> Measurement:
        return Measurement.get(self, self.options.update(max_width=10_000), table)


def _longest_word(column: Column) -> int:
    """Return the width of the longest word in the cells of a column."""
    return max((cell_len(word) for cell in column.cells for word in str(cell).split()), default=0)


def _lines(column: Column) -> list[str]:
    """Return all lines in the cells of a column, its heading included."""
    return [line for cell in (column.header, *column.cells) for line in str(cell).splitlines()]
