# SPDX-License-Identifier: MIT
"""``ganbench ls``: models, tricks, metrics, networks, datasets, losses, suites, pretrained."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ganbench.cli import options
from ganbench.cli.output import complain, console, print_json

EXAMPLES = """\
Examples:

ganbench ls

ganbench ls models "*gan*"

ganbench ls tricks --json

ganbench ls pretrained
"""

_KINDS = ("models", "tricks", "metrics", "networks", "datasets", "losses", "suites", "pretrained")


def command(
    kind: Annotated[str, typer.Argument(help=f"{', '.join(_KINDS)}, or all.")] = "all",
    pattern: Annotated[str, typer.Argument(help="Only names that match this glob.")] = "*",
    as_json: options.JsonFlag = False,
) -> None:
    """List what there is, a line each."""
    from ganbench.errors import UnknownNameError, suggest

    if kind not in (*_KINDS, "all"):
        raise UnknownNameError(
            f"There is no list of '{kind}'. {suggest(kind, _KINDS)}".strip(),
            f"There are: {', '.join(_KINDS)}.",
        )
    kinds = _KINDS if kind == "all" else (kind,)
    listings = {name: _rows(name, pattern) for name in kinds}
    if as_json:
        print_json(listings)
        return
    from rich.table import Table

    screen = console()
    for name, rows in listings.items():
        table = Table(
            title=name, title_justify="left", title_style="bold", box=None, pad_edge=False
        )
        table.add_column("name", style="bold", no_wrap=True)
        table.add_column("summary")
        table.add_column("paper", style="dim", overflow="fold")
        for row in rows:
            table.add_row(row["name"], row["summary"], _identifier(row["paper"]))
        screen.print_table(table)
        if name != kinds[-1]:
            screen.print()


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
        {"name": name, "summary": entries[name].summary, "paper": entries[name].paper}
        for name in catalogue.names(pattern)
    ]


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
