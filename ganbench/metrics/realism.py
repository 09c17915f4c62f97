# SPDX-License-Identifier: MIT
"""How close samples are to real ones, for the spread of real ones there."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from scipy.stats import binom

from ganbench.evaluation.checks import require_features
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.math.intervals import NO_SPREAD, all_equal
from ganbench.evaluation.math.neighborhoods import IMPROVED_K
from ganbench.evaluation.math.sample_scores import realism_scores
from ganbench.evaluation.metric import Metric, PointSupport, Value
from ganbench.registry import register


@register("realism")
class Realism(Metric):
    """Median realism score of the samples: above 1, most of them lie among real samples.

    Paper: Kynkaanniemi et al., 2019, arXiv:1904.06991

    The realism of a sample is the largest ratio, over real samples, of the distance of the real
    sample to its third nearest real neighbor (k = 3) to its distance from the generated sample.
    Real samples whose own distance is above the median are left out, as in the paper. A copy of one
    that counts has an infinite score, so the set has the median of its samples rather than the
    mean. The interval is over the fakes, from their order statistics, the reference held fixed: it
    assumes no distribution.
    """

    better = "higher"
    needs = ("features",)
    points: ClassVar[PointSupport] = "features"
    parameters = "k=3/median"

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the median realism of ``fake.features`` (N, d); ``seed`` is not used.

        Raises:
            ConfigError: There are no features.
            InputError: There are too few samples, or features that are not finite.
        """
        reals, fakes = require_features(
            real, fake, metric=self.name, least_real=IMPROVED_K + 1, least_fake=1
        )
        scores = np.sort(realism_scores(reals, fakes, fake.device))
        value = float(np.median(scores))
        if not math.isfinite(value):
            return Value(value, warning="at least half of the samples are copies of real ones")
        rank = int(binom.ppf(0.025, len(scores), 0.5))
        if rank < 1 or all_equal(scores):
            return Value(value, note=NO_SPREAD)
        low, high = float(scores[rank - 1]), float(scores[len(scores) - rank])
        note = "95 % interval over the fakes by order statistics, the reference held fixed"
        if not math.isfinite(high):
            return Value(value, note="no interval: too many samples are copies of real ones")
        return Value(value, low, high, note)
