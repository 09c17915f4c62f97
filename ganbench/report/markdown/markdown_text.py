# SPDX-License-Identifier: MIT
"""Markdown that shows a text as it is: escaping, tables, folded parts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$!])")


def escape(text: str) -> str:
    r"""Return a text that Markdown shows as it is, on one line.

    >>> escape("a|b <i> *c*")
    'a\\|b \\<i\\> \\*c\\*'
    """
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """Return a text as inline code, on one line; backticks in it become apostrophes."""
    return "`" + " ".join(text.split()).replace("`", "'") + "`"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[bool]) -> str:
    """Return a Markdown table of cells that are escaped already."""
    rule = ["---:" if is_right else "---" for is_right in right]
    lines = [head, rule, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def details_block(summary: str, content: str) -> str:
    """Return a part that is opened by its summary."""
    return f"<details><summary>{summary}</summary>\n\n{content}\n\n</details>"


def bullets(lines: Iterable[str]) -> str:
    """Return a list of lines that are escaped already."""
    return "\n".join(f"- {line}" for line in lines)


def image(file: str, alternative: str, width: int) -> str:
    """Return a picture of a given width, which Markdown itself has no way to say."""
    plain = re.sub(r"[^\w .,+=()-]", " ", alternative)
    return f'<img src="{file}" width="{width}" alt="{plain}">'
