# SPDX-License-Identifier: MIT
"""How many modes are left when the errors of the classifier are taken out of its counts.

Paper: Saerens, Latinne & Decaestecker, 2002, doi:10.1162/089976602753284446

A classifier that errs once in a hundred digits finds samples in modes that are not there. Its
probabilities say how likely each error is, for classes that are equally likely, as they were in
training. The shares of the modes among the samples are the ones under which the probabilities are
likeliest, found by expectation and maximization: samples that an existing mode explains are taken
from the modes that do not exist.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, vstack

from ganbench.evaluation.math.arrays import Array, Features, Indices
from ganbench.evaluation.math.blockwise import blocks
from ganbench.evaluation.math.memo import Memo

LEAST_SHARE = 0.1
"""The part of an even share that a mode must have to count; at least half a sample."""
_NEGLIGIBLE = 1e-6
"""Probabilities of a mode below this are left out: so are most of a thousand modes."""
_STEPS = 200
_SETTLED = 1e-3
"""Samples by which no mode changes any more in the last step."""

_counts: Memo[int] = Memo()


def corrected_modes(probabilities: Features) -> int:
    """Return how many modes hold a tenth of an even share of the samples, errors taken out.

    Args:
        probabilities: Class probabilities (N, K), or (N, C, K) by channel, where modes are tuples.
    """
    return _counts.get((probabilities,), "", lambda: _corrected_modes(probabilities))


def least_samples(count: int, modes: int) -> float:
    """Return the samples that a mode must have to count, of ``count`` in ``modes``."""
    return max(0.5, LEAST_SHARE * count / modes)


def _corrected_modes(probabilities: Features) -> int:
    factors = probabilities[:, None] if probabilities.ndim == 2 else probabilities  # (N, C, K)
    modes = factors.shape[2] ** factors.shape[1]
    expected = expected_counts(factors, seen_modes(factors))
    return int((expected >= least_samples(len(factors), modes)).sum())


def seen_modes(factors: Features) -> Indices:
    """Return the likeliest modes (S,) of samples by factors (N, C, K), each mode once."""
    places = factors.shape[2] ** np.arange(factors.shape[1] - 1, -1, -1)
    return np.unique(factors.argmax(axis=2) @ places)


def expected_counts(factors: Features, modes: Indices) -> Array:
    """Return how many samples (S,) are expected in each of the modes, by factors (N, C, K)."""
    chances = vstack([_chances(factors[rows], modes) for rows in blocks(len(factors))]).tocsr()
    by_mode = chances.T.tocsr()  # (S, N)
    count = len(factors)
    expected = np.full(len(modes), count / len(modes))
    for _ in range(_STEPS):
        previous = expected
        expected = previous * (by_mode @ (1.0 / (chances @ previous)))
        if np.abs(expected - previous).max() < _SETTLED:
            break
    return expected


def _chances(factors: Features, modes: Indices) -> csr_matrix:
    """Return the probabilities (B, S) of modes by factors (B, C, K), without negligible ones."""
    joint = np.asarray(factors[:, 0], dtype=np.float64)
    for channel in range(1, factors.shape[1]):
        joint = (joint[:, :, None] * factors[:, channel, None, :]).reshape(len(factors), -1)
    chosen = joint[:, modes]
    chosen[chosen < _NEGLIGIBLE * chosen.max(axis=1, keepdims=True)] = 0.0
    return csr_matrix(chosen)
