# SPDX-License-Identifier: MIT
"""The course of metrics and losses over training: each seed, and the mean of the seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ganbench.analysis.equal_budgets import metric_curve
from ganbench.analysis.stats import Estimate, mean_interval
from ganbench.analysis.tables import MetricColumn, VariantRow
from ganbench.records.run_record import Curve


@dataclass(frozen=True)
class CurvePoint:
    """The values of one run, by field, at a point of its training."""

    kimg: float
    seconds: float
    values: Mapping[str, float]


@dataclass(frozen=True)
class MeanPoint:
    """The means over runs, by field, with their 95 % t intervals; ``seconds`` is a mean, too."""

    kimg: float
    seconds: float
    values: Mapping[str, Estimate]


@dataclass(frozen=True)
class VariantCurves:
    """The curves of a variant: each run's seed with its points, and the points of the mean."""

    variant: str
    runs: tuple[tuple[int | None, tuple[CurvePoint, ...]], ...]
    mean: tuple[MeanPoint, ...]


def metric_curves(row: VariantRow, fields: Mapping[str, MetricColumn]) -> VariantCurves:
    """Return the course of metrics; ``fields`` maps the name of a field to its metric."""
    curves = [
        {
            field: curve
            for field, column in fields.items()
            if (curve := metric_curve(run, column)) is not None
        }
        for run in row.runs
    ]
    return _variant_curves(row, curves)


def loss_curves(row: VariantRow, fields: Mapping[str, str]) -> VariantCurves:
    """Return the course of losses or logits; ``fields`` maps a field to the recorded name."""
    curves = [
        {
            field: curve
            for field, name in fields.items()
            for curve in run.losses
            if curve.name == name
        }
        for run in row.runs
    ]
    return _variant_curves(row, curves)


def _variant_curves(row: VariantRow, curves: Sequence[Mapping[str, Curve]]) -> VariantCurves:
    """Return the points of all runs, and of the mean of those that ended and did not diverge.

    Where none did, the mean is that of all runs.

    The mean is taken at the points that all of these runs have. A mean over different runs at
    each point would jump for reasons that have nothing to do with the training.
    """
    measured = [(run, _points(fields)) for run, fields in zip(row.runs, curves, strict=True)]
    whole = [
        points for run, points in measured if points and run.counted and run.status != "diverged"
    ]
    averaged = whole or [points for _, points in measured if points]
    by_kimg = [{point.kimg: point for point in points} for points in averaged]
    shared = [
        [points[kimg] for points in by_kimg]
        for kimg in (by_kimg[0] if by_kimg else ())
        if all(kimg in points for points in by_kimg)
    ]
    runs = tuple((run.seed, points) for run, points in measured)
    return VariantCurves(row.variant, runs, tuple(_mean(points) for points in shared))


def _points(curves: Mapping[str, Curve]) -> tuple[CurvePoint, ...]:
    """Return the points of one run in the order of kimg."""
    seconds: dict[float, float] = {}
    values: dict[float, dict[str, float]] = {}
    for field, curve in curves.items():
        for kimg, spent, value in zip(curve.kimg, curve.seconds, curve.values, strict=True):
            seconds.setdefault(kimg, spent)
            values.setdefault(kimg, {})[field] = value
    return tuple(CurvePoint(kimg, seconds[kimg], values[kimg]) for kimg in sorted(values))


def _mean(points: Sequence[CurvePoint]) -> MeanPoint:
    """Return the mean of each field that all points have."""
    first = points[0]
    means = {
        field: mean_interval([point.values[field] for point in points])
        for field in first.values
        if all(field in point.values for point in points)
    }
    return MeanPoint(
        kimg=first.kimg,
        seconds=mean_interval([point.seconds for point in points]).value,
        values={
            # Losses that are about to diverge may be finite, and their mean not.
            field: mean
            for field, mean in means.items()
            if math.isfinite(mean.value)
        },
    )
