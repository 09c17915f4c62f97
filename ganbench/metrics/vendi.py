# SPDX-License-Identifier: MIT
"""The effective number of different samples, from the spectrum of their similarities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy

from ganbench.errors import InputError
from ganbench.evaluation.checks import require
from ganbench.evaluation.evidence import Evidence, random_half
from ganbench.evaluation.math.arrays import Array, Features, Flags
from ganbench.evaluation.math.blockwise import blocks, unit_rows
from ganbench.evaluation.math.intervals import NO_SPREAD, NORMAL_QUANTILE, NOTABLE_BIAS
from ganbench.evaluation.metric import Metric, Value
from ganbench.registry import register

_ROUNDING = 1e-14
"""Eigenvalues add up to 1; those below this are rounding errors of zeros."""


@register("vendi")
class VendiScore(Metric):
    """Effective number of different samples: exp of the entropy of their similarities' spectrum.

    Paper: Friedman and Dieng, 2022, arXiv:2210.02410

    exp of -sum of l log l (natural logarithm, order q = 1) over the eigenvalues l of K / n, with
    K the cosines between features; float64. With n above d these are the eigenvalues of
    X^T X / n, so that memory does not grow with n. Between 1, where all samples are alike, and n
    or d, whichever is smaller; a number of the samples alone.

    The value grows with n: ``bias`` is measured as its mean over two random halves, less the value,
    which is right where the bias falls as 1/n: on simulated features within a fifth for n above d,
    and far too small below. The interval is for the expectation at this n: exp(log V +- 1.96 SE),
    with SE from the influence of each sample on the entropy, -x^T log(X^T X / n) x. On simulated
    features it covered the expectation in 93 to 96 % of trials where n was 4 d or more, and in 87
    to 90 % below.
    """

    better = "higher"
    needs = ("features",)
    compares = False
    parameters = "cosine/q=1"

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the score of ``fake.features`` (N, d); ``real`` and ``seed`` are not used.

        Raises:
            ConfigError: There are no features.
            InputError: There are no samples, or features that are not finite, or all 0.
        """
        features = require(fake.features, "features", metric=self.name, least=1)
        count = len(features)
        spectrum = spectral_entropy(features, random_half(count))
        value = float(np.exp(spectrum.entropy))
        halves = spectrum.halves
        bias = float(np.exp(halves).mean()) - value if len(halves) else None
        warning = ""
        if bias is not None and -bias > NOTABLE_BIAS * value:
            warning = (
                f"{count:,} samples are few: with half of them the Vendi score is "
                f"{value + bias:.4g} instead of {value:.4g}, so compare it only at equal counts"
            )
        error = float(spectrum.influences.std(ddof=1)) / count**0.5 if count > 1 else 0.0
        if error < 1e-9:
            return Value(value, note=NO_SPREAD, bias=bias, warning=warning)
        margins = np.array([-NORMAL_QUANTILE, NORMAL_QUANTILE]) * error
        low, high = np.exp(spectrum.entropy + margins)
        note = "95 % interval for the expectation at this n, from the influence of each sample"
        return Value(value, max(1.0, float(low)), float(high), note, bias, warning)


@dataclass(frozen=True)
class SpectralEntropy:
    """The entropy () of the spectrum of N samples, and of parts of them.

    ``influences`` (N,) are those of the samples; ``halves`` (2,) are the entropies of two halves,
    empty where one of them has no samples.
    """

    entropy: Array
    influences: Array
    halves: Array


def spectral_entropy(features: Features, half: Flags) -> SpectralEntropy:
    """Return the entropy of features (N, d); ``half`` (N,) marks the second half.

    Raises:
        InputError: The features of a sample are all 0.
    """
    if len(features) > features.shape[1]:
        return _of_covariance(features, half)
    return _of_similarities(features, half)


def _of_covariance(features: Features, half: Flags) -> SpectralEntropy:
    """Compute with X^T X (d, d), which is the smaller matrix for many samples."""
    count, size = features.shape
    grams = [np.zeros((size, size)), np.zeros((size, size))]
    for rows in blocks(count):
        directions, second = _directions(features[rows]), half[rows]
        grams[0] += directions[~second].T @ directions[~second]
        grams[1] += directions[second].T @ directions[second]
    spectrum, vectors = np.linalg.eigh((grams[0] + grams[1]) / count)
    logarithms = -np.log(spectrum, where=spectrum > _ROUNDING, out=np.zeros(size))
    influences = np.concatenate(
        [np.square(_directions(features[rows]) @ vectors) @ logarithms for rows in blocks(count)]
    )
    counts = [int((~half).sum()), int(half.sum())]
    halves = [gram / n for gram, n in zip(grams, counts, strict=True)] if all(counts) else []
    return SpectralEntropy(_entropy(spectrum), influences, _entropies(halves))


def _of_similarities(features: Features, half: Flags) -> SpectralEntropy:
    """Compute with X X^T (N, N), which is the smaller matrix for few samples."""
    count = len(features)
    directions = _directions(features)
    gram = directions @ directions.T
    spectrum, vectors = np.linalg.eigh(gram / count)
    logarithms = -np.log(spectrum, where=spectrum > _ROUNDING, out=np.zeros(count))
    influences = np.square(vectors) @ (count * spectrum.clip(min=0.0) * logarithms)
    parts = [np.flatnonzero(~half), np.flatnonzero(half)]
    if not all(map(len, parts)):
        parts = []
    halves = [gram[np.ix_(rows, rows)] / len(rows) for rows in parts]
    return SpectralEntropy(_entropy(spectrum), influences, _entropies(halves))


def _entropies(matrices: list[Array]) -> Array:
    return np.array([_entropy(np.linalg.eigvalsh(matrix)) for matrix in matrices])


def _entropy(spectrum: Features) -> Array:
    entropy: Array = -xlogy(spectrum, np.maximum(spectrum, _ROUNDING)).sum()
    return entropy


def _directions(features: Features) -> Array:
    """Return rows (B, d) scaled to length 1."""
    if not features.any(axis=1).all():
        raise InputError("vendi needs features that are not all 0; a sample has no others.")
    return unit_rows(features)
