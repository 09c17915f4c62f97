# SPDX-License-Identifier: MIT
"""FID with a penalty for samples that memorize."""

from __future__ import annotations

import numpy as np
import torch

from ganbench.errors import InputError
from ganbench.evaluation.math.blocks import both, parts
from ganbench.evaluation.math.moments import Array
from ganbench.evaluation.metric import Evidence, Features, Metric, Value
from ganbench.metrics.fid import FrechetDistance
from ganbench.registry import register

THRESHOLD = 0.1
"""Mean distances from here on are no sign of memorization, and are taken for 1."""
_SMALLEST = 1e-14
"""Added to the mean distance, so that copies of all real samples give a number."""


@register("mifid")
class MemorizationInformedDistance(Metric):
    """FID over the mean cosine distance between real samples and their nearest generated ones.

    Paper: Bai et al., 2021, arXiv:2106.03062

    FID / (m + 1e-14), with m the mean over real samples of the smallest 1 - |cos| to a generated
    one; m is taken for 1 where it is >= 0.1. These are the conventions of torchmetrics: rows that
    sum to 0 are left out of m, and the mean is over the real samples. In float64. The interval is
    that of FID, divided by the same number: m is held fixed as well as the reference, so that it
    covers what FID's does. ``bias`` is FID's, divided likewise.
    """

    better = "lower"
    needs = ("moments", "features")
    parameters = "threshold=0.1"

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return FID of ``fake`` over its memorization distance from ``real.features`` (M, d).

        Raises:
            ConfigError: there are no features, or no moments.
            InputError: fewer than two samples on a side, or features that are not finite.
        """
        reals, fakes = both(real, fake, metric="mifid", least_real=2, least_fake=2)
        distance = memorization_distance(reals, fakes)
        near = distance < THRESHOLD
        divisor = (distance if near else 1.0) + _SMALLEST
        fid = FrechetDistance().compute(real, fake, seed=seed)
        warning = fid.warning
        if near:
            found = (
                f"real samples are at a mean cosine distance of {distance:.3g} from the nearest "
                f"generated ones, below {THRESHOLD}, and FID is divided by that"
            )
            warning = "; ".join(filter(None, [found, warning]))
        low, high, bias = (
            None if part is None else part / divisor for part in (fid.low, fid.high, fid.bias)
        )
        note = f"{fid.note}; mean cosine distance {distance:.3g}"
        return Value(fid.value / divisor, low, high, note, bias, warning)


def memorization_distance(real: Features, fake: Features) -> float:
    """Return the mean over real (M, d) of the smallest 1 - |cos| to generated (N, d) features.

    Raises:
        InputError: all rows of one side sum to 0.
    """
    kept_real, kept_fake = _summing(real), _summing(fake)
    if not len(kept_real) or not len(kept_fake):
        raise InputError("mifid needs features that do not all sum to 0.")
    smallest = np.empty(len(kept_real))
    for rows in parts(len(kept_real)):
        mine = _directions(real[kept_real[rows]])
        best, chosen = np.full(len(mine), -1.0), np.zeros(len(mine), dtype=np.int64)
        for columns in parts(len(kept_fake)):
            block = _rounded(mine) @ _rounded(_directions(fake[kept_fake[columns]])).T
            values, indices = (part.numpy() for part in block.abs_().max(dim=1))
            better = values > best
            best[better] = values[better]
            chosen[better] = kept_fake[columns][indices[better]]
        # The choice is float32's, which is near enough; its distance is not.
        cosines = np.einsum("bd,bd->b", mine, _directions(fake[chosen]))
        smallest[rows] = 1.0 - np.abs(cosines)
    return max(0.0, float(smallest.mean()))


def _summing(features: Features) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    sums = np.concatenate([features[part].sum(axis=1) for part in parts(len(features))])
    return np.flatnonzero(sums)


def _directions(features: Features) -> Array:
    values = np.asarray(features, dtype=np.float64)
    directions: Array = values / np.linalg.norm(values, axis=1, keepdims=True)
    return directions


def _rounded(values: Array) -> torch.Tensor:
    return torch.from_numpy(values.astype(np.float32))
