# SPDX-License-Identifier: MIT
"""FID extrapolated to infinitely many samples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ganbench.evaluation.checks import require, require_moments
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.math.arrays import Array, Features, Indices
from ganbench.evaluation.math.blockwise import blocks
from ganbench.evaluation.math.frechet import frechet_distance, jackknife
from ganbench.evaluation.math.frechet_value import (
    ENOUGH,
    NO_PROBE,
    frechet_floor,
    reference_bias,
    singular_warning,
    without_spread,
)
from ganbench.evaluation.math.intervals import NOTABLE_BIAS, student_quantile
from ganbench.evaluation.math.moments import Moments, RunningMoments
from ganbench.evaluation.metric import Floor, Metric, Value
from ganbench.evaluation.protocol import PROTOCOL_SEED
from ganbench.registry import register

SIZES = 15
LEAST = 2 * SIZES
NOTABLE_BEND = 1.5
"""Measured bends of a straight line are within 1.5 margins in nearly all simulations."""
_BLOCK = 4096


@register("fid-infinity")
class FIDInfinity(Metric):
    """FID at infinitely many generated samples, by a straight line through FID against 1/n.

    Paper: Chong & Forsyth, 2020, arXiv:1911.07023

    FID of the first n_k samples of a fixed shuffle, for 15 sizes evenly spaced from n/2 to n,
    by least squares on 1/n_k; the value is the intercept, which may be below zero. Moments are
    those of ``fid`` (ddof 1, float64), from one pass with nested sums. The authors and dgm-eval
    go down to min(5000, n/10), with a new shuffle for each size; where that is not far above the
    number of features d, FID is not a straight line: at d = 48, n = 5 d, and equal distributions,
    where 0 is right and FID is 0.46, simulated intercepts are -0.23 from n/10 on and -0.02 from
    n/2 on, with the same spread.

    The interval is intercept +- t SE by the delete-one jackknife of ``fid``, carried through the
    fit (a sample weighs in all sizes that hold it), over the fakes alone, the reference held
    fixed; the reference's own number of samples is not extrapolated, but ``bias`` and a warning
    say by how much it raises the value. What bends the line, a
    term c / n^2, moves the intercept by -2 c / n^2 and the jackknife's estimate, ``fid`` less its
    bias, by -c / n^2. Twice their difference is the other part of ``bias``, and the interval is
    longer by as much at its upper end. Simulated with d of 16, 128, and 400 and n from 2 d to
    50 d, it covered the known value in 94 to 100 % of trials. Below 2 d there is no interval.
    """

    better = "lower"
    needs = ("moments", "features")
    points = "features"
    parameters = f"sizes={SIZES}:n/2..n/shuffle={PROTOCOL_SEED}/ddof=1"

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the intercept for ``fake.features`` (N, d); ``seed`` is not used.

        There is no interval without ``fake.probe``.

        Raises:
            ConfigError: There are no moments, or no features.
            InputError: There are fewer than 30 fakes, or features that differ in number or are
                not finite.
        """
        features = require(fake.features, "features", metric=self.name, least=LEAST)
        reference, fakes = require_moments(real, fake, metric=self.name)
        sizes = np.linspace(len(features) // 2, len(features), SIZES).astype(np.int64)
        distances = [frechet_distance(reference, part) for part in nested(features, sizes)]
        weights = intercept_weights(sizes)
        value = float(weights @ distances)
        warnings = [singular_warning(reference, fakes)]
        reason = ""
        if fake.probe is None:
            reason = NO_PROBE
        elif without_spread(reference, fakes):
            reason = "there is no spread among the samples"
        elif fakes.count < ENOUGH * len(fakes.mean):
            warnings.append(
                f"n = {fakes.count} is below {ENOUGH} times the {len(fakes.mean)} features, where "
                "FID is not a straight line in 1/n: the value is far too low"
            )
            reason = "FID is not a straight line in 1/n here"
        if fake.probe is None or reason:
            warning = "; ".join(filter(None, warnings))
            return Value(value, note=f"no interval: {reason}", warning=warning)
        estimate = jackknife(reference, fakes, fake.probe)
        factor = variance_factor(sizes, weights) * fakes.count
        error = estimate.standard_error * float(np.sqrt(factor))
        margin = student_quantile(fakes.count - 1) * error
        bend = 2.0 * (estimate.distance - estimate.bias - value)
        if bend > NOTABLE_BEND * margin:
            warnings.append(
                f"FID is not a straight line in 1/n here: the value is about {bend:.2g} too low"
            )
        of_reference = reference_bias(real, fakes)
        if of_reference > NOTABLE_BIAS * abs(value):
            warnings.append(
                f"about {of_reference:.2g} of it is there because there are only "
                f"{reference.count:,} real samples, which are not extrapolated"
            )
        return Value(
            value,
            value - margin,
            value + margin + max(0.0, bend),
            "95 % interval for infinitely many fakes, by a jackknife, the reference held fixed",
            bias=of_reference - bend,
            warning="; ".join(filter(None, warnings)),
        )

    def floor(self, real: Evidence, n_fake: int) -> Floor | None:
        """Return what is left of the floor of ``fid`` at infinitely many fakes."""
        if n_fake < LEAST:
            return None
        expected = frechet_floor(real, n_fake)
        if expected is None or expected.value is None:
            return None
        note = f"expected at {real.count:,} real and infinitely many fake samples, by a jackknife"
        return Floor(expected.value * n_fake / (n_fake + real.count), note)


def nested(features: Features, sizes: Indices) -> Iterator[Moments]:
    """Yield the moments of the first n rows of shuffled features (N, d), for growing sizes n."""
    order = np.random.default_rng(PROTOCOL_SEED).permutation(len(features))
    running, done = RunningMoments(), 0
    for size in sizes:
        # Within a step the order is free; a memory map is read fastest in its own order.
        step = np.sort(order[done:size])
        for rows in blocks(len(step), _BLOCK):
            running.add(features[step[rows]])
        done = int(size)
        yield running.moments()


def intercept_weights(sizes: Indices) -> Array:
    """Return weights (K,) that turn values at K sizes into the intercept of their line in 1/n."""
    inverse = 1.0 / sizes
    centered = inverse - inverse.mean()
    weights: Array = 1.0 / len(sizes) - inverse.mean() * centered / (centered @ centered)
    return weights


def variance_factor(sizes: Indices, weights: Array) -> float:
    """Return the variance of the intercept over the variance of one sample's influence.

    A distance at n is its expectation plus the mean of the influences of its n samples. So the
    intercept holds sample i with the weight c_i, the sum of w_k / n_k over the sizes n_k >= i,
    and the factor is the sum of c_i^2.
    """
    shares = np.cumsum((weights / sizes)[::-1])[::-1]  # (K,): c_i of the samples new at each size
    return float(np.diff(sizes, prepend=0) @ np.square(shares))
