# SPDX-License-Identifier: MIT
"""The same treatments on several datasets: by rank and by ratio to the baseline.

Values of a FID on two datasets have no common scale, so they are never averaged. Ranks have a
common scale, and so have the logarithms of ratios.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ganbench.analysis.comparison import Comparison
from ganbench.analysis.stats import Estimate, mean_ranks, stratified_interval
from ganbench.analysis.tables import MetricColumn, MetricTable
from ganbench.records.measurement import Better


@dataclass(frozen=True)
class AcrossRow:
    """One variant: its mean rank, and its mean ratio to the baseline with a 95 % interval.

    ``ratio`` is the geometric mean over datasets of the ratios of ``n`` pairs; None for the
    baseline itself, and if a value is not above zero.
    """

    variant: str
    rank: float
    ratio: Estimate | None


@dataclass(frozen=True)
class Across:
    """One metric and baseline on the datasets on which all variants in ``rows`` were measured."""

    metric: str
    better: str
    baseline: str
    datasets: tuple[str, ...]
    rows: tuple[AcrossRow, ...]


def across(
    tables: Sequence[MetricTable], compared: Mapping[str, Sequence[Comparison]]
) -> list[Across]:
    """Return ranks and ratios of the variants that several datasets share.

    A metric counts on a dataset only if it was measured there by one protocol.

    Args:
        tables: a table for each dataset.
        compared: the comparisons of each table, by dataset.

    Returns:
        One entry for each metric and baseline that two or more datasets share.
    """
    by_name = {table.dataset: table for table in tables}
    entries = []
    for (metric, baseline), datasets in _grouped(tables, compared).items():
        shared = set.intersection(*(set(comparisons) for comparisons in datasets.values()))
        if len(datasets) < 2 or not shared:
            continue
        names = tuple(datasets)
        variants = [baseline, *(variant for variant in datasets[names[0]] if variant in shared)]
        measured = [
            (by_name[name], next(iter(comparisons.values())).column)
            for name, comparisons in datasets.items()
        ]
        better: Better = "lower" if measured[0][1].better == "lower" else "higher"
        ranks = mean_ranks(
            [
                [table.row(variant).cells[column.name].estimate.value for variant in variants]
                for table, column in measured
            ],
            better=better,
        )
        rows = [
            AcrossRow(variant, rank, _ratio(variant, baseline, measured))
            for variant, rank in zip(variants, ranks, strict=True)
        ]
        entries.append(Across(metric, better, baseline, names, tuple(rows)))
    return entries


def _grouped(
    tables: Sequence[MetricTable], compared: Mapping[str, Sequence[Comparison]]
) -> dict[tuple[str, str], dict[str, dict[str, Comparison]]]:
    """Return the comparisons that have pairs: by metric and baseline, dataset, and variant."""
    groups: dict[tuple[str, str], dict[str, dict[str, Comparison]]] = {}
    for table in tables:
        for comparison in compared.get(table.dataset, ()):
            column = comparison.column
            if column.metric in table.mixed or not column.better or not comparison.paired:
                continue
            datasets = groups.setdefault((column.metric, comparison.baseline), {})
            datasets.setdefault(table.dataset, {})[comparison.variant] = comparison
    return groups


def _ratio(
    variant: str, baseline: str, measured: Sequence[tuple[MetricTable, MetricColumn]]
) -> Estimate | None:
    """Return the geometric mean of a variant's ratios to the baseline, seed by seed."""
    if variant == baseline:
        return None
    strata = []
    for table, column in measured:
        treatment, base = (table.row(name).values_by_seed(column) for name in (variant, baseline))
        pairs = [(treatment[seed], base[seed]) for seed in treatment if seed in base]
        if not pairs or min(min(pair) for pair in pairs) <= 0:
            return None
        strata.append([math.log(value / base_value) for value, base_value in pairs])
    mean = stratified_interval(strata)
    low, high = (None if end is None else math.exp(end) for end in (mean.low, mean.high))
    return Estimate(math.exp(mean.value), low, high, mean.n, mean.method)
