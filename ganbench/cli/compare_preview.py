# SPDX-License-Identifier: MIT
"""The output of ``ganbench compare --dry-run``: the matrix, its time and its limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ganbench.analysis.verdicts import design_limits
from ganbench.cli.output import (
    MOST_TABLE_ROWS,
    add_rest_row,
    console,
    duration,
    format_number,
    print_json,
)
from ganbench.cli.progress_bars import WorkBar
from ganbench.config import counted
from ganbench.harness.time_estimate import measured_speeds, seconds_left

if TYPE_CHECKING:
    from rich.table import Table

    from ganbench.harness.matrix import Arm
    from ganbench.harness.scheduler import CellState, Scheduler
    from ganbench.harness.suite import Suite


def print_plan(
    scheduler: Scheduler, suite: Suite, slots: int, *, as_json: bool, quiet: bool
) -> None:
    """Print the matrix, its stored cells, the time that it will take, and its limits.

    Args:
        scheduler: knows the cells.
        suite: the axes.
        slots: cells that are carried out at a time.
        as_json: whether a JSON document is printed in place of a table.
        quiet: whether no progress is shown.
    """
    pending = [state for state in scheduler.pending if state.share < 1.0]
    with WorkBar(quiet=quiet or as_json) as bar:
        speeds = measured_speeds(pending, scheduler.options, bar)
    left = seconds_left(pending, speeds, slots)
    limits = design_limits(len(suite.seeds), suite.comparisons)
    if as_json:
        cells = [_planned_record(state) for state in scheduler.states]
        print_json({"cells": cells, "comparisons": [], "seconds": left, "limits": limits})
        return
    screen = console()
    screen.print_table(
        _plan_table(scheduler.states, speeds), least=("a run takes", "stored", "kimg")
    )
    screen.print(_counts_sentence(scheduler.states))
    if left is not None and pending:
        at_a_time = f"{slots} at a time" if slots > 1 else "one at a time"
        screen.print(f"About {duration(left)} of training, {at_a_time}; measuring is not counted.")
    for line in limits:
        screen.print(line, style="dim")
    screen.print("Nothing was trained: this was a dry run.")


def _planned_record(state: CellState) -> dict[str, Any]:
    """Return a cell to come as it stands in the JSON."""
    return {
        "id": state.cell.identity,
        "axes": state.cell.axes,
        "status": _planned_status(state),
        "kimg": state.cell.arm.config.recipe.kimg,
    }


def _planned_status(state: CellState) -> str:
    """Return the status of a cell; ``measure`` means that only a metric is missing."""
    return "measure" if state.status == "waiting" and state.share == 1.0 else state.status


def _counts_sentence(states: Sequence[CellState]) -> str:
    counts = dict.fromkeys(("waiting", "stored", "measure", "failed", "timeout"), 0)
    for state in states:
        status = _planned_status(state)
        counts[status] = counts.get(status, 0) + 1
    listed = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    return f"{counted(len(states), 'cell')}: {listed}."


def _plan_table(states: Sequence[CellState], speeds: Mapping[Arm, float]) -> Table:
    """Return the matrix as a table, a row for each arm."""
    from rich.table import Table

    arms: dict[Arm, list[CellState]] = {}
    for state in states:
        arms.setdefault(state.cell.arm, []).append(state)
    table = Table("variant", "dataset", "kimg", "seeds", "stored", "a run takes")
    for arm, members in list(arms.items())[:MOST_TABLE_ROWS]:
        speed = speeds.get(arm)
        table.add_row(
            arm.label,
            arm.dataset,
            format_number(arm.config.recipe.kimg),
            _ranges([state.cell.seed for state in members]),
            f"{sum(state.status == 'stored' for state in members)} of {len(members)}",
            duration(speed * arm.config.recipe.kimg) if speed else "–",
        )
    add_rest_row(table, len(arms))
    return table


def _ranges(seeds: Sequence[int]) -> str:
    """Return seeds as ``compare --seeds`` takes them.

    >>> _ranges([0, 1, 2, 7])
    '0-2,7'
    """
    runs: list[list[int]] = []
    for seed in sorted(seeds):
        if runs and seed == runs[-1][-1] + 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
