# SPDX-License-Identifier: MIT
"""What metrics require of their evidence before they compute."""

from __future__ import annotations

import numpy as np

from ganbench.errors import ConfigError, InputError
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.math.arrays import Array, Features
from ganbench.evaluation.math.blockwise import blocks
from ganbench.evaluation.math.moments import Moments


def require(values: Features | None, kind: str, *, metric: str, least: int) -> Features:
    """Return values (N, ...) as they are, with N at least ``least`` and every number finite.

    They are checked block by block, so that a memory map stays on disk.

    Args:
        values: An array of the evidence, or None where the evidence lacks it.
        kind: What the values are, for messages: ``"features"``.
        metric: The metric's name, for messages.
        least: The smallest number of samples that the metric can do with.

    Raises:
        ConfigError: There are no such values for this data.
        InputError: There are too few samples, or some values are not finite.
    """
    if values is None:
        raise ConfigError(f"{metric} needs {kind}, which this data does not have.")
    if len(values) < least:
        raise InputError(
            f"{metric} needs the {kind} of at least {least} samples, not {len(values)}."
        )
    if not all(np.isfinite(values[rows]).all() for rows in blocks(len(values))):
        raise InputError(f"{metric} needs finite {kind}; some are NaN or infinite.")
    return values


def require_float64(values: Features | None, kind: str, *, metric: str, least: int) -> Array:
    """Return values (N, ...) as ``require`` does, all at once as float64."""
    return np.asarray(require(values, kind, metric=metric, least=least), dtype=np.float64)


def require_held_out(real: Evidence, *, metric: str) -> Evidence:
    """Return the evidence of the held-out real samples.

    Raises:
        ConfigError: There are none.
    """
    if real.held_out is None:
        raise ConfigError(f"{metric} needs held-out real samples, which this data does not have.")
    return real.held_out


def require_features(
    real: Evidence, fake: Evidence, *, metric: str, least_real: int, least_fake: int
) -> tuple[Features, Features]:
    """Return the features (M, d) of the real and (N, d) of the generated samples, checked.

    Raises:
        ConfigError: There are no features.
        InputError: There are too few samples, or features that are not finite or differ in size.
    """
    reals = require(real.features, "real features", metric=metric, least=least_real)
    fakes = require(fake.features, "features", metric=metric, least=least_fake)
    if reals.shape[1] != fakes.shape[1]:
        raise InputError(
            f"{metric} needs features of one size; the real samples have {reals.shape[1]} and the "
            f"generated ones {fakes.shape[1]}.",
            "Describe both with the same network; pixels are compared between images of one size "
            "and number of channels.",
        )
    return reals, fakes


def require_moments(real: Evidence, fake: Evidence, *, metric: str) -> tuple[Moments, Moments]:
    """Return the moments of both sides, of equal size, finite, and of two samples or more each.

    Raises:
        ConfigError: There are no moments.
        InputError: There are fewer than two samples on a side, or features that differ in number
            or are not finite.
    """
    for evidence, side in ((real, "real"), (fake, "fake")):
        if evidence.moments is None and evidence.count >= 2:
            raise ConfigError(f"{metric} needs moments of features, which this data does not have.")
        if evidence.moments is None or evidence.moments.count == 1:
            raise InputError(
                f"{metric} needs the features of at least 2 {side} samples, not {evidence.count}."
            )
        finite = np.isfinite(evidence.moments.mean).all()
        if not (finite and np.isfinite(evidence.moments.covariance).all()):
            raise InputError(
                f"{metric} needs finite features; some of the {side} ones are NaN or infinite."
            )
    assert real.moments is not None
    assert fake.moments is not None
    sizes = len(real.moments.mean), len(fake.moments.mean)
    if sizes[0] != sizes[1]:
        raise InputError(
            f"{metric} needs equally many features on both sides, not {sizes[0]} of the real "
            f"samples and {sizes[1]} of the fake ones.",
            "Describe both with the same network; pixels are compared between images of one size "
            "and number of channels.",
        )
    return real.moments, fake.moments
