# SPDX-License-Identifier: MIT
"""What went wrong in a run, its best evaluation, and the events of many runs in a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ganbench.analysis.event_counts import event_counts
from ganbench.cli.output import MOST_TABLE_ROWS, add_rest_row, console, format_number
from ganbench.health.watch import event_sentence, event_title
from ganbench.records.json_values import as_mapping, as_number, as_text
from ganbench.records.measurement import Measurement
from ganbench.records.run_event import read_events

if TYPE_CHECKING:
    from rich.table import Table

    from ganbench.analysis.tables import MetricTable


def print_events(result: Mapping[str, Any]) -> None:
    """Print each event of a run's result in a sentence, and nothing for a healthy run."""
    screen = console()
    for event in read_events(as_mapping(result.get("health"))):
        style = "red" if event.severity == "failure" else "yellow"
        screen.print(event_sentence(event), style=style)


def print_best(result: Mapping[str, Any]) -> None:
    """Print the best evaluation of a run's result, if it has one before the last."""
    best = as_mapping(result.get("best"))
    kimg, metric = as_number(best.get("kimg")), as_text(best.get("metric"))
    if kimg is None or kimg == result.get("kimg"):
        return
    value = Measurement.read(as_mapping(best.get("metrics")).get(metric)).value
    console().print(
        f"Best by {metric}: {format_number(value)} at {kimg:.4g} kimg, measured on other samples "
        "than it was chosen by."
    )


def event_table(table: MetricTable) -> Table | None:
    """Return how many runs of each variant had which event; None where no run had any."""
    from rich.table import Table

    counts = event_counts(table.rows)
    if not counts:
        return None
    shown = Table(title=f"Health on {table.dataset}", title_justify="left", title_style="bold")
    shown.add_column("variant")
    shown.add_column("event")
    for heading in ("runs", "from, kimg", "to the end"):
        shown.add_column(heading, justify="right")
    for count in counts[:MOST_TABLE_ROWS]:
        shown.add_row(
            count.variant,
            event_title(count.event),
            f"{count.count} of {count.runs}",
            format_number(count.kimg),
            str(count.lasting),
        )
    add_rest_row(shown, len(counts))
    return shown
