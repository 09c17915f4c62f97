# SPDX-License-Identifier: MIT
"""The output of ``ganbench eval --self-check``: the response of each metric to each damage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from ganbench.cli.options import command_line
from ganbench.cli.output import console, print_json
from ganbench.report.self_check_page import (
    cell,
    findings,
    network_names,
    short_names,
    write_self_check,
)


def write_and_print_check(result: Mapping[str, Any], out: Path | None, *, as_json: bool) -> None:
    """Write the page of a self-check if a folder is given, and print the table or the JSON.

    Args:
        result: of ``ganbench.harness.self_check``.
        out: the folder.
        as_json: whether JSON is printed in place of a table.
    """
    result = {**result, "command": command_line()}
    page = write_self_check(result, out) if out is not None else None
    if as_json:
        print_json(result)
        return
    screen = console()
    screen.print_table(_responses_table(result))
    screen.print("✗ worse (noticed)  ▲ better (misled)  · unmoved", style="dim")
    for sentence in findings(result):
        screen.print(sentence.replace("**", ""))
    if page is not None:
        screen.print(f"Written: {page}", soft_wrap=True)


def _responses_table(result: Mapping[str, Any]) -> Table:
    """Return the response of each metric to each damage, as a table."""
    images = f"{result['samples']:,} damaged test images of {result['dataset']}"
    table = Table(
        title=f"{images} against {result['real']:,} training images. {network_names(result)}",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    table.add_column("damage")
    table.add_column("amount", no_wrap=True)
    headings = short_names(result)
    for heading in headings.values():
        table.add_column(heading, justify="right")
    for index, row in enumerate(result["rows"]):
        cells = [cell(row["metrics"][name], mark=index > 0) for name in headings]
        table.add_row(row["damage"], row["amount"], *cells)
    return table
