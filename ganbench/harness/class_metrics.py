# SPDX-License-Identifier: MIT
"""Metrics of each class of samples against the same class of the real ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ganbench.errors import ConfigError, GanbenchError
from ganbench.evaluation.reference import Reference
from ganbench.evaluation.reference_statistics import ReferenceStatistics
from ganbench.samples.sample_set import Samples
from ganbench.samples.subset import of_class


def common_classes(
    fakes: Samples | ReferenceStatistics, reals: Samples | ReferenceStatistics
) -> list[int]:
    """Return the classes of both sets.

    Raises:
        ConfigError: One of the sets has no labels, or they have no class in common.
    """
    for side, samples in (("fake", fakes), ("real", reals)):
        if not isinstance(samples, Samples) or samples.labels is None:
            raise ConfigError(
                f"Metrics for each class need labels, and the {side} samples have none.",
                "Labels are a folder for each class, 'labels' in an npz file, or the classes of a "
                "conditional model.",
            )
    assert isinstance(fakes, Samples)
    assert isinstance(reals, Samples)
    common = np.intersect1d(fakes.labels, reals.labels)  # type: ignore[arg-type]
    if not len(common):
        raise ConfigError("The fake and the real samples have no class in common.")
    return common.tolist()  # type: ignore[no-any-return]


def measured_by_class(
    labels: Sequence[int],
    fakes: Samples | ReferenceStatistics,
    reals: Samples | ReferenceStatistics,
    held_out: Samples | None,
    against: Callable[..., Reference],
    seed: int,
    conditions: Sequence[str],
    failed: dict[str, GanbenchError],
) -> dict[str, dict[str, Any]]:
    """Return the measurements of each class against the same class, by class, then by metric.

    ``labels`` are the common classes, or none if nothing is to be measured by class. ``failed``
    gets the errors of metrics that cannot be had of some class alone.
    """
    by_class: dict[str, dict[str, Any]] = {}
    for label in labels:
        assert isinstance(fakes, Samples)
        assert isinstance(reals, Samples)
        labeled = held_out if held_out is not None and held_out.labels is not None else None
        held = None if labeled is None else of_class(labeled, label)
        reference = against(of_class(reals, label), held_out=held)
        outcome = reference.measure(of_class(fakes, label), seed=seed, conditions=conditions)
        records = {name: measurement.record() for name, measurement in outcome.measured.items()}
        by_class[str(label)] = records
        failed |= {
            f"{name} of class {label}": error
            for name, error in outcome.failed.items()
            if name not in failed
        }
    return by_class
