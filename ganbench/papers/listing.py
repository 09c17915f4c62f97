# SPDX-License-Identifier: MIT
"""Which papers a list shows: those of a kind, of tags, of years, and of a pattern."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatch

from ganbench.errors import ConfigError, UnknownNameError, suggest
from ganbench.papers.paper import PAPER_KINDS, Paper, known_papers

_YEARS = re.compile(r"(\d{4})?(-)?(\d{4})?")


def parse_years(text: str) -> range:
    """Read a year, or a range of years whose ends may be open.

    >>> parse_years("2014-2017"), parse_years("2020-"), parse_years("2016")
    (range(2014, 2018), range(2020, 10000), range(2016, 2017))

    Raises:
        ConfigError: The text is something else, or the range runs backwards.
    """
    match = _YEARS.fullmatch(text.strip())
    first, dash, last = match.groups() if match else (None, None, None)
    if not (first or last) or (first and last and not dash):
        raise ConfigError(
            f"'{text}' is not a year; a year or a range was expected.",
            "For example: --year 2014-2017, or --year 2020-",
        )
    low = int(first or 0)
    high = int(last or (9999 if dash else low))
    if high < low:
        raise ConfigError(f"The years {text} run backwards.", f"Write {high}-{low}.")
    return range(low, high + 1)


def list_of_papers(
    pattern: str = "*",
    *,
    tags: Sequence[str] = (),
    kind: str | None = None,
    years: str | None = None,
) -> list[Paper]:
    """Return the papers that fit all conditions, by year and key.

    Args:
        pattern: A glob that the key or the title must match, in any case.
        tags: Tags that all of them must have.
        kind: What they must be about, such as ``trick``.
        years: A year or a range of years, such as ``2020-``.

    Raises:
        ConfigError: The list has no such tag or kind, or ``years`` is something else.
    """
    known = known_papers().values()
    known_tags = sorted({tag for paper in known for tag in paper.tags})
    for tag in tags:
        _check_word("tag", tag, known_tags)
    if kind is not None:
        _check_word("kind", kind, PAPER_KINDS)
    span = range(10_000) if years is None else parse_years(years)
    return sorted(
        (
            paper
            for paper in known
            if set(tags) <= set(paper.tags)
            and kind in {None, paper.kind}
            and paper.year in span
            and any(fnmatch(text.lower(), pattern.lower()) for text in (paper.key, paper.title))
        ),
        key=lambda paper: (paper.year, paper.key),
    )


def _check_word(what: str, word: str, known: Sequence[str]) -> None:
    """Refuse a word that no paper of the list has."""
    if word not in known:
        raise UnknownNameError(
            f"No paper has the {what} '{word}'. {suggest(word, known)}".strip(),
            f"There are: {', '.join(known)}.",
        )
