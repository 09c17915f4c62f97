# SPDX-License-Identifier: MIT
"""A matrix as it fills: a live table on a terminal, a line for each cell elsewhere, on stderr."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ganbench.cli.output import console, duration, format_number

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live
    from rich.table import Table
    from rich.text import Text

    from ganbench.harness.matrix import Arm
    from ganbench.harness.scheduler import CellState, Scheduler

_STYLES = {
    "done": "green",
    "stored": "green dim",
    "running": "cyan",
    "measuring": "cyan",
    "elsewhere": "cyan dim",
    "diverged": "magenta",
    "collapsed": "magenta",
    "failed": "bold red",
    "timeout": "bold red",
    "interrupted": "yellow",
    "waiting": "dim",
    "limited": "dim",
}
LEAST_SEED_WIDTH = 11
"""Width of a status word; if a column for each seed does not fit, cells are counted instead."""


class MatrixView:
    """Shows the states of a scheduler's cells, the best so far, and the time left."""

    def __init__(
        self, scheduler: Scheduler, slots: int, metric: str | None, *, quiet: bool
    ) -> None:
        self._states = scheduler.states
        self._slots = slots
        self._metric = metric
        self._quiet = quiet
        self._screen = console(stderr=True)
        self._terminal = self._screen.is_terminal and not self._screen.is_dumb_terminal
        self._live: Live | None = None
        self._left: tuple[float, float | None] = (0.0, None)

    def __enter__(self) -> MatrixView:
        if self._terminal and not self._quiet:
            from rich.live import Live

            self._live = Live(
                console=self._screen,
                get_renderable=self.render,
                refresh_per_second=4,
                transient=True,
            )
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show_change(self, state: CellState) -> None:
        """Print a line about a cell that has ended, where no live table shows it."""
        if self._live is not None or self._quiet or state.status in {"running", "measuring"}:
            return
        over = sum(other.over for other in self._states)
        facts = [state.status, self._value(state)]
        if state.seconds and state.over:
            facts.append(duration(state.seconds))
        if state.problem:
            facts.append(state.problem)
        if (left := self._seconds_left()) is not None and over < len(self._states):
            facts.append(f"{duration(left)} left")
        line = f"[{over}/{len(self._states)}] {state.cell.label}: {', '.join(filter(None, facts))}"
        self._screen.print(line)

    def render(self) -> RenderableType:
        """Return the matrix as it stands."""
        from rich.console import Group
        from rich.text import Text

        groups: dict[str, dict[Arm, list[CellState]]] = {}
        for state in self._states:
            arm = state.cell.arm
            groups.setdefault(arm.dataset, {}).setdefault(arm, []).append(state)
        room = max(4, (self._screen.height - 3) // len(groups) - 3)
        tables = [self._table(name, arms, room) for name, arms in groups.items()]
        return Group(*tables, Text(self._summary(), style="dim"))

    def _table(self, dataset: str, arms: dict[Arm, list[CellState]], room: int) -> Table:
        """Return one dataset: a row for each arm, as many as ``room`` lines hold."""
        from rich.table import Table
        from rich.text import Text

        members = [state for states in arms.values() for state in states]
        seeds = list(dict.fromkeys(state.cell.seed for state in members))
        label_width = min(max(len(arm.label) for arm in arms), self._screen.width // 2)
        fits = label_width + LEAST_SEED_WIDTH * len(seeds) <= self._screen.width - 4
        table = Table(title=dataset, title_justify="left", title_style="bold", box=None)
        table.add_column("", no_wrap=True, max_width=label_width)
        for heading in [f"seed {seed}" for seed in seeds] if fits else ["cells"]:
            table.add_column(heading, no_wrap=fits)
        shown = _chosen(list(arms.items()), room)
        for arm, states in shown:
            by_seed = {state.cell.seed: state for state in states}
            words = [_word(by_seed[seed]) if seed in by_seed else Text("") for seed in seeds]
            table.add_row(Text(arm.label), *(words if fits else [_counted(states)]))
        if len(shown) < len(arms):
            shown_arms = {arm for arm, _ in shown}
            rest = [state for state in members if state.cell.arm not in shown_arms]
            table.add_row(Text(f"{len(arms) - len(shown)} more", style="dim"), _counted(rest))
        return table

    def _summary(self) -> str:
        over = sum(state.over for state in self._states)
        parts = [f"{over} of {len(self._states)} cells"]
        if best := self._best():
            parts.append(f"best so far: {best}")
        if (left := self._seconds_left()) is not None:
            parts.append(f"{duration(left)} left")
        return " · ".join(parts) + " · Ctrl-C stops in order"

    def _seconds_left(self) -> float | None:
        """Return the time left, looked up at most once a second."""
        from ganbench.harness.time_estimate import seconds_left, stored_speeds

        looked_up_at, left = self._left
        if time.monotonic() - looked_up_at > 1.0:
            left = seconds_left(self._states, stored_speeds(self._states), self._slots)
            self._left = (time.monotonic(), left)
        return left

    def _measured(self, state: CellState) -> tuple[str, dict[str, Any]] | None:
        """Return the primary metric of a cell: the one named, or the default."""
        from ganbench.records.primary_metric import primary_rank

        metrics = state.record.get("metrics") or {}
        default = min(metrics, key=primary_rank, default=None)
        name = self._metric if self._metric in metrics else default
        return (name, metrics[name]) if name else None

    def _value(self, state: CellState) -> str:
        measured = self._measured(state)
        return f"{measured[0]} {format_number(measured[1]['value'])}" if measured else ""

    def _best(self) -> str:
        """Name the cell whose primary metric is best, with its value; none that went wrong.

        Values of several datasets or metrics do not compare: there is no best among them.
        """
        from ganbench.analysis.failures import TROUBLE

        ranked: list[tuple[float, CellState, str]] = []
        for state in self._states:
            measured = self._measured(state)
            if state.record.get("status") in TROUBLE:
                continue
            if measured and measured[1]["value"] is not None:
                name, record = measured
                rank = record["value"] * (-1.0 if record.get("better") == "higher" else 1.0)
                ranked.append((rank, state, name))
        if len({(state.cell.arm.dataset, name) for _, state, name in ranked}) != 1:
            return ""
        _, state, name = min(ranked, key=lambda entry: entry[0])
        return f"{state.cell.label}, {name} {format_number(state.record['metrics'][name]['value'])}"


def _chosen(
    rows: Sequence[tuple[Arm, list[CellState]]], room: int
) -> list[tuple[Arm, list[CellState]]]:
    """Return the rows to show: all, or first those in which something happens."""
    rows = list(rows)
    if len(rows) <= room:
        return rows
    active = {"running", "measuring", "elsewhere", "failed", "timeout"}

    def is_quiet(row: tuple[Arm, list[CellState]]) -> bool:
        return not any(state.status in active for state in row[1])

    chosen = sorted(rows, key=is_quiet)[: room - 1]
    return [row for row in rows if row in chosen]


def _word(state: CellState) -> Text:
    """Return the status of a cell in a word; if it is running, with its share of training."""
    from rich.text import Text

    word = state.status
    if word == "running":
        word = f"running {state.share:.0%}".replace("%", " %")
    if word == "stored" and state.outcome != "done":
        word = f"stored, {state.outcome}"
    return Text(word, style=_STYLES.get(state.status, ""))


def _counted(states: Sequence[CellState]) -> Text:
    """Return how many cells have each status."""
    from rich.text import Text

    counts: dict[str, int] = {}
    for state in states:
        counts[state.status] = counts.get(state.status, 0) + 1
    parts = [Text(f"{count} {word}", style=_STYLES.get(word, "")) for word, count in counts.items()]
    return Text(" · ").join(parts)
