# SPDX-License-Identifier: MIT
"""What commands print: results to stdout, progress and complaints to stderr."""

from __future__ import annotations

import json
import math
import os
import signal
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ganbench.runtime.process_group import launched

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

JSON_SCHEMA = 1
PATIENCE_SECONDS = 5.0
"""How long other processes than the first keep an error to themselves."""

ARROWS = {"higher": "↑", "lower": "↓"}


def console(*, stderr: bool = False) -> Console:
    """Return a console; outside a terminal it is wide enough not to break tables."""
    from rich.console import Console

    made = Console(stderr=stderr, highlight=False, soft_wrap=False)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made = Console(stderr=stderr, highlight=False, width=120)
    return made


def print_json(document: Mapping[str, Any]) -> None:
    """Print the one JSON document of a command."""
    from ganbench.records.atomic_files import finite

    text = json.dumps(finite({"schema": JSON_SCHEMA, **document}), indent=2, allow_nan=False)
    sys.stdout.write(text + "\n")


def print_error(kind: str, message: str, hint: str) -> None:
    """Print what went wrong: a sentence and what to type next, or JSON where that was asked for.

    Of several processes the first speaks, and torchrun ends the others once it has. What only
    another knows it says after a while.
    """
    place = launched()
    if not place.first:
        time.sleep(PATIENCE_SECONDS)
        complain(f"process {place.rank}: {message}", hint)
        return
    if place.size > 1:  # torchrun ends this one too where another failed first
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "--json" in sys.argv[1:]:
        print_json({"error": {"kind": kind, "message": message, "hint": hint}})
    else:
        complain(message, hint)


def complain(message: str, hint: str = "") -> None:
    """Print a sentence and what to type next to stderr."""
    from rich.text import Text

    screen = console(stderr=True)
    whole = not screen.is_terminal  # a log keeps a sentence, and a path in it, on one line
    screen.print(Text.assemble(("error: ", "bold red"), message), soft_wrap=whole)
    if hint:
        screen.print(Text.assemble(("hint: ", "bold cyan"), hint), soft_wrap=whole)


def format_number(value: float | None) -> str:
    """Return a number with four significant digits, or a dash where there is none.

    >>> [format_number(value) for value in (12.3456, 0.00012346, 2500.0, None)]
    ['12.35', '0.0001235', '2500', '–']
    """
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        digits = 3 if value == 0 else max(0, 3 - math.floor(math.log10(abs(value))))
        text = f"{value:.{digits}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.3e}"


def interval(low: float | None, high: float | None) -> str:
    """Return an interval as text, or a dash."""
    return "–" if low is None or high is None else f"{format_number(low)} – {format_number(high)}"


def metrics_table(metrics: Mapping[str, Mapping[str, Any]], title: str) -> Table:
    """Lay measurements out: an arrow for the better direction, the interval, n and the floor."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("metric")
    for name in ("value", "95 % interval", "real vs. real", "n"):
        table.add_column(name, justify="right")
    for name, one in metrics.items():
        table.add_row(
            f"{name} {ARROWS.get(one.get('better', ''), '')}",
            f"[bold]{format_number(one['value'])}[/bold]",
            interval(one.get("low"), one.get("high")),
            format_number(one.get("floor")),
            f"{one['n']:,}",
        )
    return table
