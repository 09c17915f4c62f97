# SPDX-License-Identifier: MIT
"""The evidence about one set of samples, from which metrics are computed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ganbench.evaluation.math.arrays import Array, Features, Flags, Indices
from ganbench.evaluation.math.blockwise import blocks
from ganbench.evaluation.math.moments import Moments, RunningMoments, moments
from ganbench.gan import Mixture

PROBE_SIZE = 4096
"""Number of random samples whose features are kept next to streamed moments."""


@dataclass(frozen=True)
class Evidence:
    """Evidence about one set of N samples: only the fields that some metric needs are filled in.

    Attributes:
        count: N; 0 where a file of statistics does not say.
        moments: Mean (d,) and covariance (d, d) of the features.
        probe: Features (n, d) of a random part of the samples, n <= 4,096; present wherever
            moments were computed here.
        features: Features (N, d), mostly float32. They may be a memory map: read them in blocks.
        probabilities: Class probabilities (N, K), float32; (N, C, K) where the network read the
            C channels of an image one by one.
        distances: Distances (P,) within pairs of images, float64.
        points: The samples themselves (N, D), where they are points.
        mixture: The density that points should follow.
        half: (N,) bool, True for the samples in the second of two random halves.
        identical: Whether there is more than one sample and all are equal.
        device: Where features were computed, and where distances between them are computed.
        held_out: For training samples, the evidence of real samples that were not trained on.
    """

    count: int
    moments: Moments | None = None
    probe: Features | None = None
    features: Features | None = None
    probabilities: Features | None = None
    distances: Array | None = None
    points: Array | None = None
    mixture: Mixture | None = None
    half: Flags | None = None
    identical: bool = False
    device: str = "cpu"
    held_out: Evidence | None = None

    def part(self, rows: Indices) -> Evidence:
        """Return the evidence of some samples, by their indices, where rows are known.

        It has no probe, so that metrics of moments make no intervals for it.
        """
        features = None if self.features is None else self.features[rows]
        return Evidence(
            count=len(rows),
            moments=None if self.moments is None else _moments_in_blocks(features),
            features=features,
            probabilities=None if self.probabilities is None else self.probabilities[rows],
            points=None if self.points is None else self.points[rows],
            mixture=self.mixture,
            device=self.device,
        )


def _moments_in_blocks(features: Features | None) -> Moments | None:
    """Return the moments of features (N, d), N >= 2, with no copy of them all in float64."""
    if features is None or len(features) < 2:
        return None
    running = RunningMoments()
    for rows in blocks(len(features)):
        running.add(features[rows])
    return running.moments()


def random_half(count: int, seed: int = 0) -> Flags:
    """Return for ``count`` samples, as (count,) bool, which ones are in the second random half."""
    return np.random.default_rng(seed).random(count) < 0.5


def random_probe(count: int) -> Indices:
    """Return the indices (n,) of the random samples that form the probe, n <= 4,096."""
    return np.random.default_rng(0).permutation(count)[:PROBE_SIZE]


def of_features(features: Features) -> Evidence:
    """Return the evidence in features (N, d) in memory: their moments, probe, and halves."""
    count = len(features)
    return Evidence(
        count=count,
        moments=moments(features) if count > 1 else None,
        probe=features[random_probe(count)],
        features=features,
        half=random_half(count),
    )
