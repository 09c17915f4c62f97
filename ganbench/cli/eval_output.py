# SPDX-License-Identifier: MIT
"""The output of ``ganbench eval``: measurements and their warnings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganbench.cli.options import command_line
from ganbench.cli.output import console, format_number, metrics_table, print_json
from ganbench.records.atomic_files import write_json


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


def _print_measurements(result: Mapping[str, Any]) -> None:
    """Print the table, and below it its warnings."""
    screen = console()
    fake, real = result["fake"], result["real"]
    if not result["metrics"]:
        screen.print("No metric suits these samples; name some with --metrics.")
        return
    title = f"{fake['name']} ({fake['count']:,}) against {real['name']}"
    title += f" ({real['count']:,})" if real["count"] else ""
    screen.print(metrics_table(result["metrics"], title))
    for samples in (fake, real):
        if samples["skipped"]:
            screen.print(_skipped_sentence(samples), soft_wrap=True)
    for name, record in result["metrics"].items():
        if record["warning"]:
            screen.print(f"[yellow]{name}[/yellow]: {record['warning']}.")
        if record.get("precision_deviation") is not None:
            deviation = format_number(record["precision_deviation"])
            screen.print(
                f"{name}: {result['compute']['precision']} moved it by {deviation} on the "
                "first 256 images.",
                style="dim",
            )


def _skipped_sentence(samples: Mapping[str, Any]) -> str:
    """Return how many files of a set were left out, and why the first one was."""
    count = len(samples["skipped"])
    first, reason = next(iter(samples["skipped"].items()))
    files = f"{count} files of {samples['name']} were"
    files = files if count > 1 else f"1 file of {samples['name']} was"
    return f"[yellow]{files} left out[/yellow], the first: {first}: {reason}"
