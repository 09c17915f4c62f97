# SPDX-License-Identifier: MIT
"""Stored runs judged as their comparison chose to judge them, unless something else is asked for.

A primary metric or a baseline that is chosen after the numbers are known makes other verdicts. So
runs bring along what their comparison chose, dataset by dataset.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ganbench.analysis.comparison import baseline_names, choose_baseline, compare_to
from ganbench.analysis.tables import MetricTable
from ganbench.analysis.verdicts import JudgedMatrix, judge_matrix


def judge_tables(
    tables: Sequence[MetricTable], baseline: str | None = None, metric: str | None = None
) -> JudgedMatrix:
    """Return the verdicts on the runs of some tables.

    Args:
        tables: the variants of each dataset.
        baseline: the name of the baseline, which counts on the datasets that have it; elsewhere,
            and if it is None, the baseline is the one that the runs' comparison chose.
        metric: the name of the primary metric, likewise.

    Raises:
        UnknownNameError: no table has the baseline that was asked for.
    """
    if baseline is not None and tables and baseline not in baseline_names(tables):
        choose_baseline(tables[0], baseline)
    metrics, compared = {}, []
    for table in tables:
        bases = baseline_names([table])
        known = {name for column in table.columns for name in (column.name, column.metric)}
        runs = [run for row in table.rows for run in row.runs]
        chosen = metric if metric in known else _chosen(run.primary_metric for run in runs)
        if chosen:
            metrics[table.dataset] = chosen
        base = baseline if baseline in bases else _chosen(run.baseline for run in runs)
        compared.append((table, compare_to(table, base if base in bases else None)))
    return judge_matrix(compared, metrics)


def _chosen(names: Iterable[str]) -> str | None:
    """Return the name that all comparisons agree on; None where there is none, or several.

    Runs of no comparison chose nothing.
    """
    different = {name for name in names if name}
    return different.pop() if len(different) == 1 else None
