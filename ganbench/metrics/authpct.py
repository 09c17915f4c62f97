# SPDX-License-Identifier: MIT
"""The share of samples that are not copies of training images."""

from __future__ import annotations

import numpy as np

from ganbench.evaluation.checks import require, require_features
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.math.intervals import BY_WILSON, share_by_wilson
from ganbench.evaluation.math.neighborhoods import real_neighbors
from ganbench.evaluation.math.neighbors import nearest
from ganbench.evaluation.metric import Floor, Metric, Value
from ganbench.registry import register


@register("authpct")
class Authenticity(Metric):
    """Share of samples that are not copies: not nearer to a training image than its neighbors.

    Paper: Alaa et al., 2022, arXiv:2102.08921

    A sample is authentic if its distance to the nearest real sample, t, is > the distance of t to
    its nearest other real sample; Euclidean, decided in float64. The real samples must be those
    that were trained on. The share is between 0 and 1: under the same name, dgm-eval gives percent,
    and fld gives percent less 50. Fresh samples of the real distribution reach 0.6 to 0.8, as the
    floor shows. Each sample is judged by itself, so the value does not depend on how many there
    are, but it does depend on the number of real samples. The interval is Wilson's over the fakes,
    the reference held fixed: on simulated features it covered the expectation in 94 to 98 % of
    trials.
    """

    unit = "share"
    better = "higher"
    needs = ("features",)
    about_training = True
    points = "features"

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the share of ``fake.features`` (N, d) that do not copy ``real.features`` (M, d).

        Raises:
            ConfigError: There are no features.
            InputError: There are too few samples, or features that are not finite.
        """
        reals, fakes = require_features(real, fake, metric=self.name, least_real=2, least_fake=1)
        closest = nearest(fakes, 1, among=reals, device=fake.device)
        apart = real_neighbors(reals, fake.device).squared[closest.indices[:, 0], 0]  # (N,)
        authentic = closest.squared[:, 0] > apart
        return share_by_wilson(int(authentic.sum()), len(authentic), BY_WILSON)

    def floor(self, real: Evidence, n_fake: int) -> Floor:
        """Return the share of real samples that do not copy the others: n_fake does not move it.

        Raises:
            ConfigError: There are no features.
            InputError: There are too few real samples, or some are not finite.
        """
        reals = require(real.features, "real features", metric=self.name, least=3)
        neighbors = real_neighbors(reals, real.device)
        closest = neighbors.indices[:, 0]  # (M,)
        mutual = neighbors.indices[closest, 0] == np.arange(len(reals))
        apart = neighbors.squared[closest, mutual.astype(np.int64)]  # to another than the sample
        note = f"each of the {len(reals):,} real samples among the others"
        return Floor(float((neighbors.squared[:, 0] > apart).mean()), note)
