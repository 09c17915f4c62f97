# SPDX-License-Identifier: MIT
"""What ``ganbench compare`` prints: the plan, the verdicts, a table for each metric, JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ganbench.analysis.tables import MetricColumn
from ganbench.analysis.verdicts import Verdict, design_limits
from ganbench.cli.output import ARROWS, console, format_number, interval, print_json
from ganbench.cli.progress_bars import Counter, duration
from ganbench.harness.compare import ComparedDataset, comparison_document

if TYPE_CHECKING:
    from rich.table import Table

    from ganbench.harness.scheduler import CellState, Scheduler
    from ganbench.harness.suite import Suite

_MOST_ROWS = 60
"""A longer table is what ``ganbench report`` is for."""
_STYLES = {"helps": "green", "hurts": "red", "fails": "bold red", "unclear": "dim"}


def print_plan(
    scheduler: Scheduler, suite: Suite, slots: int, *, as_json: bool, quiet: bool
) -> None:
    """Print the matrix, what of it is stored, the time it will take, and what it cannot show."""
    from ganbench.harness.time_estimate import measured_speeds, seconds_left

    states = scheduler.states
    pending = [state for state in scheduler.pending if state.share < 1.0]
    with Counter(quiet=quiet or as_json) as counter:
        speeds = measured_speeds(pending, scheduler.options, counter)
    left = seconds_left(pending, speeds, slots)
    limits = design_limits(len(suite.seeds), max(1, max(len(suite.tricks), len(suite.models)) - 1))
    if as_json:
        cells = [
            {
                "id": state.cell.identity,
                "axes": state.cell.axes,
                "status": _planned(state),
                "kimg": state.cell.arm.config.recipe.kimg,
            }
            for state in states
        ]
        print_json({"cells": cells, "comparisons": [], "seconds": left, "limits": limits})
        return
    screen = console()
    screen.print(_plan_table(states, speeds))
    counts = dict.fromkeys(("waiting", "stored", "measure", "failed", "timeout"), 0)
    for state in states:
        counts[_planned(state)] = counts.get(_planned(state), 0) + 1
    listed = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    screen.print(f"{len(states)} cells: {listed}.")
    if left is not None and pending:
        at = f"{slots} at a time" if slots > 1 else "one at a time"
        screen.print(f"About {duration(left)} of training, {at}; measuring is not counted.")
    for line in limits:
        screen.print(line, style="dim", markup=False)
    screen.print("Nothing was trained: this was a dry run.")


def _planned(state: CellState) -> str:
    """Return what will be done about a cell: ``measure`` is to add a metric to what is stored."""
    return "measure" if state.status == "waiting" and state.share == 1.0 else state.status


def _plan_table(states: Sequence[CellState], speeds: Any) -> Table:
    """Lay the matrix out, a row for each arm."""
    from rich.table import Table

    arms: dict[Any, list[CellState]] = {}
    for state in states:
        arms.setdefault(state.cell.arm, []).append(state)
    table = Table("variant", "dataset", "kimg", "seeds", "stored", "a run takes")
    for arm, members in list(arms.items())[:_MOST_ROWS]:
        speed = speeds.get(arm)
        table.add_row(
            arm.label,
            arm.dataset,
            format_number(arm.config.recipe.kimg),
            _ranges([one.cell.seed for one in members]),
            f"{sum(one.status == 'stored' for one in members)} of {len(members)}",
            duration(speed * arm.config.recipe.kimg) if speed else "–",
        )
    if len(arms) > _MOST_ROWS:
        table.add_row(f"{len(arms) - _MOST_ROWS} more", *["…"] * 5)
    return table


def _ranges(seeds: Sequence[int]) -> str:
    """Return seeds as ``compare --seeds`` takes them.

    >>> _ranges([0, 1, 2, 7])
    '0-2,7'
    """
    parts: list[list[int]] = []
    for seed in sorted(seeds):
        if parts and seed == parts[-1][-1] + 1:
            parts[-1].append(seed)
        else:
            parts.append([seed])
    return ",".join(f"{one[0]}-{one[-1]}" if len(one) > 1 else str(one[0]) for one in parts)


def print_results(
    scheduler: Scheduler,
    states: Sequence[CellState],
    tables: Sequence[ComparedDataset],
    suite: Suite,
    beyond: Sequence[str],
    *,
    as_json: bool,
) -> None:
    """Print verdicts and a table for each metric, or all of it as JSON."""
    if as_json:
        print_json(
            {
                **comparison_document(scheduler, states, tables),
                "worse_than_allowed": list(beyond),
            }
        )
        return
    screen = console()
    for one in tables:
        for column in one.table.columns:
            screen.print(_metric_table(one, column))
    for one in tables:
        _print_verdicts(one)
    runs = [state for state in states if state.record]
    total = sum(state.record.get("seconds") or 0 for state in runs)
    screen.print(f"{len(runs)} runs, {duration(total)} of training.")
    if left := sum(state.status == "limited" for state in states):
        screen.print(f"{left} cells are left: repeat the command without --limit.")
    screen.print(f"A page of it: ganbench report {scheduler.given_out}", soft_wrap=True)


def _print_verdicts(one: ComparedDataset) -> None:
    """Print a sentence for each treatment, about the main metric."""
    shown = [verdict for verdict in one.verdicts if verdict.comparison.column == one.main]
    if not shown or one.main is None:
        return
    screen = console()
    screen.print(f"[bold]On {one.table.dataset}, by {one.main.name}[/bold]")
    for verdict in shown:
        screen.print(verdict.sentence, style=_STYLES[verdict.kind], markup=False)
    screen.print()


def _metric_table(one: ComparedDataset, column: MetricColumn) -> Table:
    """Lay one metric of one dataset out, a row for each variant."""
    from rich.table import Table

    made = Table(
        title=f"{column.name} {ARROWS.get(column.better, '')} on {one.table.dataset}",
        title_justify="left",
        title_style="bold",
    )
    made.add_column("variant")
    for name in ("n", "mean", "95 % interval", "difference", "95 % interval", "p, Holm"):
        made.add_column(name, justify="right")
    made.add_column("verdict")
    for row in one.table.rows[:_MOST_ROWS]:
        cell = row.cells.get(column.name)
        mine = [
            verdict
            for verdict in one.verdicts
            if verdict.comparison.variant == row.variant and verdict.comparison.column == column
        ]
        is_base = any(one_of.baseline == row.variant for one_of in one.comparisons)
        if cell is None:
            made.add_row(row.variant, f"0 of {len(row.runs)}", *["–"] * 5, _said(mine, is_base))
            continue
        mean = format_number(cell.estimate.value)
        paired = mine[0].comparison.paired if mine else None
        made.add_row(
            row.variant,
            f"{cell.estimate.n}"
            if cell.estimate.n == cell.runs
            else f"{cell.estimate.n} of {cell.runs}",
            f"[bold]{mean}[/bold]" if cell.best else mean,
            interval(cell.estimate.low, cell.estimate.high),
            format_number(paired.difference.value) if paired else "–",
            interval(paired.difference.low, paired.difference.high) if paired else "–",
            format_number(mine[0].comparison.t_corrected) if mine else "–",
            _said(mine, is_base),
        )
    if len(one.table.rows) > _MOST_ROWS:
        made.add_row(f"{len(one.table.rows) - _MOST_ROWS} more", *["…"] * 7)
    return made


def _said(found: Sequence[Verdict], is_baseline: bool) -> str:
    if found:
        return f"[{_STYLES[found[0].kind]}]{found[0].word}[/]"
    return "baseline" if is_baseline else "–"
