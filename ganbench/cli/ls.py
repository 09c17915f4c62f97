# SPDX-License-Identifier: MIT
"""``ganbench ls``: what models, backbones, tricks, metrics, datasets and so on there are."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ganbench.cli import options
from ganbench.cli.options import WHAT
from ganbench.cli.output import complain, console, print_json
from ganbench.cli.trick_groups import OTHER, TRICK_GROUPS, trick_group

EXAMPLES = """\
Examples:

ganbench ls

ganbench ls models "*gan*"

ganbench ls tricks --json

ganbench ls pretrained

ganbench ls papers --tag anomaly --year 2018-
"""

_KINDS = (
    "models",
    "backbones",
    "tricks",
    "losses",
    "metrics",
    "networks",
    "loggers",
    "datasets",
    "suites",
    "pretrained",
)


def command(
    kind: Annotated[
        str, typer.Argument(help=f"{', '.join(_KINDS)}, papers, or all (but papers).")
    ] = "all",
    pattern: Annotated[str, typer.Argument(help="Only names that match this glob.")] = "*",
    tags: Annotated[
        list[str] | None,
        typer.Option(
            "--tag",
            help="Only papers with this tag, such as anomaly (repeatable: with all of them).",
            metavar="TAG",
            rich_help_panel=WHAT,
        ),
    ] = None,
    years: Annotated[
        str | None,
        typer.Option(
            "--year",
            help="Only papers of these years: 2016, 2014-2017 or 2020-.",
            metavar="YEARS",
            rich_help_panel=WHAT,
        ),
    ] = None,
    paper_kind: Annotated[
        str | None,
        typer.Option(
            "--kind",
            help="Only papers of this kind, such as trick or survey.",
            metavar="KIND",
            rich_help_panel=WHAT,
        ),
    ] = None,
    as_json: options.JsonFlag = False,
) -> None:
    """List what there is, a line each."""
    from ganbench.errors import ConfigError, UnknownNameError, suggest

    if kind not in (*_KINDS, "papers", "all"):
        raise UnknownNameError(
            f"There is no list of '{kind}'. {suggest(kind, (*_KINDS, 'papers'))}".strip(),
            f"There are: {', '.join(_KINDS)}, papers.",
        )
    if kind == "papers":
        from ganbench.cli.paper_output import print_papers
        from ganbench.papers.listing import list_of_papers

        papers = list_of_papers(pattern, tags=tags or (), kind=paper_kind, years=years)
        print_papers(papers, as_json=as_json)
        return
    if tags or years is not None or paper_kind is not None:
        raise ConfigError(
            "--tag, --year and --kind select papers.", "For example: ganbench ls papers --tag video"
        )
    kinds = _KINDS if kind == "all" else (kind,)
    listings = {name: _rows(name, pattern) for name in kinds}
    if as_json:
        print_json(listings)
        return
    from rich.table import Table

    screen = console()
    titled = [
        (title, part) for name, rows in listings.items() for title, part in _parts(name, rows)
    ]
    for title, rows in titled:
        table = Table(
            title=title, title_justify="left", title_style="bold", box=None, pad_edge=False
        )
        table.add_column("name", style="bold", no_wrap=True)
        table.add_column("summary")
        table.add_column("paper", style="dim", overflow="fold")
        for row in rows:
            table.add_row(row["name"], row["summary"], _identifier(row["paper"]))
        screen.print_table(table)
        if title != titled[-1][0]:
            screen.print()
    if kind == "all":
        screen.print("\npapers: ganbench ls papers")


def _rows(kind: str, pattern: str) -> list[dict[str, Any]]:
    """Return name, summary and paper of every entry of a kind."""
    from ganbench import registry

    if kind == "suites":
        return _suites(pattern)
    if kind == "pretrained":
        return _pretrained(pattern)
    catalogue = registry.KINDS[kind]
    entries = catalogue.entries()
    for problem in catalogue.problems:
        complain(problem)
    return [
        {
            "name": name,
            "summary": entries[name].summary,
            "paper": entries[name].paper,
            **({"acts_on": trick_group(entries[name].methods)} if kind == "tricks" else {}),
        }
        for name in catalogue.names(pattern)
    ]


def _parts(kind: str, rows: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return what is listed of a kind with its titles: tricks by what they act on."""
    if kind != "tricks":
        return [(kind, rows)]
    groups = {
        group: [row for row in rows if row["acts_on"] == group] for group in (*TRICK_GROUPS, OTHER)
    }
    return [(f"tricks on {group}", part) for group, part in groups.items() if part]


def _suites(pattern: str) -> list[dict[str, Any]]:
    """Read the titles of the suites that come along."""
    from fnmatch import fnmatch

    from ganbench.harness.builtin_suites import builtin_suites, title

    return [
        {"name": name, "summary": title(path), "paper": ""}
        for name, path in builtin_suites().items()
        if fnmatch(name, pattern)
    ]


def _pretrained(pattern: str) -> list[dict[str, Any]]:
    """Return the bundled generators, with their size, their metric, and their licenses."""
    from fnmatch import fnmatch

    from ganbench.records.bundled_generators import data_terms, pretrained_generators

    terms = data_terms()
    return [
        {
            "name": name,
            "summary": f"{entry.summary} {entry.size_bytes / 1e6:.1f} MB, {entry.metric_text}, "
            f"{entry.license}; data: {terms[entry.dataset].license}.",
            "paper": "",
            "size_bytes": entry.size_bytes,
            "metric": entry.metric,
            "value": entry.value,
            "license": entry.license,
            "data_license": terms[entry.dataset].license,
        }
        for name, entry in pretrained_generators().items()
        if fnmatch(name, pattern)
    ]


def _identifier(paper: str) -> str:
    """Return the arXiv identifier of a citation, or all of it."""
    return paper[paper.index("arXiv:") :].split(",")[0] if "arXiv:" in paper else paper
