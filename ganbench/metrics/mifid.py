# SPDX-License-Identifier: MIT
"""FID with a penalty for samples that memorize."""

from __future__ import annotations

import numpy as np
import torch

from ganbench.errors import InputError
from ganbench.evaluation.checks import require_features
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.math.arrays import Array, Features, Indices
from ganbench.evaluation.math.blockwise import blocks, unit_rows
from ganbench.evaluation.math.frechet_value import frechet_value
from ganbench.evaluation.metric import Metric, Value
from ganbench.registry import register

THRESHOLD = 0.1
"""Mean distances from here on are no sign of memorization, and count as 1."""
_NEAR = 1e-5
"""Below this distance, float32 may take another sample for the nearest one."""
_SMALLEST = 1e-14
"""Added to the mean distance, so that copies of all real samples give a number."""
_ROUNDING = float(np.finfo(np.float64).eps) ** 0.5
"""FID of copies may reach this part of the features' variance by rounding: it sums square roots."""


@register("mifid")
class MemorizationInformedDistance(Metric):
    """FID over the mean cosine distance between real samples and their nearest generated ones.

    Paper: Bai et al., 2021, arXiv:2106.03062

    FID / (m + 1e-14), with m the mean over real samples of the smallest 1 - |cos| to a generated
    sample; m counts as 1 where it is >= 0.1. These are the conventions of torchmetrics: rows that
    sum to 0 are left out of m, and the mean is over the real samples. In float64; FID and distances
    below their own rounding error are 0, so that copies of all real samples give 0 in any order,
    also where their features differ in the last bits of float32. The interval is FID's, divided by
    the same number: m is held fixed as well as the reference, so the interval covers what FID's
    does. ``bias`` is FID's, divided likewise. There are none where m is below 1e-5: fresh samples
    would be no copies.
    """

    better = "lower"
    needs = ("moments", "features")
    about_training = True
    parameters = "threshold=0.1"

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return FID of ``fake`` over its memorization distance from ``real.features`` (M, d).

        Raises:
            ConfigError: There are no features, or no moments.
            InputError: There are fewer than two samples on a side, or features that are not finite.
        """
        reals, fakes = require_features(real, fake, metric=self.name, least_real=2, least_fake=2)
        distance = memorization_distance(reals, fakes)
        near = distance < THRESHOLD
        divisor = (distance if near else 1.0) + _SMALLEST
        fid = frechet_value(real, fake, metric="fid")
        value = fid.value / divisor
        if not distance and real.moments is not None:
            variance = float(np.trace(real.moments.covariance))
            value = value if fid.value > _ROUNDING * variance else 0.0
        memorized = ""
        if near:
            memorized = (
                f"real samples are at a mean cosine distance of {distance:.3g} from the nearest "
                f"generated ones, below {THRESHOLD}, and FID is divided by that"
            )
        low, high, bias = (
            None if number is None or distance < _NEAR else number / divisor
            for number in (fid.low, fid.high, fid.bias)
        )
        copied = f"no interval: {'nearly ' if distance else ''}all real samples are copied"
        note = copied if distance < _NEAR else fid.note
        note = f"{note}; mean cosine distance {distance:.3g}"
        of_fid = f"in FID, {fid.warning}" if fid.warning else ""
        warning = "; ".join(filter(None, [memorized, of_fid]))
        return Value(value, low, high, note, bias, warning)


def memorization_distance(real: Features, fake: Features) -> float:
    """Return the mean over real (M, d) of the smallest 1 - |cos| to generated (N, d) features.

    Raises:
        InputError: All rows of one side sum to 0.
    """
    real_rows, fake_rows = _rows_with_sum(real), _rows_with_sum(fake)
    if not len(real_rows) or not len(fake_rows):
        raise InputError("mifid needs features that do not all sum to 0.")
    smallest = np.empty(len(real_rows))
    for rows in blocks(len(real_rows)):
        reals = unit_rows(real[real_rows[rows]])  # (A, d)
        smallest[rows] = _smallest(reals, fake, fake_rows, torch.float32)
        # float32 is near enough to choose the nearest sample, unless there are copies.
        near = rows.start + np.flatnonzero(smallest[rows] < _NEAR)
        if len(near):
            reals = unit_rows(real[real_rows[near]])
            smallest[near] = _smallest(reals, fake, fake_rows, torch.float64)
    rounding = real.shape[1] * float(np.finfo(np.float64).eps)
    return float(np.where(smallest > rounding, smallest, 0.0).mean())


def _smallest(
    reals: Array, fake: Features, fake_rows: Indices, number_format: torch.dtype
) -> Array:
    """Return the smallest 1 - |cos| (A,) from unit rows (A, d) to the chosen rows of ``fake``.

    The nearest sample is chosen in the number format, and its distance told in float64.
    """
    largest, chosen = np.full(len(reals), -1.0), np.zeros(len(reals), dtype=np.int64)
    first = torch.from_numpy(reals).to(number_format)
    for columns in blocks(len(fake_rows)):
        fakes = torch.from_numpy(unit_rows(fake[fake_rows[columns]])).to(number_format)  # (B, d)
        cosines = (first @ fakes.T).abs_()  # (A, B)
        values, indices = (part.numpy() for part in cosines.max(dim=1))
        larger = values > largest
        largest[larger] = values[larger]
        chosen[larger] = fake_rows[columns][indices[larger]]
    exact = np.einsum("bd,bd->b", reals, unit_rows(fake[chosen]))
    distances: Array = 1.0 - np.abs(exact)
    return distances


def _rows_with_sum(features: Features) -> Indices:
    """Return the indices of the rows of features (N, d) that do not sum to 0."""
    sums = np.concatenate([features[rows].sum(axis=1) for rows in blocks(len(features))])
    return np.flatnonzero(sums)
