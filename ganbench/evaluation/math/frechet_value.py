# SPDX-License-Identifier: MIT
"""The Frechet distance as the value of a metric, with its interval, bias, and warnings."""

from __future__ import annotations

import numpy as np

from ganbench.evaluation.checks import require_moments
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.math.arrays import Features
from ganbench.evaluation.math.frechet import Jackknife, frechet_distance, jackknife
from ganbench.evaluation.math.intervals import AT_THIS_N, NOTABLE_BIAS, student_quantile
from ganbench.evaluation.math.memo import Memo
from ganbench.evaluation.math.moments import Moments
from ganbench.evaluation.metric import Floor, Value

NO_PROBE = "only the mean and covariance of the samples are known"
"""Why statistics in a file have no interval."""
_SAME = 1e-12
"""How far sums over the same samples in another order may differ, in units of their spread."""
ENOUGH = 2
"""Samples per feature from which the expected distance is proportional to 1/n, within 5 %."""
_jackknives: Memo[Jackknife] = Memo()


def frechet_value(real: Evidence, fake: Evidence, *, metric: str) -> Value:
    """Return the distance of ``fake.moments`` from ``real.moments``.

    The interval is for the expectation at this n over the generated samples, the reference held
    fixed: value +- t SE, with SE from the delete-one jackknife. ``bias`` is the jackknife's over
    both sides, and over the generated samples alone where ``real.probe`` is not known. There is
    no interval without ``fake.probe``.

    Raises:
        ConfigError: There are no moments.
        InputError: There are fewer than two samples on a side, or features that differ in number
            or are not finite.
    """
    reference, fakes = require_moments(real, fake, metric=metric)
    copied = same_moments(reference, fakes)  # then the distance is all rounding error
    if fake.probe is None or fakes.count < 3:
        reason = NO_PROBE if fake.probe is None else f"there are only {fakes.count} samples"
        return Value(
            0.0 if copied else frechet_distance(reference, fakes),
            note=f"no interval: {reason}",
            warning=singular_warning(reference, fakes),
        )
    estimate = kept_jackknife(reference, fakes, fake.probe)
    distance = 0.0 if copied else estimate.distance
    bias = estimate.bias + reference_bias(real, fakes)
    warning = _warning(distance, bias, reference, fakes)
    if without_spread(reference, fakes):
        note = "no interval: there is no spread among the samples"
        return Value(distance, note=note, warning=warning)
    margin = student_quantile(fakes.count - 1) * estimate.standard_error
    return Value(
        distance,
        max(0.0, distance - margin),
        distance + margin,
        f"{AT_THIS_N}, by a jackknife",
        bias=bias,
        warning=warning,
    )


def kept_jackknife(real: Moments, fake: Moments, probe: Features) -> Jackknife:
    """Return the jackknife of a distance, computed once for metrics that share it."""
    arrays = (real.covariance, fake.covariance, probe)
    return _jackknives.get(arrays, None, lambda: jackknife(real, fake, probe))


def reference_bias(real: Evidence, fakes: Moments) -> float:
    """Return by how much the distance is too large because the real samples are no more.

    It is 0 where the real samples are a file that holds no features of single samples.
    """
    if real.moments is None or real.probe is None or real.moments.count < 3:
        return 0.0
    return jackknife(fakes, real.moments, real.probe).bias


def frechet_floor(real: Evidence, n_fake: int) -> Floor | None:
    """Return the distance expected of ``n_fake`` samples of the real distribution.

    With M real samples it is c (1/M + 1/N), and the jackknife's bias of the real samples from
    themselves is c / M. None where that is not known or does not hold, with fewer than two samples
    for each feature.
    """
    reference = real.moments
    if reference is None or real.probe is None:
        return None
    if min(reference.count, n_fake) < ENOUGH * len(reference.mean):
        return None
    scale = reference.count * jackknife(reference, reference, real.probe).bias
    note = f"expected at {reference.count:,} real and {n_fake:,} fake samples, by a jackknife"
    return Floor(scale * (1.0 / reference.count + 1.0 / n_fake), note)


def singular_warning(real: Moments, fake: Moments) -> str:
    """Return a sentence if too few samples make a covariance singular, or an empty string."""
    size = len(fake.mean)
    too_few = [
        f"{moments.count} {side}"
        for moments, side in ((real, "real"), (fake, "fake"))
        if 0 < moments.count <= size
    ]
    if not too_few:
        return ""
    return f"{' and '.join(too_few)} samples are too few for the covariance of {size} features"


def same_moments(first: Moments, second: Moments) -> bool:
    """Tell whether moments are equal up to the rounding of sums in another order."""
    if first.count != second.count or len(first.mean) != len(second.mean):
        return False
    spread = np.sqrt(np.maximum(first.covariance.diagonal(), 0.0))  # (d,)
    apart = np.abs(first.mean - second.mean) <= _SAME * (spread + np.abs(first.mean))
    bound = _SAME * np.outer(spread, spread)
    return bool(apart.all() and (np.abs(first.covariance - second.covariance) <= bound).all())


def without_spread(real: Moments, fake: Moments) -> bool:
    """Tell whether all generated samples are equal, up to rounding at the scale of the features."""
    scale = float(np.trace(real.covariance) + fake.mean @ fake.mean)
    return float(np.trace(fake.covariance)) <= float(np.finfo(np.float64).eps) * scale


def _warning(distance: float, bias: float, real: Moments, fake: Moments) -> str:
    sentences = [singular_warning(real, fake)]
    if distance and bias > NOTABLE_BIAS * distance:
        # By chance a value may be below the bias, which is about the bias of the expectation.
        part = f"about {bias:.3g}" if bias < 0.9 * distance else "nearly all"
        counts = f"{real.count:,} real and {fake.count:,} fake" if real.count else f"{fake.count:,}"
        sentences.append(
            f"{part} of the {distance:.3g} is there because there are only {counts} samples: "
            "compare only at equal counts"
        )
    return "; ".join(filter(None, sentences))
