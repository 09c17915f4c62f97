# SPDX-License-Identifier: MIT
"""The Inception Score's formula on the probabilities of any classifier."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import rel_entr, xlogy

from ganbench.evaluation.checks import require
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.math.arrays import Array, Features
from ganbench.evaluation.math.blockwise import blocks
from ganbench.evaluation.math.intervals import NORMAL_QUANTILE, NOTABLE_BIAS
from ganbench.evaluation.metric import Metric, Value
from ganbench.evaluation.protocol import PROTOCOL_SEED
from ganbench.registry import register

_RESAMPLES = 200
SPLITS = 10
_BLOCK = 2000


@register("is")
class InceptionScore(Metric):
    """How sure a classifier is of each image, and how many classes it sees in all.

    Paper: Salimans et al., 2016, arXiv:1606.03498

    exp of the mean over samples of KL(p(y|x) || p(y)), natural logarithm, float64, no eps, over
    all samples at once: one split, not the ten of the original code, whose mean depends on the
    size of a split. The note says what ten would give. Between 1 and the number of classes.
    Images read channel by channel count the tuple of classes as one class of the product
    distribution. StudioGAN adds the bias of the last layer to the logits; torchmetrics computes in
    float32 and may make fewer than ten splits.

    The interval is for the expectation at this n: exp(log IS +- 1.96 SE), with SE the standard
    deviation (ddof 1) of log IS over 200 bootstrap resamples of the samples. It covered the
    expectation in 89 to 98 % of simulated trials with n from 50 to 5,000 and 10 to 1,000 classes.
    ``bias`` is the bootstrap's, too: p(y) of n samples is less even than p(y) of infinitely many,
    so the score is too low. With as many samples as classes or more, the bootstrap sees 70 to
    100 % of what is missing. With fewer, it knows nothing of the classes not met yet, and sees
    less.
    """

    better = "higher"
    needs = ("probabilities",)
    compares = False
    parameters = "splits=1"

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the score of ``fake.probabilities``, (N, K) or (N, C, K); ``real`` is not used.

        Raises:
            ConfigError: There are no probabilities.
            InputError: There are fewer than two samples, or probabilities that are not finite.
        """
        probabilities = require(fake.probabilities, "probabilities", metric=self.name, least=2)
        count = len(probabilities)
        resampled = np.random.default_rng(seed).multinomial(
            count, np.full(count, 1 / count), size=_RESAMPLES
        )
        weights = np.concatenate([np.ones((1, count)), resampled]) / count  # the first is the data
        entropies, marginals = _summary(probabilities, weights)
        logarithms = _entropy(marginals) - weights @ entropies  # (1 + R,)
        value = float(np.exp(max(0.0, logarithms[0])))
        error = float(logarithms[1:].std(ddof=1))
        if error < 1e-9:
            return Value(value, note="no interval: every sample has the same probabilities")
        # What a resample changes is linear in its weights, and of mean zero, except for this.
        lost = float(rel_entr(marginals[1:], marginals[0]).sum(axis=1).mean())
        bias = value * (1.0 - float(np.exp(lost)))
        margins = np.array([-NORMAL_QUANTILE, NORMAL_QUANTILE]) * error
        low, high = np.exp(logarithms[0] + margins)
        notes = [f"95 % interval from {_RESAMPLES} bootstrap resamples, on the logarithm"]
        if count >= SPLITS:
            mean, deviation = split_scores(probabilities)
            notes.append(f"{SPLITS} splits would give {mean:.4g} +- {deviation:.2g}")
        return Value(
            value,
            max(1.0, float(low)),
            min(_number_of_classes(probabilities), float(high)),
            "; ".join(notes),
            bias=bias,
            warning=_warning(value, bias, count),
        )


def split_scores(
    probabilities: Features, splits: int = SPLITS, *, shuffle_seed: int | None = PROTOCOL_SEED
) -> tuple[float, float]:
    """Return the mean and standard deviation (ddof 0) of the scores of parts of the samples.

    This is torch-fidelity's convention and the convention of most published numbers. Part i holds
    the rows from i N // splits up to (i + 1) N // splits. The deviation between parts is no
    standard error of the mean.

    Args:
        probabilities: Rows (N, K) or (N, C, K).
        splits: The number of parts.
        shuffle_seed: Rows are permuted by numpy's ``RandomState`` with this seed; None keeps
            their order.

    Raises:
        ValueError: There are fewer samples than splits.
    """
    count = len(probabilities)
    if not 1 <= splits <= count:
        raise ValueError(f"{count} samples cannot be split into {splits} parts.")
    order = np.arange(count)
    if shuffle_seed is not None:
        order = np.random.RandomState(shuffle_seed).permutation(count)
    weights = np.zeros((splits, count))
    for part in range(splits):
        rows = order[part * count // splits : (part + 1) * count // splits]
        weights[part, rows] = 1.0 / len(rows)
    scores = np.exp(log_scores(probabilities, weights))
    return float(scores.mean()), float(scores.std())


def log_scores(probabilities: Features, weights: Array) -> Array:
    """Return log IS (R,) of probabilities (N, C, K) or (N, K) for R rows of weights (R, N).

    The weights of a row add up to 1. The mean KL divergence is the entropy of the mean minus the
    mean of the entropies.
    """
    entropies, marginals = _summary(probabilities, weights)
    scores: Array = _entropy(marginals) - weights @ entropies
    return scores.clip(min=0.0)


def _summary(probabilities: Features, weights: Array) -> tuple[Array, Array]:
    """Return the entropy (N,) of each sample, and the mean (R, K^C) under each row of weights."""
    entropies = np.empty(len(probabilities))
    marginals: Array | None = None
    for rows, factors in _factors(probabilities):
        # The entropy of a product distribution is the sum over its factors.
        entropies[rows] = _entropy(factors).sum(axis=1)
        part = weights[:, rows] @ _joint(factors)  # (R, K^C)
        marginals = part if marginals is None else marginals + part
    assert marginals is not None
    return entropies, marginals


def _factors(probabilities: Features) -> Iterator[tuple[slice, Array]]:
    """Yield blocks of rows and their probabilities (B, C, K) in float64."""
    for rows in blocks(len(probabilities), _BLOCK):
        block = np.asarray(probabilities[rows], dtype=np.float64)
        yield rows, block[:, None, :] if block.ndim == 2 else block


def _joint(factors: Array) -> Array:
    """Return the joint probabilities (B, K^C) of factors (B, C, K): outer products."""
    joint = factors[:, 0]
    for channel in range(1, factors.shape[1]):
        joint = (joint[:, :, None] * factors[:, channel, None, :]).reshape(len(factors), -1)
    return joint


def _entropy(probabilities: Array) -> Array:
    entropy: Array = -xlogy(probabilities, probabilities).sum(axis=-1)
    return entropy


def _number_of_classes(probabilities: Features) -> float:
    """Return the number of classes, or of tuples of classes where there are channels."""
    channels = probabilities.shape[1] if probabilities.ndim == 3 else 1
    return float(probabilities.shape[-1] ** channels)


def _warning(value: float, bias: float, count: int) -> str:
    if -bias <= NOTABLE_BIAS * value:
        return ""
    return f"at least {-bias:.3g} is missing from the {value:.3g} because n is only {count}"
