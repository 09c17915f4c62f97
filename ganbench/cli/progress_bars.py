# SPDX-License-Identifier: MIT
"""Progress on stderr: a live bar on a terminal, plain lines elsewhere, nothing if quiet.

A display for each kind of work: ``TrainingBar``, ``WorkBar`` for anything that is counted, and
``DownloadBar``. Each is a context manager, and all of them draw on a ``Terminal``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ganbench.cli.output import console, duration, format_number, megabytes
from ganbench.progress import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import ProgressColumn, TaskID

SECONDS_BETWEEN_LINES = 10.0
"""Outside a terminal, work that is counted prints a line this often: quick work prints none."""


class Terminal:
    """Stderr as the displays use it: live bars if it is a terminal, lines if it is not."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self._screen = console(stderr=True)
        self._bars: RichProgress | None = None
        self._tasks: dict[str, TaskID] = {}

    @property
    def live(self) -> bool:
        """Whether bars are being drawn."""
        return self._bars is not None

    def start(self, columns: Callable[[], Sequence[ProgressColumn]], reserved: int) -> None:
        """Begin to draw bars, unless this is no terminal.

        Args:
            columns: makes the columns behind a bar; rich is imported only where it is needed.
            reserved: terminal columns that the bar and its figures need; the name gets the rest.
        """
        if self.quiet or not self._screen.is_terminal or self._screen.is_dumb_terminal:
            return
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as RichProgress
        from rich.table import Column

        name = Column(no_wrap=True, max_width=max(12, self._screen.width - reserved))
        self._bars = RichProgress(
            TextColumn("{task.description}", markup=False, table_column=name),
            BarColumn(bar_width=None, table_column=Column(ratio=1, min_width=6)),
            *columns(),
            console=self._screen,
            expand=True,
            transient=True,
        )
        self._bars.start()

    def stop(self) -> None:
        """Remove the bars."""
        if self._bars is not None:
            self._bars.stop()

    def refresh(self) -> None:
        """Draw the bars now, not at the next of their regular times."""
        if self._bars is not None:
            self._bars.refresh()

    def draw(self, name: str, done: float | None, total: float | None, note: str = "") -> None:
        """Move the bar of a name, or add it; ``done`` is None if only the note is new."""
        if self._bars is None:
            return
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=total, note=note)
        self._bars.update(self._tasks[name], completed=done, total=total, note=note)

    def forget(self, name: str) -> None:
        """Let the next bar of a name be a new one, below those that are drawn."""
        self._tasks.pop(name, None)

    def print(self, line: str, *, style: str | None = None, whole: bool = False) -> None:
        """Print a line, above the bars if there are any; print nothing if quiet.

        Args:
            line: the text.
            style: of rich, such as ``dim``.
            whole: whether the line is left unbroken, however narrow the terminal is.
        """
        if not self.quiet:
            self._screen.print(line, style=style, soft_wrap=whole)


class _Tenths:
    """Tells when a share of work enters another tenth: a log gets a line for each."""

    def __init__(self) -> None:
        self._printed = -1

    def entered(self, share: float) -> bool:
        """Return whether this share is the first in its tenth."""
        tenth = int(10 * share)
        entered = tenth != self._printed
        self._printed = tenth
        return entered


class TrainingBar(Progress):
    """Shows a training: losses, images per second and the time left."""

    def __init__(self, label: str, *, quiet: bool) -> None:
        self._label = label
        self._terminal = Terminal(quiet=quiet)
        self._tenths = _Tenths()
        self._evaluation = WorkBar(quiet=quiet)

    def __enter__(self) -> TrainingBar:
        self._terminal.start(_training_columns, reserved=66)
        self._terminal.draw(self._label, 0.0, 1.0, "starting")
        return self

    def __exit__(self, *_: object) -> None:
        self._terminal.stop()

    def tick(self, row: Mapping[str, Any], share: float, seconds_left: float) -> None:
        """Show the statistics of a tick."""
        facts = (
            f"{duration(seconds_left)} left · {row['images_per_second']:,.0f} images/s · "
            f"loss D {_loss(row, 'discriminator'):.3g} G {_loss(row, 'generator'):.3g}"
        )
        if self._terminal.live:
            self._terminal.draw(self._label, share, 1.0, facts)
        elif self._tenths.entered(share):
            self._terminal.print(f"{self._label}: {share:4.0%}, {row['kimg']:.1f} kimg, {facts}")

    def say(self, sentence: str) -> None:
        """Print a sentence about the run."""
        self._terminal.print(sentence, whole=True)

    def advance(self, work: str, done: int, total: int) -> None:
        """Show how far an evaluation is, where it takes its time."""
        work = f"measuring {work}"
        if self._terminal.live:
            self._terminal.draw(self._label, None, 1.0, f"{work}: {done:,} of {total:,}")
        else:
            self._evaluation.advance(work, done, total)

    def measured(self, kimg: float, metrics: Mapping[str, Any]) -> None:
        """Show the values of an evaluation during training."""
        if metrics:
            values = (f"{name} {format_number(metrics[name]['value'])}" for name in metrics)
            self._terminal.print(f"  {kimg:.4g} kimg: {', '.join(values)}", style="dim")


class WorkBar(Progress):
    """Shows how much of some work is done, how fast it goes, and the time left.

    The work is counted in samples, cases or turns. Outside a terminal only slow work prints
    lines.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._terminal = Terminal(quiet=quiet)
        self._begun: dict[str, float] = {}
        self._printed = 0.0

    def __enter__(self) -> WorkBar:
        self._terminal.start(_work_columns, reserved=60)
        return self

    def __exit__(self, *_: object) -> None:
        self._terminal.stop()

    def advance(self, work: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` units are done; zero begins the work again."""
        now = time.monotonic()
        if done == 0 or work not in self._begun:
            self._begun[work] = self._printed = now
            self._terminal.forget(work)
        passed = now - self._begun[work]
        rate = done / passed if done and passed > 0.5 else 0.0
        speed = f"{rate:,.{0 if rate >= 10 else 1}f}/s" if rate else ""
        if self._terminal.live:
            self._terminal.draw(work, done, total, speed)
        elif rate and now - self._printed >= SECONDS_BETWEEN_LINES:
            self._printed = now
            left = duration((total - done) / rate)
            self._terminal.print(f"{work}: {done:,} of {total:,}, {speed}, {left} left")


class DownloadBar(Progress):
    """Shows a download: the bytes that have arrived, and the address that is tried."""

    def __init__(self, name: str, *, quiet: bool) -> None:
        self._name = name
        self._terminal = Terminal(quiet=quiet)
        self._tenths = _Tenths()

    def __enter__(self) -> DownloadBar:
        self._terminal.start(_download_columns, reserved=60)
        self._terminal.draw(self._name, 0, None)
        return self

    def __exit__(self, *_: object) -> None:
        self._terminal.stop()

    def say(self, sentence: str) -> None:
        """Print a sentence about the current step."""
        self._terminal.print(sentence, style="dim", whole=True)

    def advance(self, work: str, done: int, total: int) -> None:
        """Show how many bytes have arrived."""
        if self._terminal.live:
            self._terminal.draw(self._name, done, total)
        elif self._tenths.entered(done / total):
            arrived = f"{megabytes(done)} of {megabytes(total)}"
            self._terminal.print(f"{self._name}: {arrived}", style="dim")


def _training_columns() -> Sequence[ProgressColumn]:
    from rich.progress import TextColumn

    return TextColumn("{task.percentage:3.0f} %"), _note_column()


def _work_columns() -> Sequence[ProgressColumn]:
    from rich.progress import MofNCompleteColumn, TimeRemainingColumn

    return MofNCompleteColumn(), _note_column(), TimeRemainingColumn(compact=True)


def _download_columns() -> Sequence[ProgressColumn]:
    from rich.progress import DownloadColumn, TimeRemainingColumn, TransferSpeedColumn

    return DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(compact=True)


def _note_column() -> ProgressColumn:
    from rich.progress import TextColumn
    from rich.table import Column

    return TextColumn("{task.fields[note]}", table_column=Column(no_wrap=True))


def _loss(row: Mapping[str, Any], role: str) -> float:
    """Return the sum of a player's terms."""
    return float(sum(value for name, value in row.items() if name.startswith(f"loss/{role}/")))
