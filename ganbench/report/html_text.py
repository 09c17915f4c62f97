# SPDX-License-Identifier: MIT
"""Words as HTML that shows a text as it is; pages need it, and summaries in Markdown."""

from __future__ import annotations

from markupsafe import Markup, escape

from ganbench.report.content_blocks import Span, Text, spans


def html_words(text: Text) -> Markup:
    """Return a text as HTML, with its styles, links and line breaks.

    >>> print(html_words(("a < b", Span("c", strong=True))))
    a &lt; b<b>c</b>
    """
    return Markup("").join(_span(span) for span in spans(text))


def _span(span: Span) -> Markup:
    html = Markup("<br>").join(escape(line) for line in span.text.split("\n"))
    if span.code:
        html = Markup("<code>{}</code>").format(html)
    if span.strong:
        html = Markup("<b>{}</b>").format(html)
    if span.mark:
        html = Markup('<span class="{}">{}</span>').format(span.mark, html)
    if span.link:
        html = Markup('<a href="{}">{}</a>').format(span.link, html)
    return html
