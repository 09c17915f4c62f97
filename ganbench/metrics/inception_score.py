# SPDX-License-Identifier: MIT
"""The Inception Score's formula on the probabilities of any classifier."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import xlogy

from ganbench.metrics.checks import checked
from ganbench.metrics.metric import Array, Evidence, Metric, Value
from ganbench.registry import register

RESAMPLES = 200
_BLOCK = 2000


@register("is")
class InceptionScore(Metric):
    """How sure a classifier is of each image, and how many classes it sees in all.

    Paper: Salimans et al., 2016, arXiv:1606.03498

    exp of the mean over samples of KL(p(y|x) || p(y)), natural logarithm, float64, over all
    samples at once: one split, not the ten of the original code, whose mean depends on the size
    of a split. Between 1 and the number of classes. Images read channel by channel count the
    tuple of classes as one class of the product distribution. The interval is
    exp(log IS +- 1.96 SE), with SE the standard deviation of log IS over 200 bootstrap resamples
    of the samples.
    """

    better = "higher"
    needs = ("probabilities",)
    parameters = "splits=1"

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the score of ``fake.probabilities``, (N, K) or (N, C, K); ``real`` is not used.

        Raises:
            ConfigError: there are no probabilities.
            InputError: fewer than two samples, or probabilities that are not finite.
        """
        given = checked(fake.probabilities, "probabilities", metric="is", least=2)
        probabilities = given[:, None, :] if given.ndim == 2 else given  # (N, C, K)
        count = len(probabilities)
        resampled = np.random.default_rng(seed).multinomial(
            count, np.full(count, 1 / count), size=RESAMPLES
        )
        weights = np.concatenate([np.ones((1, count)), resampled]) / count  # the first is the data
        logarithms = log_scores(probabilities, weights)
        value = float(np.exp(logarithms[0]))
        error = float(logarithms[1:].std(ddof=1))
        if error < 1e-9:
            return Value(value, note="no interval: every sample has the same probabilities")
        classes = probabilities.shape[2] ** probabilities.shape[1]
        low, high = np.exp(logarithms[0] + np.array([-1.96, 1.96]) * error)
        note = f"95 % interval from {RESAMPLES} bootstrap resamples, on the logarithm"
        return Value(value, max(1.0, float(low)), min(float(classes), float(high)), note)


def log_scores(probabilities: Array, weights: Array) -> Array:
    """Return log IS (R,) of probabilities (N, C, K) for each row of weights (R, N) that add to 1.

    The mean KL divergence is the entropy of the mean minus the mean of the entropies, and the
    entropy of a product distribution is the sum over its C factors.
    """
    entropies = -xlogy(probabilities, probabilities).sum(axis=(1, 2))  # (N,)
    marginal = sum(weights[:, rows] @ joint for rows, joint in _joint_blocks(probabilities))
    scores: Array = -xlogy(marginal, marginal).sum(axis=1) - weights @ entropies
    return scores.clip(min=0.0)


def _joint_blocks(probabilities: Array) -> Iterator[tuple[slice, Array]]:
    """Yield rows and their joint probabilities (B, K^C): the outer product over channels."""
    for start in range(0, len(probabilities), _BLOCK):
        rows = slice(start, start + _BLOCK)
        block = probabilities[rows]
        joint = block[:, 0]
        for channel in range(1, block.shape[1]):
            joint = (joint[:, :, None] * block[:, channel, None, :]).reshape(len(block), -1)
        yield rows, joint
