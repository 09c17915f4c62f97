# SPDX-License-Identifier: MIT
"""The output of ``ganbench eval``: measurements and their warnings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from ganbench.cli.options import command_line
from ganbench.cli.output import (
    ARROWS,
    METRIC_COLUMNS_TO_LEAVE,
    console,
    format_number,
    metrics_table,
    print_json,
    print_unmeasured,
)
from ganbench.errors import DamagedRunError
from ganbench.records.atomic_files import read_json, write_json

if TYPE_CHECKING:
    from rich.table import Table


def write_and_print(result: Mapping[str, Any], out: Path | None, *, as_json: bool) -> None:
    """Write measurements as JSON if a file is given, and print the table or the JSON.

    Args:
        result: of ``ganbench.harness.evaluate``.
        out: the file.
        as_json: whether JSON is printed in place of a table.
    """
    document = {**result, "command": command_line()}
    if out is not None:
        write_json(out, {"schema": 1, **document})
    if as_json:
        print_json(document)
    else:
        _print_measurements(result)


def is_result(path: Path) -> bool:
    """Tell whether a file is JSON that ``write_and_print`` wrote."""
    try:
        return read_json(path).keys() >= {"schema", "fake", "real", "metrics"}
    except DamagedRunError:
        return False


def _print_measurements(result: Mapping[str, Any]) -> None:
    """Print the table, and below it its warnings."""
    screen = console()
    fake, real = result["fake"], result["real"]
    if not result["metrics"]:
        screen.print("No metric suits these samples; name some with --metrics.")
        return
    title = f"{fake['name']} ({fake['count']:,}) against {real['name']}"
    title += f" ({real['count']:,})" if real["count"] else ""
    screen.print_table(metrics_table(result["metrics"], title), least=METRIC_COLUMNS_TO_LEAVE)
    if classes := result.get("classes"):
        screen.print_table(_class_table(classes))
    print_unmeasured(result)
    for samples in (fake, real):
        if samples["skipped"]:
            screen.print(_skipped_sentence(samples), soft_wrap=True)
    for note in result.get("notes", ()):
        screen.print(note, soft_wrap=True)
    for name, record in result["metrics"].items():
        if record["warning"]:
            screen.print(Text.assemble((name, "yellow"), f": {record['warning']}."))
        if record.get("precision_deviation") is not None:
            deviation = format_number(record["precision_deviation"])
            screen.print(
                f"{name}: {result['compute']['precision']} moved it by {deviation} on the "
                f"first 256 images of {record['precision_checked_on']}.",
                style="dim",
            )


def _class_table(classes: Mapping[str, Mapping[str, Any]]) -> Table:
    """Return a table of the value of each metric, a row for each class."""
    from rich.table import Table

    table = Table(title="class by class", title_justify="left", title_style="bold")
    table.add_column("class")
    table.add_column("n", justify="right")
    columns = {name: record for metrics in classes.values() for name, record in metrics.items()}
    for name, record in columns.items():
        table.add_column(f"{name} {ARROWS.get(record.get('better', ''), '')}", justify="right")
    for label, metrics in classes.items():
        counts = [f"{record['n']:,}" for record in metrics.values()] or ["–"]
        values = [format_number(metrics.get(name, {}).get("value")) for name in columns]
        table.add_row(label, counts[0], *values)
    return table


def _skipped_sentence(samples: Mapping[str, Any]) -> Text:
    """Return how many files of a set were left out, and why the first one was."""
    count = len(samples["skipped"])
    first, reason = next(iter(samples["skipped"].items()))
    files = f"{count} files of {samples['name']} were"
    files = files if count > 1 else f"1 file of {samples['name']} was"
    return Text.assemble((f"{files} left out", "yellow"), f", the first: {first}: {reason}")
