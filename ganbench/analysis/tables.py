# SPDX-License-Identifier: MIT
"""Tables as plain data: every variant by every metric, over seeds. Nothing here is rendered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from ganbench.analysis.number_text import arrow
from ganbench.analysis.stats import Estimate, mean_interval
from ganbench.records.measurement import Measurement
from ganbench.records.run_folder import STATUSES
from ganbench.records.run_record import RunRecord


@dataclass(frozen=True)
class MetricColumn:
    """A metric by one protocol. ``name`` tells protocols apart where a metric has several."""

    name: str
    metric: str
    protocol: str
    better: str = ""
    unit: str = ""

    def takes(self, metric: str, protocol: str) -> bool:
        """Tell whether a measurement belongs into this column."""
        return metric == self.metric and comparable(protocol) == self.protocol


@dataclass(frozen=True)
class SeedValue:
    """One run's value in a column."""

    seed: int | None
    run: str
    measurement: Measurement

    @property
    def value(self) -> float:
        """The measured value."""
        return self.measurement.value if self.measurement.value is not None else float("nan")


@dataclass(frozen=True)
class TableCell:
    """A variant's values in a column: ``runs`` are over, ``estimate.n`` of them have a value.

    ``best`` marks the best mean of the column where two or more variants have one.
    """

    estimate: Estimate
    values: tuple[SeedValue, ...]
    runs: int
    best: bool = False

    def of(self, run: str) -> Measurement | None:
        """Return what was measured of a run; None if nothing was."""
        return next((value.measurement for value in self.values if value.run == run), None)


@dataclass(frozen=True)
class VariantRow:
    """What the runs of one variant came to; a metric that none of them has is not in ``cells``."""

    variant: str
    model: str
    statuses: Mapping[str, int]
    cells: Mapping[str, TableCell]
    runs: tuple[RunRecord, ...]
    kimg: Estimate | None
    seconds: Estimate | None
    images_per_second: Estimate | None
    tricks: str = ""
    setting: str = ""

    @property
    def seeds(self) -> tuple[int | None, ...]:
        """The seeds of the runs that are over."""
        return tuple(run.seed for run in self.runs if run.counted)


@dataclass(frozen=True)
class MetricTable:
    """All variants of a dataset. ``floors`` are real against real data, by column."""

    dataset: str
    columns: tuple[MetricColumn, ...]
    rows: tuple[VariantRow, ...]
    floors: Mapping[str, float]

    @property
    def mixed(self) -> tuple[str, ...]:
        """The metrics that were measured by more than one protocol: not to be compared."""
        metrics = [column.metric for column in self.columns]
        return tuple(dict.fromkeys(name for name in metrics if metrics.count(name) > 1))

    def example(self, column: MetricColumn) -> Measurement | None:
        """Return some measurement of a column, for what all of them share; None without any."""
        for row in self.rows:
            if column.name in row.cells:
                return row.cells[column.name].values[0].measurement
        return None

    def row(self, variant: str) -> VariantRow:
        """Return the row of a variant; KeyError if there is none."""
        for row in self.rows:
            if row.variant == variant:
                return row
        raise KeyError(variant)


def heading(column: MetricColumn) -> str:
    """Return a column's heading: name, unit, and the arrow of the better direction."""
    unit = f" ({column.unit})" if column.unit else ""
    return f"{column.name}{unit} {arrow(column.better)}".strip()


@lru_cache(maxsize=4096)
def comparable(protocol: str) -> str:
    """Return a protocol without its seed, which differs from run to run by design.

    >>> comparable("fid/v1 n_fake=5000 seed=3 split=train")
    'fid/v1 n_fake=5000 split=train'
    """
    kept = re.sub(r"(?<![\w-])seed\s*[=: ]\s*\d+", "", protocol)
    kept = re.sub(r"([,;/|·])\s*(?=[,;/|·])", "", kept)  # the separator that is now double
    return re.sub(r"\s+", " ", kept).strip(" ,;/|·")


def count_statuses(runs: Iterable[RunRecord]) -> dict[str, int]:
    """Return how many runs have each status, those that went well first."""
    given = [run.status for run in runs]
    known = dict.fromkeys([*STATUSES, *given])
    return {status: given.count(status) for status in known if status in given}


def datasets_of(runs: Iterable[RunRecord]) -> list[str]:
    """Return the names of the datasets of runs that say which one they are on."""
    return list(dict.fromkeys(run.dataset for run in runs if run.dataset))


def metric_table(
    runs: Sequence[RunRecord], dataset: str, *, confidence: float = 0.95
) -> MetricTable:
    """Return the final metrics of every variant on a dataset: mean and t interval over seeds.

    Only runs that are over count. One that diverged has no metrics: it lowers ``n`` below
    ``runs``, so a mean over those that went well can be told from one over all.
    """
    here = [run for run in runs if run.dataset == dataset]
    columns = _columns(here)
    by_variant: dict[str, list[RunRecord]] = {}
    for run in here:
        by_variant.setdefault(run.variant, []).append(run)
    rows = [_row(variant, members, columns, confidence) for variant, members in by_variant.items()]
    return MetricTable(
        dataset=dataset,
        columns=columns,
        rows=tuple(mark_best(rows, columns)),
        floors=_floors(here, columns),
    )


def estimate(values: Iterable[float | None], *, confidence: float = 0.95) -> Estimate | None:
    """Return the mean and t interval of the values that are there; None if there are none."""
    there = [value for value in values if value is not None]
    return mean_interval(there, confidence=confidence) if there else None


def mark_best(rows: Sequence[VariantRow], columns: Iterable[MetricColumn]) -> list[VariantRow]:
    """Mark the best mean of each column; equal means are all the best, a lone one is not."""
    best: dict[str, float] = {}
    for column in columns:
        means = [row.cells[column.name].estimate.value for row in rows if column.name in row.cells]
        if len(means) > 1 and column.better in {"higher", "lower"}:
            best[column.name] = max(means) if column.better == "higher" else min(means)
    return [
        replace(
            row,
            cells={
                name: replace(cell, best=cell.estimate.value == best.get(name))
                for name, cell in row.cells.items()
            },
        )
        for row in rows
    ]


def _columns(runs: Iterable[RunRecord]) -> tuple[MetricColumn, ...]:
    """Return the columns in the order in which the metrics were first recorded."""
    found: dict[tuple[str, str], Measurement] = {}
    for run in runs:
        if run.counted:
            for metric, measured in run.metrics.items():
                found.setdefault((metric, comparable(measured.protocol)), measured)
    metrics = [metric for metric, _ in found]
    columns = []
    for (metric, protocol), measured in found.items():
        several = metrics.count(metric) > 1
        number = [key for key in found if key[0] == metric].index((metric, protocol)) + 1
        name = f"{metric} [protocol {number}]" if several else metric
        columns.append(MetricColumn(name, metric, protocol, measured.better, measured.unit))
    return tuple(columns)


def _row(
    variant: str, runs: Sequence[RunRecord], columns: Iterable[MetricColumn], confidence: float
) -> VariantRow:
    counted = [run for run in runs if run.counted]
    cells = {}
    for column in columns:
        values = tuple(
            SeedValue(run.seed, run.name, measured)
            for run in counted
            for metric, measured in run.metrics.items()
            if column.takes(metric, measured.protocol) and measured.value is not None
        )
        mean = estimate((value.value for value in values), confidence=confidence)
        if mean is not None:
            cells[column.name] = TableCell(mean, values, len(counted))
    # The seconds of a run that stopped early say nothing of how long the training takes.
    whole = [run for run in counted if run.status != "diverged"]
    return VariantRow(
        variant=variant,
        model=runs[0].model,
        statuses=count_statuses(runs),
        cells=cells,
        runs=tuple(runs),
        kimg=estimate(run.kimg for run in whole),
        seconds=estimate(run.seconds for run in whole),
        images_per_second=estimate(run.images_per_second for run in counted),
        tricks=runs[0].tricks,
        setting=runs[0].setting,
    )


def _floors(runs: Iterable[RunRecord], columns: Iterable[MetricColumn]) -> dict[str, float]:
    """Return the mean floor of each column that has one."""
    floors = {}
    for column in columns:
        given = estimate(
            measured.floor
            for run in runs
            if run.counted
            for metric, measured in run.metrics.items()
            if column.takes(metric, measured.protocol)
        )
        if given is not None:
            floors[column.name] = given.value
    return floors
