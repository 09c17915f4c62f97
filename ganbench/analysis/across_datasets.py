# SPDX-License-Identifier: MIT
"""The same treatments on several datasets: by rank and by ratio to the baseline.

Values of a FID on two datasets have no common scale, so they are never averaged. A rank and the
logarithm of a ratio have one.
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

    ``ratio`` is the geometric mean over datasets of the paired ratios, ``n`` of which there are;
    None for the baseline itself, and where a value is not above zero.
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
    """Return what the same variants come to on more than one dataset, by metric and baseline.

    ``compared`` are the comparisons by dataset. A metric counts on a dataset only if it was
    measured there by one protocol.
    """
    groups: dict[tuple[str, str], dict[str, dict[str, Comparison]]] = {}
    columns: dict[tuple[str, str], MetricColumn] = {}
    for table in tables:
        for one in compared.get(table.dataset, ()):
            column = one.column
            if column.metric in table.mixed or not column.better or not one.paired:
                continue
            columns[column.metric, table.dataset] = column
            group = groups.setdefault((column.metric, one.baseline), {})
            group.setdefault(table.dataset, {})[one.variant] = one
    by_name = {table.dataset: table for table in tables}
    found = []
    for (metric, baseline), sets in groups.items():
        shared = set.intersection(*(set(one) for one in sets.values()))
        names = tuple(sets)
        if len(names) < 2 or not shared:
            continue
        measured = [(by_name[name], columns[metric, name]) for name in names]
        variants = [baseline, *(variant for variant in sets[names[0]] if variant in shared)]
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
        found.append(Across(metric, better, baseline, names, tuple(rows)))
    return found


def _ratio(
    variant: str, baseline: str, measured: Sequence[tuple[MetricTable, MetricColumn]]
) -> Estimate | None:
    """Return the geometric mean of a variant's ratios to the baseline, seed by seed."""
    if variant == baseline:
        return None
    strata = []
    for table, column in measured:
        first, second = (
            {
                one.seed: one.value
                for one in table.row(name).cells[column.name].values
                if one.seed is not None
            }
            for name in (variant, baseline)
        )
        pairs = [(first[seed], second[seed]) for seed in first if seed in second]
        if not pairs or min(min(pair) for pair in pairs) <= 0:
            return None
        strata.append([math.log(one / other) for one, other in pairs])
    mean = stratified_interval(strata)
    low, high = (None if end is None else math.exp(end) for end in (mean.low, mean.high))
    return Estimate(math.exp(mean.value), low, high, mean.n, mean.method)
