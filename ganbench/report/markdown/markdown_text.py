# SPDX-License-Identifier: MIT
"""Markdown that shows a text as it is: escaped words, code, tables, pictures, folded parts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ganbench.report.content_blocks import Span, Text, spans
from ganbench.report.html_text import html_words

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$!]|&(?=#?\w+;))")


def escape(text: str) -> str:
    r"""Return a text that Markdown shows as it is, on one line.

    >>> escape("a|b <i> *c*")
    'a\\|b \\<i\\> \\*c\\*'
    >>> escape("a&lt;b & c")
    'a\\&lt;b & c'
    """
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """Return a text as inline code, on one line; backticks in it become apostrophes."""
    return "`" + " ".join(text.split()).replace("`", "'") + "`"


def words(text: Text) -> str:
    """Return a text on one line, with its styles and links.

    >>> words(("It ", Span("helps", strong=True), ", see ", Span("this", link="a.md")))
    'It **helps**, see [this](a.md)'
    """
    return "".join(_span(span) for span in spans(text)).strip()


def _span(span: Span) -> str:
    # Markdown takes no space between a sign of style and the words; it stands outside.
    before, after = (" " if text[:1].isspace() else "" for text in (span.text, span.text[::-1]))
    text = code(span.text) if span.code else escape(span.text)
    if not text:
        return before
    if span.strong:
        text = f"**{text}**"
    if span.link:
        text = f"[{text}]({span.link})"
    return f"{before}{text}{after}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[bool]) -> str:
    """Return a Markdown table of cells that are escaped already.

    Args:
        head: The heads of the columns.
        rows: The cells, row by row.
        right: Whether each column is aligned to the right.
    """
    rule = ["---:" if is_right else "---" for is_right in right]
    lines = [head, rule, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def details_block(summary: Text, content: str) -> str:
    """Return a part that opens with a click on its summary."""
    # A blank line in the summary would end the HTML.
    line = " ".join(str(html_words(summary)).split())
    return f"<details><summary>{line}</summary>\n\n{content}\n\n</details>"


def image(file: str, alternative: str, width: int) -> str:
    """Return a picture of a given width in pixels, which Markdown itself cannot express."""
    plain = re.sub(r"[^\w .,+=()-]", " ", alternative)
    return f'<img src="{file}" width="{width}" alt="{plain}">'
