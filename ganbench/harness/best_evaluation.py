# SPDX-License-Identifier: MIT
"""The best generator of a run: chosen by some samples, and measured on others.

The best of several noisy numbers is too good: its luck was chosen along with it. Each evaluation
that is the best so far is therefore measured once more, on samples from latents of their own, and
only these measurements are reported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ganbench.records.json_values import as_mapping, as_number
from ganbench.records.primary_metric import primary_rank

APART = "apart"
"""The key of a row of ``metrics.jsonl`` that holds measurements on samples of their own."""

_Rows = Sequence[Mapping[str, Any]]


def leading_metric(metrics: Mapping[str, Any]) -> str | None:
    """Return the metric that chooses: the primary one of a comparison, None without a value.

    That is FID, KID or reverse KL where they are measured, otherwise the first metric.

    Args:
        metrics: Measurements as they are recorded, by name.
    """
    measured = [name for name in metrics if _value(metrics, name) is not None]
    return min(measured, key=primary_rank, default=None)


def is_best(metrics: Mapping[str, Any], earlier: _Rows) -> bool:
    """Tell whether an evaluation is better than all earlier ones, by the metric that chooses.

    Args:
        metrics: Its measurements as they are recorded, by name.
        earlier: The rows of earlier evaluations.
    """
    name = leading_metric(metrics)
    if name is None:
        return False
    own = _goodness(metrics, name)
    return all(own > _goodness(as_mapping(row.get("metrics")), name) for row in earlier)


def best_evaluation(rows: _Rows) -> dict[str, Any]:
    """Return the record of the best evaluation; empty unless there were two to choose from.

    It holds ``kimg``, the ``metric`` that chose, its ``chosen_by`` value, and the ``metrics`` on
    samples apart from those that it was chosen by.

    Args:
        rows: The rows of all evaluations, in their order.
    """
    name = leading_metric(as_mapping(rows[-1].get("metrics"))) if rows else None
    if name is None:
        return {}
    measured = [row for row in rows if _value(as_mapping(row.get("metrics")), name) is not None]
    best = max(measured, key=lambda row: _goodness(as_mapping(row.get("metrics")), name))
    apart = as_mapping(best.get(APART))
    if len(measured) < 2 or name not in apart:
        return {}
    return {
        "kimg": best["kimg"],
        "metric": name,
        "chosen_by": _value(as_mapping(best["metrics"]), name),
        "metrics": dict(apart),
    }


def _value(metrics: Mapping[str, Any], name: str) -> float | None:
    return as_number(as_mapping(metrics.get(name)).get("value"))


def _goodness(metrics: Mapping[str, Any], name: str) -> float:
    """Return a number that is larger for a better value, the smallest where there is no value."""
    value = _value(metrics, name)
    if value is None:
        return float("-inf")
    return value if as_mapping(metrics[name]).get("better") == "higher" else -value
