# SPDX-License-Identifier: MIT
"""How far the spread of samples over modes is from an even one, and what chance adds to that."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy
from scipy.stats import binom

from ganbench.evaluation.math.arrays import Array, Indices


def kl_divergence(counts: Indices) -> Array:
    """Return KL(p || uniform) in nats (R,) for each row of counts (R, K) that is not all zero."""
    shares = counts / counts.sum(axis=1, keepdims=True)
    result: Array = xlogy(shares, shares * counts.shape[1]).sum(axis=1)
    return result.clip(min=0.0)


def expected_of_even(modes: int, count: int) -> float:
    """Return the expected divergence in nats of ``count`` samples of an even spread."""
    seen = np.arange(1, count + 1)
    chances = binom.pmf(seen, count, 1 / modes)
    return float(modes * (chances @ xlogy(seen / count, seen / count * modes)))


def plug_in_bias(counts: Indices) -> float:
    """Return by about how many nats the divergence of counts (K,) exceeds that of their source.

    It is the larger of two estimates, each of which is too low where the other holds.
    (k - 1) / 2n for k modes seen (Miller, 1955) holds for many samples per mode. The estimate by
    Chao & Shen (2003, doi:10.1023/A:1026096204727) holds for few: it takes the share of samples
    that are alone in their mode for the share of modes not seen yet, and weighs each mode by the
    inverse of its chance to be seen.
    """
    seen, total = counts[counts > 0], int(counts.sum())
    alone = min(int((seen == 1).sum()), total - 1)  # if all were alone, nothing could be said
    shares = seen / total * (1.0 - alone / total)
    entropy = -float((xlogy(shares, shares) / (1.0 - (1.0 - shares) ** total)).sum())
    plain = -float(xlogy(seen / total, seen / total).sum())
    return max((len(seen) - 1) / (2 * total), min(entropy, float(np.log(len(counts)))) - plain)
