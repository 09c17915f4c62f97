# SPDX-License-Identifier: MIT
"""The output of ``ganbench throughput``: a table, or blocks of lines on a narrow terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ganbench.cli.output import console, format_number

if TYPE_CHECKING:
    from rich.table import Table

    from ganbench.cli.screen import Screen

LEAST_TABLE_WIDTH = 100
"""A narrower terminal gets the cases one below the other."""


def print_speeds(document: Mapping[str, Any]) -> None:
    """Print a document of speeds, as ``ganbench.records.speed_record`` describes it."""
    from rich.text import Text

    screen = console()
    done = [case for case in document["cases"] if case["status"] == "ok"]
    if done:
        if screen.width >= LEAST_TABLE_WIDTH:
            screen.print_table(_table(done))
        else:
            _print_lines(screen, done)
    for case in document["cases"]:
        if case["status"] == "failed":
            screen.print(Text.assemble(("failed", "red"), f" {_label(case)}: {case['problem']}"))
    for ceiling in document["ceilings"]:
        screen.print(
            f"Ceiling of {ceiling['device']} in {ceiling['precision']}, "
            f"{ceiling['threads']} threads: {ceiling['gflops']:,.0f} GFLOP/s ({ceiling['by']}).",
            style="dim",
        )
    if any(not case["steady"] for case in done):
        screen.print("Some speeds never became steady: the machine is busy.", style="yellow")


def _table(cases: Sequence[Mapping[str, Any]]) -> Table:
    """Return the cases as a table, a row for each."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("case", overflow="fold")
    for heading in ("training\nimages/s", "lowest –\nhighest", "sampling\nimages/s"):
        table.add_column(heading, justify="right")
    for heading in (
        "latency\np50 ms",
        "p99\nms",
        "GFLOP\nimage",
        "share of\nceiling",
        "memory\nMiB",
    ):
        table.add_column(heading, justify="right")
    table.add_column("step: ms of data, D, G, penalties, optimizer")
    for case in cases:
        table.add_row(_label(case), *_figures(case).values())
    return table


def _print_lines(screen: Screen, cases: Sequence[Mapping[str, Any]]) -> None:
    """Print the cases one below the other."""
    for case in cases:
        screen.print(_label(case), style="bold")
        for name, value in _figures(case).items():
            screen.print(f"  {name}: {value}")


def _figures(case: Mapping[str, Any]) -> dict[str, str]:
    """Return the figures of a case as text."""
    training, split, latency = case["training"], case["split_ms"], case["latency_ms"]
    share, memory = case["share_of_ceiling"], case["memory_mib"]
    parts = ("data", "discriminator", "generator", "penalties", "optimizer")
    return {
        "training images/s": f"{training['images_per_second']:,.0f}",
        "lowest – highest": f"{min(training['rounds']):,.0f} – {max(training['rounds']):,.0f}",
        "sampling images/s": f"{case['sampling']['images_per_second']:,.0f}",
        "latency p50 ms": format_number(latency["p50"]),
        "p99 ms": format_number(latency["p99"]),
        "GFLOP/image": format_number(case["gflop_per_image"]["training"]),
        "share of ceiling": "–" if share is None else f"{100 * share:.0f} %",
        "memory MiB": f"{memory['allocated'] or memory['resident']:,.0f}",
        "step ms": ", ".join(format_number(split[part]) for part in parts),
    }


def _label(case: Mapping[str, Any]) -> str:
    """Name a case with everything that its figures depend on."""
    unusual = [
        *(["compiled"] if case["compile"] else []),
        *(["contiguous"] if case["memory_format"] == "contiguous" else []),
    ]
    return ", ".join(
        [
            "+".join([case["model"], *case["tricks"]]),
            f"batch {case['batch_size']}",
            f"{case['device']} × {case['threads']}" if case["device"] == "cpu" else case["device"],
            case["precision"],
            *unusual,
        ]
    )
