# SPDX-License-Identifier: MIT
"""Markdown that shows texts as they are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ganbench.report.content_blocks import Span
from ganbench.report.markdown.markdown_text import details_block, escape, words


@given(st.text(max_size=40))
def test_escaped_markdown_is_one_line_without_live_signs(text: str) -> None:
    escaped = escape(text)
    assert len(escaped.splitlines()) <= 1
    bare = escaped.replace("\\\\", "").split("\\")
    for part in [bare[0], *(part[1:] for part in bare[1:])]:
        assert not set(part) & set("|<>`*_[]#")


def test_spans_keep_the_spaces_around_them() -> None:
    text = (
        "Made by ",
        Span(" ganbench run ", code=True),
        ":",
        Span(" it helps ", strong=True),
        ".",
    )
    assert words(text) == "Made by  `ganbench run` : **it helps** ."
    assert MarkdownIt().render(words(text)) == (
        "<p>Made by  <code>ganbench run</code> : <strong>it helps</strong> .</p>\n"
    )
    assert words((Span("", strong=True), "a")) == "a"


def test_a_summary_is_html_on_one_line() -> None:
    block = details_block(("a < b\n\n", Span("c\nd", code=True)), "content")
    assert block == (
        "<details><summary>a &lt; b<br><br><code>c<br>d</code></summary>\n\ncontent\n\n</details>"
    )
