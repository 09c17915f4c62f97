# SPDX-License-Identifier: MIT
"""The table of speed: its columns, and what stands in each cell and below it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ganbench.analysis import number_text
from ganbench.analysis.number_text import NOTHING, amount
from ganbench.records.speed_record import Rate, SpeedCase
from ganbench.report.speed.speed_rows import SpeedRow
from ganbench.report.speed.speed_sentences import spread


@dataclass(frozen=True)
class SpeedCell:
    """A figure, and what is said of it in lines of small print."""

    main: str
    asides: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """All in one line."""
        aside = ", ".join(self.asides)
        if not aside.startswith("["):
            aside = f"({aside})" if aside else ""
        return f"{self.main} {aside}".strip()


def failure(row: SpeedRow) -> str:
    """Return why a case has no figures; empty of one that has."""
    if row.case.status == "ok":
        return ""
    return f"failed: {row.case.problem}" if row.case.problem else "failed"


def _rate(rate: Rate | None) -> SpeedCell:
    estimate = spread(rate)
    if estimate is None:
        return SpeedCell(NOTHING)
    asides = filter(None, [number_text.interval_text(estimate), f"n = {estimate.n}"])
    return SpeedCell(number_text.mean_text(estimate), tuple(asides))


def _training(case: SpeedCase) -> SpeedCell:
    cell = _rate(case.training)
    return cell if case.steady else SpeedCell(cell.main, (*cell.asides, "not steady"))


def _latency(case: SpeedCase) -> SpeedCell:
    waited = case.latency_ms
    if waited is None:
        return SpeedCell(NOTHING)
    return SpeedCell(
        f"p50 {amount(waited.p50)}", (f"p90 {amount(waited.p90)}", f"p99 {amount(waited.p99)}")
    )


def _arithmetic(case: SpeedCase) -> SpeedCell:
    each = case.gflop_per_image or {}
    return SpeedCell(amount(each.get("training")), _named(each, "sampling"))


def _achieved(case: SpeedCase) -> SpeedCell:
    share = case.share_of_ceiling
    aside = () if share is None else (f"{number_text.percent(share)} of ceiling",)
    return SpeedCell(amount(case.gflops), aside)


def _memory(case: SpeedCase) -> SpeedCell:
    """Return the device's memory where it has its own, else what the process took and grew by."""
    used = case.memory_mib or {}
    if used.get("allocated") is not None:
        return SpeedCell(amount(used["allocated"]), _named(used, "reserved"))
    return SpeedCell(amount(used.get("resident")), _named(used, "growth"))


def _named(values: Mapping[str, float | None], *names: str) -> tuple[str, ...]:
    """Return the values that are there, each with its name."""
    return tuple(
        f"{name.replace('_', ' ')} {amount(values[name])}"
        for name in names
        if values.get(name) is not None
    )


def _parameters(case: SpeedCase) -> SpeedCell:
    counts = case.parameters or {}
    sizes = (number_text.large(counts.get(role)) for role in ("generator", "discriminator"))
    return SpeedCell(" / ".join(sizes) if counts else NOTHING)


def _startup(case: SpeedCase) -> SpeedCell:
    spent = case.startup_seconds or {}
    before = ", ".join(_named(spent, "import", "build"))
    asides = filter(None, [before, *_named(spent, "first_step")])
    return SpeedCell(amount(spent.get("total")), tuple(asides))


COLUMNS: Mapping[str, Callable[[SpeedCase], SpeedCell]] = {
    "training, images/s": _training,
    "sampling, images/s": lambda case: _rate(case.sampling),
    "GFLOP/s": _achieved,
    "latency, ms": _latency,
    "GFLOP / image": _arithmetic,
    "memory, MiB": _memory,
    "parameters G / D": _parameters,
    "start-up, s": _startup,
}
"""The figures: what is at the head of each column, and what stands below it."""
