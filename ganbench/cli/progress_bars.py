# SPDX-License-Identifier: MIT
"""Progress of training: a live bar on a terminal, plain lines elsewhere, both on stderr."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

from ganbench.cli.output import console, format_number
from ganbench.errors import StoppedError
from ganbench.progress import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


class Bar(Progress):
    """Shows losses, images/s and the time left."""

    def __init__(self, label: str, *, quiet: bool) -> None:
        self.label = label
        self.quiet = quiet
        self._screen = console(stderr=True)
        self._live = self._screen.is_terminal and not self._screen.is_dumb_terminal
        self._bar: RichProgress | None = None
        self._shown = -1
        self._counter = Counter(quiet=quiet)

    def __enter__(self) -> Bar:
        if self.quiet or not self._live:
            return self
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as RichProgress
        from rich.table import Column

        room = max(12, self._screen.width - 66)  # the figures and the bar matter more
        self._bar = RichProgress(
            TextColumn("{task.description}", table_column=Column(no_wrap=True, max_width=room)),
            BarColumn(bar_width=None, table_column=Column(ratio=1, min_width=6)),
            TextColumn("{task.percentage:3.0f} %"),
            TextColumn("{task.fields[facts]}", table_column=Column(no_wrap=True)),
            console=self._screen,
            expand=True,
            transient=True,
        )
        self._bar.start()
        self._task = self._bar.add_task(self.label, total=1.0, facts="starting")
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def tick(self, row: Mapping[str, Any], share: float, seconds_left: float) -> None:
        """Show the statistics of a tick."""
        if self.quiet:
            return
        facts = (
            f"{duration(seconds_left)} left · {row['images_per_second']:,.0f} images/s · "
            f"loss D {_loss(row, 'discriminator'):.3g} G {_loss(row, 'generator'):.3g}"
        )
        if self._bar is not None:
            self._bar.update(self._task, completed=share, facts=facts)
        elif int(share * 10) > self._shown:  # a line for every tenth
            self._shown = int(share * 10)
            self._screen.print(f"{self.label}: {share:4.0%}, {row['kimg']:.1f} kimg, {facts}")

    def advance(self, what: str, done: int, total: int) -> None:
        """Show how far an evaluation is, where it takes its time."""
        if self._bar is not None:
            self._bar.update(self._task, facts=f"measuring {what}: {done:,} of {total:,}")
        else:
            self._counter.advance(f"measuring {what}", done, total)

    def measured(self, kimg: float, metrics: Mapping[str, Any]) -> None:
        """Show what an evaluation on the way gave."""
        if self.quiet or not metrics:
            return
        values = ", ".join(f"{name} {format_number(one['value'])}" for name, one in metrics.items())
        where = self._bar.console if self._bar is not None else self._screen
        where.print(f"  {kimg:.0f} kimg: {values}", style="dim")


class Counter(Progress):
    """Shows how many samples are read, how fast, and the time left.

    On a terminal it is a live bar; elsewhere a line every ten seconds, so that a quick
    measurement says nothing.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._screen = console(stderr=True)
        self._live = self._screen.is_terminal and not self._screen.is_dumb_terminal
        self._bar: RichProgress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._begun: dict[str, float] = {}
        self._said = 0.0

    def __enter__(self) -> Counter:
        if self._live and not self._quiet:
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                TextColumn,
                TimeRemainingColumn,
            )
            from rich.progress import Progress as RichProgress
            from rich.table import Column

            room = max(12, self._screen.width - 60)
            self._bar = RichProgress(
                TextColumn("{task.description}", table_column=Column(no_wrap=True, max_width=room)),
                BarColumn(bar_width=None, table_column=Column(ratio=1, min_width=6)),
                MofNCompleteColumn(),
                TextColumn("{task.fields[speed]}", table_column=Column(no_wrap=True)),
                TimeRemainingColumn(compact=True),
                console=self._screen,
                expand=True,
                transient=True,
            )
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, what: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` samples of a set are measured."""
        if self._quiet:
            return
        now = time.monotonic()
        if done == 0 or what not in self._begun:
            self._begun[what] = self._said = now
        passed = now - self._begun[what]
        rate = done / passed if done and passed > 0.5 else 0.0
        speed = f"{rate:,.{0 if rate >= 10 else 1}f}/s" if rate else ""
        if self._bar is not None:
            if what not in self._tasks or done == 0:
                self._tasks[what] = self._bar.add_task(what, total=total, speed="")
            self._bar.update(self._tasks[what], completed=done, speed=speed)
        elif now - self._said >= 10 and rate:
            self._said = now
            left = duration((total - done) / rate)
            self._screen.print(f"{what}: {done:,} of {total:,}, {speed}, {left} left")


def _loss(row: Mapping[str, Any], role: str) -> float:
    return float(sum(value for name, value in row.items() if name.startswith(f"loss/{role}/")))


def duration(seconds: float) -> str:
    """Return a time for people.

    >>> duration(42), duration(200), duration(7300)
    ('42 s', '3 min 20 s', '2 h 01 min')
    """
    if seconds != seconds or seconds == float("inf"):
        return "?"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


@contextmanager
def stopping(stop: Callable[[], None]) -> Iterator[None]:
    """Let the first Ctrl-C (or SIGTERM) end the run in order, and the second at once.

    Raises:
        StoppedError: on the second.
    """
    asked = 0

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            raise KeyboardInterrupt
        stop()

    kept = {one: signal.signal(one, handle) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except KeyboardInterrupt as error:
        raise StoppedError(
            "Stopped at once; what was done since the last checkpoint is lost.",
            "Repeat the command with --resume.",
        ) from error
    finally:
        for one, handler in kept.items():
            signal.signal(one, handler)
