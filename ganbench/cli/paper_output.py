# SPDX-License-Identifier: MIT
"""How papers are shown: a table of many, a card of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganbench.cli.output import console, print_json
from ganbench.papers.credits import entries_by_paper
from ganbench.papers.paper import OTHERS, Paper, known_papers


def print_papers(papers: Sequence[Paper], *, as_json: bool) -> None:
    """Print papers, a line each, with what ganbench has of them."""
    entries = entries_by_paper()
    if as_json:
        print_json({"papers": [_facts(paper, entries[paper.key]) for paper in papers]})
        return
    from rich.table import Table

    table = Table(
        title="papers", title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    table.add_column("key", style="bold", no_wrap=True)
    table.add_column("title")
    table.add_column("year")
    table.add_column("kind")
    table.add_column("tags", style="dim")
    table.add_column("here", overflow="fold")
    for paper in papers:
        tags, here = ", ".join(paper.tags), ", ".join(entries[paper.key])
        table.add_row(paper.key, paper.title, str(paper.year), paper.kind, tags, here)
    console().print_table(table, least=("tags", "kind"), whole_names=True)


def print_paper(paper: Paper, *, as_json: bool) -> None:
    """Print all that is known of one paper."""
    entries = entries_by_paper()[paper.key]
    further = [other.key for other in known_papers().values() if paper.key in other.builds_on]
    if as_json:
        print_json({"kind": "paper", "paper": _facts(paper, entries), "further": further})
        return
    from rich.text import Text

    screen = console()
    screen.print(Text.assemble((paper.title, "bold"), f" ({paper.kind})"), soft_wrap=True)
    screen.print(display_authors(paper))
    screen.print(f"{paper.published}, {paper.address}", soft_wrap=True)
    screen.print()
    screen.print(paper.summary)
    screen.print()
    code = f"{paper.code} ({paper.license or 'no license found'})" if paper.code else ""
    rows = {
        "key": paper.key,
        "tags": ", ".join(paper.tags),
        "code": code,
        "builds on": ", ".join(paper.builds_on),
        "built on by": ", ".join(further),
        "here": ", ".join(entries),
    }
    for name, text in rows.items():
        if text:
            screen.print(f"{name}: {text}", soft_wrap=True)


def display_authors(paper: Paper) -> str:
    """Return the authors in the order of reading: ``Ian Goodfellow, Jean Pouget-Abadie``."""
    names = []
    for author in paper.authors:
        family, _, given = author.partition(", ")
        names.append("et al." if author == OTHERS else f"{given} {family}".strip())
    return ", ".join(names)


def _facts(paper: Paper, entries: list[str]) -> dict[str, Any]:
    """Return a paper as plain data, with all that ganbench has of it."""
    return {**paper.model_dump(mode="json"), "address": paper.address, "ganbench": entries}
