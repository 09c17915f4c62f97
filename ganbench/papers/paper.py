# SPDX-License-Identifier: MIT
"""A paper as a record, and the list of papers that is bundled with the zoo."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, model_validator

from ganbench.config import Record, validate
from ganbench.errors import ConfigError, UnknownNameError, suggest
from ganbench.typed_values import read_toml

PaperKind = Literal[
    "variant",
    "trick",
    "loss",
    "metric",
    "network",
    "dataset",
    "theory",
    "survey",
    "application",
]
"""What a paper is mainly about."""

PAPER_KINDS: tuple[str, ...] = get_args(PaperKind)
OTHERS = "others"
"""Stands at the end of a list of authors that is not complete."""

_Word = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
_ENTRY = r"^(model|trick|loss|dataset|metric|network|backbone|optimizer):[a-z0-9]+(-[a-z0-9]+)*$"
_IDENTIFIER = re.compile(r"(arXiv|doi):\s*([^\s,;)]+)", re.IGNORECASE)


class Paper(Record):
    """A paper: its facts, and what it is to a reader of the list."""

    key: Annotated[str, Field(pattern=r"^[a-z]+\d{4}[a-z0-9]+$")]
    """The key of its BibTeX entry: author, year, word of the title."""
    title: Annotated[str, Field(min_length=3)]
    authors: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names as ``Family, Given``; the last one is ``others`` where the list is not complete."""
    year: Annotated[int, Field(ge=1950, le=2100)]
    """The year of ``venue``, or of the preprint."""
    venue: str = ""
    """The conference, by its short name, or the journal; empty for a preprint or a report."""
    arxiv: Annotated[str, Field(pattern=r"^(\d{4}\.\d{4,5})?$")] = ""
    doi: Annotated[str, Field(pattern=r"^(10\.\d{4,}/\S+)?$")] = ""
    url: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""
    """Where it can be read, if it has neither arXiv identifier nor DOI."""
    code: Annotated[str, Field(pattern=r"^(https://\S+)?$")] = ""
    """The authors' code."""
    license: str = ""
    """The license of that code, as its repository states it; empty where none was found."""
    kind: PaperKind
    tags: Annotated[tuple[_Word, ...], Field(min_length=1)]
    builds_on: tuple[str, ...] = ()
    """Keys of other papers of the list."""
    summary: Annotated[str, Field(pattern=r"^\S.*\.$")]
    ganbench: tuple[Annotated[str, Field(pattern=_ENTRY)], ...] = ()
    """Entries that take something from this paper, and whose docstrings name another or none."""

    @model_validator(mode="after")
    def _identified(self) -> Paper:
        """Refuse a paper that nobody could find, and a license of nothing."""
        if not (self.arxiv or self.doi or self.url):
            raise ValueError(f"{self.key} has neither arXiv identifier nor DOI nor address")
        if self.license and not self.code:
            raise ValueError(f"{self.key} has a license but no code")
        return self

    @property
    def address(self) -> str:
        """Where it can be read."""
        if self.arxiv:
            return f"https://arxiv.org/abs/{self.arxiv}"
        return f"https://doi.org/{self.doi}" if self.doi else self.url

    @property
    def identifier(self) -> str:
        """Its shortest name that finds it anywhere, such as ``arXiv:1406.2661``."""
        if self.arxiv:
            return f"arXiv:{self.arxiv}"
        return f"doi:{self.doi}" if self.doi else self.url

    @property
    def published(self) -> str:
        """The venue and the year."""
        return f"{self.venue} {self.year}" if self.venue else f"{self.year}"


def read_papers(document: Mapping[str, Any]) -> dict[str, Paper]:
    """Read the papers of a TOML document with ``[[paper]]`` tables, by key in alphabetical order.

    Raises:
        ConfigError: A record is wrong, two have the same key or identifier, or one builds on a
            paper that is not there.
    """
    rows = document.get("paper", [])
    if not isinstance(rows, list) or set(document) - {"paper"}:
        raise ConfigError("A document of [[paper]] tables was expected for papers.")
    papers: dict[str, Paper] = {}
    identifiers: dict[str, str] = {}
    for index, row in enumerate(rows, 1):
        paper = validate(Paper, row, f"paper {index}: ")
        other = identifiers.setdefault(paper.identifier.lower(), paper.key)
        if paper.key in papers or other != paper.key:
            raise ConfigError(f"Paper {index}, {paper.key}, is in the list twice.")
        papers[paper.key] = paper
    for paper in papers.values():
        if missing := sorted(set(paper.builds_on) - set(papers)):
            raise ConfigError(f"{paper.key} builds on {missing[0]}, which is not in the list.")
    return dict(sorted(papers.items()))


@functools.cache
def known_papers() -> Mapping[str, Paper]:
    """Return the papers that are bundled with the zoo, by key in alphabetical order."""
    zoo = find_spec("ganbench.zoo")
    assert zoo is not None
    assert zoo.origin is not None
    return read_papers(read_toml(Path(zoo.origin).parent / "papers.toml"))


def papers_named(citation: str) -> list[Paper]:
    """Return the papers whose arXiv identifier or DOI a citation names.

    >>> [paper.key for paper in papers_named("Goodfellow et al., 2014, arXiv:1406.2661")]
    ['goodfellow2014generative']
    """
    named = (f"{scheme}:{value}".lower() for scheme, value in _IDENTIFIER.findall(citation))
    by_identifier = _papers_by_identifier()
    return [by_identifier[name] for name in dict.fromkeys(named) if name in by_identifier]


@functools.cache
def _papers_by_identifier() -> Mapping[str, Paper]:
    """Return the papers by arXiv identifier and by DOI, both with their scheme, in lower case."""
    papers = known_papers().values()
    by_arxiv = {f"arxiv:{paper.arxiv}": paper for paper in papers if paper.arxiv}
    return by_arxiv | {f"doi:{paper.doi.lower()}": paper for paper in papers if paper.doi}


def find_paper(name: str) -> Paper | None:
    """Return the paper of a key, or of an arXiv identifier or DOI; None if there is none."""
    known = known_papers()
    if name.lower() in known:
        return known[name.lower()]
    scheme = "" if ":" in name else "arXiv:" if re.match(r"\d{4}\.", name) else "doi:"
    return next(iter(papers_named(f"{scheme}{name}")), None)


def paper_called(name: str) -> Paper:
    """Return the paper of a key, or of an arXiv identifier or DOI.

    Raises:
        UnknownNameError: The list has no such paper.
    """
    if paper := find_paper(name):
        return paper
    raise UnknownNameError(
        f"There is no paper '{name}'. {suggest(name, known_papers())}".strip(),
        "See ganbench ls papers.",
    )
