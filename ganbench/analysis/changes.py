# SPDX-License-Identifier: MIT
"""What changed between two sets of runs: variants, outcomes, means and verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganbench.analysis.judged_tables import judge_tables
from ganbench.analysis.significance import PairedDifference, paired_difference
from ganbench.analysis.stats import Estimate
from ganbench.analysis.tables import MetricColumn, MetricTable, VariantRow, metric_table
from ganbench.errors import UnknownNameError, suggest
from ganbench.records.run_record import RunRecord


@dataclass(frozen=True)
class MeanChange:
    """A mean of a variant before and after.

    ``shared`` counts the seeds that both have, ``equal`` those of them whose values are the same
    to the last bit. ``paired`` is the difference over shared seeds, after minus before; None
    without any. Where one side was not measured by this protocol, its estimate is None.
    """

    dataset: str
    variant: str
    column: MetricColumn
    before: Estimate | None
    after: Estimate | None
    shared: int = 0
    equal: int = 0
    paired: PairedDifference | None = None

    @property
    def changed(self) -> bool:
        """Whether anything differs: values, seeds, or whether it was measured at all."""
        if self.before is None or self.after is None:
            return True
        return not self.shared == self.equal == self.before.n == self.after.n

    def record(self) -> dict[str, Any]:
        """Return the change as plain data."""
        difference = self.paired.difference if self.paired else None
        return {
            "dataset": self.dataset,
            "variant": self.variant,
            "metric": self.column.metric,
            "protocol": self.column.protocol,
            "before": self.before.value if self.before else None,
            "before_n": self.before.n if self.before else 0,
            "after": self.after.value if self.after else None,
            "after_n": self.after.n if self.after else 0,
            "shared": self.shared,
            "equal": self.equal,
            "difference": difference.value if difference else None,
            "low": difference.low if difference else None,
            "high": difference.high if difference else None,
            "p_value": self.paired.t_p_value if self.paired else None,
        }


@dataclass(frozen=True)
class TextChange:
    """Words about a variant before and after: how its runs ended, or a verdict on it."""

    dataset: str
    variant: str
    about: str
    before: str
    after: str

    def record(self) -> dict[str, Any]:
        """Return the change as plain data."""
        return dict(vars(self))


@dataclass(frozen=True)
class Changes:
    """All that changed from some runs to others.

    ``compared`` counts the means that both have. The runs themselves are counted by ``before``
    and ``after``.
    """

    before: int
    after: int
    compared: int
    means: tuple[MeanChange, ...]
    outcomes: tuple[TextChange, ...]
    verdicts: tuple[TextChange, ...]

    def record(self) -> dict[str, Any]:
        """Return the changes as plain data."""
        return {
            "runs": {"before": self.before, "after": self.after},
            "means_compared": self.compared,
            "means": [change.record() for change in self.means],
            "outcomes": [change.record() for change in self.outcomes],
            "verdicts": [change.record() for change in self.verdicts],
        }


def changes_between(
    before: Sequence[RunRecord],
    after: Sequence[RunRecord],
    *,
    baseline: str | None = None,
    metric: str | None = None,
) -> Changes:
    """Return what changed between two sets of runs, with their labels.

    Means are of the same variant, dataset, metric and protocol; a metric that was measured by
    another protocol counts as another metric, and is never subtracted.

    Args:
        before: The earlier runs.
        after: The later runs.
        baseline: What the treatments of both are compared with; None chooses as a report does.
        metric: The primary metric of both; None chooses as a report does.

    Raises:
        UnknownNameError: No run belongs to the baseline, or none has the metric.
    """
    known = {name for run in (*before, *after) for name in run.metrics}
    if metric is not None and metric not in known:
        raise UnknownNameError(
            f"No run has the metric '{metric}'. {suggest(metric, known)}".strip(),
            f"There are: {', '.join(sorted(known))}." if known else "",
        )
    sides = _tables(before), _tables(after)
    datasets = list(dict.fromkeys([*sides[0], *sides[1]]))
    means = [
        change
        for dataset in datasets
        for change in _mean_changes(dataset, *(side.get(dataset) for side in sides))
    ]
    outcomes = [_outcomes(side) for side in sides]
    verdicts = [_verdicts(side, baseline, metric) for side in sides]
    return Changes(
        before=len(before),
        after=len(after),
        compared=sum(change.before is not None and change.after is not None for change in means),
        means=tuple(change for change in means if change.changed),
        outcomes=tuple(_text_changes(*outcomes)),
        verdicts=tuple(_text_changes(*verdicts)),
    )


def _tables(runs: Sequence[RunRecord]) -> dict[str, MetricTable]:
    datasets = dict.fromkeys(run.dataset for run in runs if run.dataset)
    return {dataset: metric_table(runs, dataset) for dataset in datasets}


def _mean_changes(
    dataset: str, before: MetricTable | None, after: MetricTable | None
) -> Iterator[MeanChange]:
    """Yield every mean of a dataset that one side has, changed or not."""
    sides = [_cells(table) for table in (before, after)]
    for key in dict.fromkeys([*sides[0], *sides[1]]):
        old, new = sides[0].get(key), sides[1].get(key)
        if old is None or new is None:
            column, row = old or new or (None, None)
            assert column is not None
            assert row is not None
            known = row.cells[column.name].estimate
            yield MeanChange(
                dataset, key[0], column, known if old else None, known if new else None
            )
            continue
        values, others = (row.values_by_seed(column) for column, row in (old, new))
        seeds = [seed for seed in values if seed in others]
        earlier, later = [values[seed] for seed in seeds], [others[seed] for seed in seeds]
        yield MeanChange(
            dataset=dataset,
            variant=key[0],
            column=new[0],
            before=old[1].cells[old[0].name].estimate,
            after=new[1].cells[new[0].name].estimate,
            shared=len(seeds),
            equal=sum(a == b for a, b in zip(earlier, later, strict=True)),
            paired=paired_difference(later, earlier) if seeds else None,
        )


def _cells(
    table: MetricTable | None,
) -> dict[tuple[str, str, str], tuple[MetricColumn, VariantRow]]:
    """Return the cells of a table by variant, metric and protocol."""
    if table is None:
        return {}
    return {
        (row.variant, column.metric, column.protocol): (column, row)
        for row in table.rows
        for column in table.columns
        if column.name in row.cells
    }


def _outcomes(tables: Mapping[str, MetricTable]) -> dict[tuple[str, str, str], str]:
    """Return how the runs of each variant ended, by dataset, variant and what it is about."""
    return {
        (dataset, row.variant, "runs"): ", ".join(
            f"{count} {status}" for status, count in row.statuses.items()
        )
        for dataset, table in tables.items()
        for row in table.rows
    }


def _verdicts(
    tables: Mapping[str, MetricTable], baseline: str | None, metric: str | None
) -> dict[tuple[str, str, str], str]:
    """Return the verdicts on primary metrics, by dataset, treatment and what it is about."""
    matrix = judge_tables(list(tables.values()), baseline, metric)
    return {
        (
            judged.table.dataset,
            verdict.comparison.variant,
            f"{verdict.comparison.column.metric}, against {verdict.comparison.baseline}",
        ): verdict.word
        for judged in matrix.datasets
        for verdict in judged.on_main
    }


def _text_changes(
    before: Mapping[tuple[str, str, str], str], after: Mapping[tuple[str, str, str], str]
) -> Iterator[TextChange]:
    for key in dict.fromkeys([*before, *after]):
        old, new = before.get(key, ""), after.get(key, "")
        if old != new:
            yield TextChange(*key, before=old, after=new)
