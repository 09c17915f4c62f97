# SPDX-License-Identifier: MIT
"""Tables as plain data: every variant by every metric, over seeds. Renders nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ganbench.analysis.number_text import arrow
from ganbench.analysis.stats import Estimate, mean_interval
from ganbench.records.comparable_protocol import comparable
from ganbench.records.measurement import Measurement
from ganbench.records.run_folder import STATUSES
from ganbench.records.run_record import RunRecord


@dataclass(frozen=True)
class MetricColumn:
    """A metric by one protocol; ``name`` numbers the protocol if the metric has several."""

    name: str
    metric: str
    protocol: str
    better: str = ""
    unit: str = ""

    def takes(self, metric: str, protocol: str) -> bool:
        """Tell whether a measurement belongs in this column."""
        return metric == self.metric and comparable(protocol) == self.protocol


@dataclass(frozen=True)
class SeedValue:
    """The value of one run in a column."""

    seed: int | None
    run: str
    measurement: Measurement

    @property
    def value(self) -> float:
        """The measured value."""
        return self.measurement.value if self.measurement.value is not None else float("nan")


@dataclass(frozen=True)
class TableCell:
    """The values of a variant in a column.

    ``runs`` counts the runs that are over, ``estimate.n`` those that have a value. ``best``
    marks the best mean of the column if two or more variants have a mean.
    """

    estimate: Estimate
    values: tuple[SeedValue, ...]
    runs: int
    best: bool = False

    def of(self, run: str) -> Measurement | None:
        """Return the measurement of a run, by its name; None without one."""
        return next((value.measurement for value in self.values if value.run == run), None)


@dataclass(frozen=True)
class VariantRow:
    """The outcome of the runs of one variant; ``cells`` has the metrics that a run has."""

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

    def values(self, column: MetricColumn) -> list[float]:
        """Return the values in a column, one for each run that has a value."""
        cell = self.cells.get(column.name)
        return [value.value for value in cell.values] if cell else []

    def values_by_seed(self, column: MetricColumn) -> dict[int, float]:
        """Return the values in a column by seed, of several runs of one seed their mean.

        Runs without a known seed are left out.
        """
        cell = self.cells.get(column.name)
        by_seed: dict[int, list[float]] = {}
        for value in cell.values if cell else ():
            if value.seed is not None:
                by_seed.setdefault(value.seed, []).append(value.value)
        return {seed: sum(values) / len(values) for seed, values in by_seed.items()}


@dataclass(frozen=True)
class MetricTable:
    """All variants of a dataset; ``floors`` compare real data with real data, by column."""

    dataset: str
    columns: tuple[MetricColumn, ...]
    rows: tuple[VariantRow, ...]
    floors: Mapping[str, float]

    @property
    def mixed(self) -> tuple[str, ...]:
        """The metrics that were measured by several protocols, and so cannot be compared."""
        metrics = [column.metric for column in self.columns]
        return tuple(dict.fromkeys(name for name in metrics if metrics.count(name) > 1))

    def example(self, column: MetricColumn) -> Measurement | None:
        """Return a measurement of a column, for the facts that all share; None if there is none."""
        for row in self.rows:
            if column.name in row.cells:
                return row.cells[column.name].values[0].measurement
        return None

    def row(self, variant: str) -> VariantRow:
        """Return the row of a variant.

        Raises:
            KeyError: the table has no such variant.
        """
        for row in self.rows:
            if row.variant == variant:
                return row
        raise KeyError(variant)


def heading(column: MetricColumn) -> str:
    """Return a column's heading: name, unit, and the arrow of the better direction."""
    unit = f" ({column.unit})" if column.unit else ""
    return f"{column.name}{unit} {arrow(column.better)}".strip()


def count_statuses(runs: Iterable[RunRecord]) -> dict[str, int]:
    """Return how many runs have each status; statuses of runs that went well come first."""
    counts = Counter(run.status for run in runs)
    return {
        status: counts[status] for status in dict.fromkeys([*STATUSES, *counts]) if status in counts
    }


def datasets_of(runs: Iterable[RunRecord]) -> list[str]:
    """Return the names of the datasets that runs were trained on, where they are known."""
    return list(dict.fromkeys(run.dataset for run in runs if run.dataset))


def metric_table(
    runs: Sequence[RunRecord], dataset: str, *, confidence: float = 0.95
) -> MetricTable:
    """Return the final metrics of every variant on a dataset: mean and t interval over seeds.

    Only runs that are over count. A run that diverged has no metrics. It lowers ``n`` below
    ``runs``, so that a mean over the runs that went well differs visibly from a mean over all.

    Args:
        runs: the runs of any datasets, with their labels.
        dataset: the name of the dataset.
        confidence: the confidence of the intervals, between 0 and 1.
    """
    on_dataset = [run for run in runs if run.dataset == dataset]
    columns = _columns(on_dataset)
    by_variant: dict[str, list[RunRecord]] = {}
    for run in on_dataset:
        by_variant.setdefault(run.variant, []).append(run)
    rows = [_row(variant, members, columns, confidence) for variant, members in by_variant.items()]
    return MetricTable(
        dataset=dataset,
        columns=columns,
        rows=tuple(mark_best(rows, columns)),
        floors=_floors(on_dataset, columns),
    )


def estimate(values: Iterable[float | None], *, confidence: float = 0.95) -> Estimate | None:
    """Return the mean and t interval of the values that are not None; None without any."""
    present = [value for value in values if value is not None]
    return mean_interval(present, confidence=confidence) if present else None


def mark_best(rows: Sequence[VariantRow], columns: Iterable[MetricColumn]) -> list[VariantRow]:
    """Mark the best mean of each column; equal means are all the best, a single mean is not."""
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
    by_metric: dict[str, list[str]] = {}
    examples: dict[tuple[str, str], Measurement] = {}
    for metric, measurement in _measurements(runs):
        protocol = comparable(measurement.protocol)
        if (metric, protocol) not in examples:
            examples[metric, protocol] = measurement
            by_metric.setdefault(metric, []).append(protocol)
    columns = []
    for (metric, protocol), example in examples.items():
        protocols = by_metric[metric]
        number = f" [protocol {protocols.index(protocol) + 1}]" if len(protocols) > 1 else ""
        columns.append(
            MetricColumn(f"{metric}{number}", metric, protocol, example.better, example.unit)
        )
    return tuple(columns)


def _measurements(runs: Iterable[RunRecord]) -> Iterator[tuple[str, Measurement]]:
    """Yield the final measurements of the runs that are over, with their metrics."""
    for run in runs:
        if run.counted:
            yield from run.metrics.items()


def _row(
    variant: str, runs: Sequence[RunRecord], columns: Iterable[MetricColumn], confidence: float
) -> VariantRow:
    """Return the row of a variant from its runs on a dataset, whatever their status."""
    counted = [run for run in runs if run.counted]
    cells = {}
    for column in columns:
        values = tuple(
            SeedValue(run.seed, run.name, measurement)
            for run in counted
            for metric, measurement in run.metrics.items()
            if column.takes(metric, measurement.protocol) and measurement.value is not None
        )
        mean = estimate((value.value for value in values), confidence=confidence)
        if mean is not None:
            cells[column.name] = TableCell(mean, values, len(counted))
    # The seconds of a run that stopped early do not show how long the training takes.
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


def _floors(runs: Sequence[RunRecord], columns: Iterable[MetricColumn]) -> dict[str, float]:
    """Return the mean floor of each column that has one."""
    floors = {}
    for column in columns:
        floor = estimate(
            measurement.floor
            for metric, measurement in _measurements(runs)
            if column.takes(metric, measurement.protocol)
        )
        if floor is not None:
            floors[column.name] = floor.value
    return floors
