# SPDX-License-Identifier: MIT
"""The output of commands: results on stdout, progress and errors on stderr, and their numbers."""

from __future__ import annotations

import math
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ganbench.cli.results import result_stream
from ganbench.records.json_values import as_mapping, as_text
from ganbench.records.measurement import floor_sentences
from ganbench.runtime.process_group import launched

if TYPE_CHECKING:
    from rich.table import Table

    from ganbench.cli.screen import Screen

JSON_SCHEMA = 1
PATIENCE_SECONDS = 5.0
"""How long processes other than the first keep an error to themselves."""

ARROWS = {"higher": "↑", "lower": "↓"}
"""The sign of a metric's better direction."""

MOST_LINE_CHARACTERS = 600
"""The longest line of an error; a longer one quotes what was typed, and loses its middle."""

MOST_TABLE_ROWS = 60
"""The most rows that a table shows; ``ganbench report`` shows longer tables."""


def console(*, stderr: bool = False) -> Screen:
    """Return a screen for results, or for progress and errors; see ``Screen``."""
    from ganbench.cli.screen import Screen

    return Screen(stderr=stderr)


def print_json(document: Mapping[str, Any]) -> None:
    """Print the one JSON document of a command."""
    from ganbench.records.json_values import json_text

    result_stream().write(json_text({"schema": JSON_SCHEMA, **document}, indent=2) + "\n")


def print_error(kind: str, message: str, hint: str) -> None:
    """Print an error and a hint, as JSON if --json was typed.

    Of several processes the first speaks, and torchrun ends the others once it has. An error
    that only another process knows is printed after a while.

    Args:
        kind: the error's kind in the JSON, such as ``config``.
        message: one sentence.
        hint: the next thing to type; may be empty.
    """
    process = launched()
    if not process.first:
        time.sleep(PATIENCE_SECONDS)
        complain(f"process {process.rank}: {message}", hint)
        return
    message, hint = shortened(message), shortened(hint)
    if process.size > 1:  # torchrun also ends this process if another failed first
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "--json" in sys.argv[1:]:
        print_json({"error": {"kind": kind, "message": message, "hint": hint}})
    else:
        complain(message, hint)


def complain(message: str, hint: str = "") -> None:
    """Print an error and a hint to stderr."""
    from rich.text import Text

    from ganbench.cli.screen import visible

    message, hint = visible(message), visible(hint)
    screen = console(stderr=True)
    whole = not screen.is_terminal  # a log keeps a sentence, and a path in it, on one line
    screen.print(Text.assemble(("error: ", "bold red"), message), soft_wrap=whole)
    if hint:
        screen.print(Text.assemble(("hint: ", "bold cyan"), hint), soft_wrap=whole)


def remark(sentence: str) -> None:
    """Say on stderr what a command does or leaves; of several processes the first speaks."""
    if launched().first:
        console(stderr=True).print(sentence, soft_wrap=True)


def shortened(text: str) -> str:
    """Return a text whose long lines lack their middle."""
    half = MOST_LINE_CHARACTERS // 2
    return "\n".join(
        line if len(line) <= 2 * half else f"{line[:half]} […] {line[-half:]}"
        for line in text.split("\n")
    )


def format_number(value: float | None) -> str:
    """Return a number with four significant digits, or a dash if there is no number.

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


def duration(seconds: float) -> str:
    """Return a time for people to read.

    >>> duration(42), duration(200), duration(7300)
    ('42 s', '3 min 20 s', '2 h 01 min')
    """
    if not math.isfinite(seconds):
        return "?"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def megabytes(size_bytes: int) -> str:
    """Return a number of bytes for people to read.

    >>> megabytes(95_628_359)
    '96 MB'
    """
    return f"{size_bytes / 1e6:,.0f} MB"


def add_rest_row(table: Table, rows: int) -> None:
    """Add a row that says how many of the ``rows`` are left out, if any are."""
    if rows > MOST_TABLE_ROWS:
        table.add_row(f"{rows - MOST_TABLE_ROWS} more", *["…"] * (len(table.columns) - 1))


METRIC_COLUMNS_TO_LEAVE = ("n", "real vs. real")
"""The columns of ``metrics_table`` that a narrow terminal shows last."""


def metrics_table(metrics: Mapping[str, Mapping[str, Any]], title: str) -> Table:
    """Return a table of measurements: value, interval, floor and n of each metric.

    Below it stand the counts that floors hold for, or why there are none.

    Args:
        metrics: measurements as records, by the name of their metric.
        title: of the table.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("metric")
    for heading in ("value", "95 % interval", "real vs. real", "n"):
        table.add_column(heading, justify="right")
    for name, record in metrics.items():
        table.add_row(
            f"{name} {ARROWS.get(record.get('better', ''), '')}",
            Text(format_number(record["value"]), style="bold"),
            interval(record.get("low"), record.get("high")),
            format_number(record.get("floor")),
            f"{record['n']:,}",
        )
    table.caption = "\n".join(floor_sentences(metrics)) or None
    table.caption_justify = "left"
    return table


def print_notices(notices: Iterable[str]) -> None:
    """Print on stderr what a user must know of how data were read, each sentence once."""
    for notice in dict.fromkeys(notices):
        console(stderr=True).print(notice, soft_wrap=True)


def print_unmeasured(result: Mapping[str, Any]) -> None:
    """Print why metrics have no number in a result, and what to type next."""
    from rich.text import Text

    screen = console()
    reasons = {
        name: as_mapping(reason) for name, reason in as_mapping(result.get("unmeasured")).items()
    }
    for name, reason in reasons.items():
        sentence = f" was not measured: {as_text(reason.get('message'))}"
        screen.print(Text.assemble((str(name), "red"), sentence), soft_wrap=True)
    for hint in dict.fromkeys(as_text(reason.get("hint")) for reason in reasons.values()):
        if hint:
            screen.print(Text.assemble(("hint", "cyan"), f": {hint}"), soft_wrap=True)
