# SPDX-License-Identifier: MIT
"""``ganbench report --diff A B``: what changed between two reports, folders of runs or commits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from ganbench.cli.output import (
    MOST_TABLE_ROWS,
    add_rest_row,
    console,
    format_number,
    interval,
    print_json,
)
from ganbench.config import counted

if TYPE_CHECKING:
    from ganbench.analysis.changes import Changes, MeanChange, TextChange
    from ganbench.records.run_record import RunRecord


def show_difference(
    before: str,
    after: str,
    *,
    baseline: str | None,
    metric: str | None,
    surplus: Sequence[Path],
    as_json: bool,
) -> None:
    """Print what changed from one set of runs to another.

    Args:
        before: A folder, or ``COMMIT:FOLDER``.
        after: The same.
        baseline: The baseline of both.
        metric: The primary metric of both.
        surplus: Folders that were named in addition to the two, which are refused.
        as_json: Whether to print JSON.

    Raises:
        ConfigError: Other folders were named as well.
        InputError: A folder is not there, or holds no run.
    """
    from ganbench.analysis.changes import changes_between
    from ganbench.errors import ConfigError

    if surplus:
        raise ConfigError(
            f"--diff compares two folders and writes nothing; {surplus[0]} is one too many.",
            "ganbench report --diff A B",
        )
    found = changes_between(_runs(before), _runs(after), baseline=baseline, metric=metric)
    if as_json:
        print_json(found.record())
        return
    _print(found, before, after)


def _runs(name: str) -> list[RunRecord]:
    from ganbench.records.git_folders import folder_at
    from ganbench.records.load import load_runs

    with folder_at(name) as folder:
        return load_runs([folder], curves=False)


def _print(found: Changes, before: str, after: str) -> None:
    screen = console()
    if found.means:
        screen.print_table(_means_table(found.means), least=("seeds", "95 %"))
    for title, listed in (("Runs", found.outcomes), ("Verdicts", found.verdicts)):
        if listed:
            screen.print_table(_texts_table(title, listed))
    same = found.compared - sum(
        change.before is not None and change.after is not None for change in found.means
    )
    screen.print(
        f"{before}: {counted(found.before, 'run')}; {after}: {counted(found.after, 'run')}. "
        f"{same:,} of {found.compared:,} means that both have are equal to the last bit.",
        soft_wrap=True,
    )


def _means_table(means: Sequence[MeanChange]) -> Table:
    table = Table(title="Means")
    for head in ("dataset", "variant", "metric"):
        table.add_column(head, overflow="fold")
    for head in ("before", "after", "difference", "95 %", "seeds"):
        table.add_column(head, justify="right")
    for change in means[:MOST_TABLE_ROWS]:
        difference = change.paired.difference if change.paired else None
        table.add_row(
            change.dataset,
            change.variant,
            change.column.name,
            format_number(change.before.value if change.before else None),
            format_number(change.after.value if change.after else None),
            format_number(difference.value if difference else None),
            interval(difference.low, difference.high) if difference else "",
            f"{change.shared}" if change.paired else "–",
        )
    add_rest_row(table, len(means))
    return table


def _texts_table(title: str, texts: Sequence[TextChange]) -> Table:
    table = Table(title=title)
    for head in ("dataset", "variant", "about", "before", "after"):
        table.add_column(head, overflow="fold")
    for change in texts[:MOST_TABLE_ROWS]:
        table.add_row(
            change.dataset, change.variant, change.about, change.before or "–", change.after or "–"
        )
    add_rest_row(table, len(texts))
    return table
