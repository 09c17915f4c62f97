# SPDX-License-Identifier: MIT
"""Text in Markdown: escaped, on one line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ganbench.report.markdown.markdown_text import escape


@given(st.text(max_size=40))
def test_escaped_markdown_is_one_line_without_live_signs(text: str) -> None:
    escaped = escape(text)
    assert len(escaped.splitlines()) <= 1
    bare = escaped.replace("\\\\", "").split("\\")
    for part in [bare[0], *(part[1:] for part in bare[1:])]:
        assert not set(part) & set("|<>`*_[]#")
