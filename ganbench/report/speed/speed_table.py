# SPDX-License-Identifier: MIT
"""The table of speed: its columns, and the figure and small print of each cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ganbench.analysis import number_text
from ganbench.analysis.number_text import amount
from ganbench.analysis.speed_summary import rate_spread
from ganbench.records.speed_record import Rate, SpeedCase
from ganbench.report.charts.style import Style
from ganbench.report.content_blocks import Column, Row, Table, TextCell
from ganbench.report.speed.speed_rows import SpeedRow
from ganbench.report.speed.speed_section import Machine, Speed


def speed_table(machine: Machine, speed: Speed) -> Table:
    """Return the cases of a machine; a case that failed says why instead of its figures."""
    columns = (Column("model", number=False), Column("batch"), *map(Column, _FIGURES))
    rows = tuple(_row(row, speed.styles[row.series]) for row in machine.rows)
    return Table(f"Speed on {machine.title}", columns, rows)


def _row(row: SpeedRow, style: Style) -> Row:
    case = row.case
    figures: tuple[TextCell, ...] = tuple(figure(case) for figure in _FIGURES.values())
    if case.status != "ok":
        problem = f"failed: {case.problem}" if case.problem else "failed"
        figures = (TextCell(problem, mark="verdict-fails", span=len(_FIGURES)),)
    name = TextCell(row.label, notes=(row.setting,), style=style)
    return Row((name, TextCell(str(case.batch_size)), *figures))


def _rate(rate: Rate | None, *more: str) -> TextCell:
    estimate = rate_spread(rate)
    if estimate is None:
        return TextCell(notes=more)
    notes = filter(None, [number_text.interval_text(estimate), f"n = {estimate.n}", *more])
    return TextCell(number_text.mean_text(estimate), tuple(notes))


def _training(case: SpeedCase) -> TextCell:
    return _rate(case.training, *([] if case.steady else ["not steady"]))


def _sampling(case: SpeedCase) -> TextCell:
    return _rate(case.sampling)


def _latency(case: SpeedCase) -> TextCell:
    latency = case.latency_ms
    if latency is None:
        return TextCell()
    tails = (f"p90 {amount(latency.p90)}", f"p99 {amount(latency.p99)}")
    return TextCell(f"p50 {amount(latency.p50)}", tails, value=latency.p50)


def _arithmetic(case: SpeedCase) -> TextCell:
    per_image = case.gflop_per_image or {}
    return TextCell(amount(per_image.get("training")), _named(per_image, "sampling"))


def _achieved(case: SpeedCase) -> TextCell:
    share = case.share_of_ceiling
    notes = () if share is None else (f"{number_text.percent(share)} of ceiling",)
    return TextCell(amount(case.gflops), notes)


def _memory(case: SpeedCase) -> TextCell:
    """Return the device's memory if it has its own, otherwise what the process took and grew by."""
    used = case.memory_mib or {}
    if used.get("allocated") is not None:
        return TextCell(amount(used["allocated"]), _named(used, "reserved"))
    return TextCell(amount(used.get("resident")), _named(used, "growth"))


def _named(values: Mapping[str, float | None], *names: str) -> tuple[str, ...]:
    """Return the values that are present, each with its name."""
    return tuple(
        f"{name.replace('_', ' ')} {amount(values[name])}"
        for name in names
        if values.get(name) is not None
    )


def _parameters(case: SpeedCase) -> TextCell:
    counts = case.parameters or {}
    sizes = (number_text.large(counts.get(role)) for role in ("generator", "discriminator"))
    return TextCell(" / ".join(sizes)) if counts else TextCell()


def _startup(case: SpeedCase) -> TextCell:
    seconds = case.startup_seconds or {}
    before = ", ".join(_named(seconds, "import", "build"))
    notes = filter(None, [before, *_named(seconds, "first_step")])
    return TextCell(amount(seconds.get("total")), tuple(notes))


_FIGURES: Mapping[str, Callable[[SpeedCase], TextCell]] = {
    "training,\nimages/s": _training,
    "sampling,\nimages/s": _sampling,
    "GFLOP/s": _achieved,
    "latency,\nms": _latency,
    "GFLOP / image": _arithmetic,
    "memory,\nMiB": _memory,
    "parameters G / D": _parameters,
    "start-up,\ns": _startup,
}
"""The figures: the head of each column, and the cell of a case in it."""
