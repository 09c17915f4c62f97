# SPDX-License-Identifier: MIT
"""How uncommon the samples are that lie among real ones."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from ganbench.evaluation.checks import require_features
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.math.intervals import NO_SPREAD, all_equal, student_quantile
from ganbench.evaluation.math.neighborhoods import IMPROVED_K
from ganbench.evaluation.math.sample_scores import rarity_scores
from ganbench.evaluation.metric import Metric, PointSupport, Value
from ganbench.registry import register


@register("rarity")
class Rarity(Metric):
    """Mean rarity score of the samples that lie among real samples.

    Paper: Han et al., 2023, arXiv:2206.08549

    The rarity of a sample is the smallest radius of the balls around real samples that hold it; the
    radius is the distance to the third nearest real neighbor (k = 3, <=, as in ``precision``). A
    sample in no ball has no score, because nothing says that it is a good one; the note gives the
    share of samples that have one. A high value means samples in sparse regions, in the unit of the
    features: it compares only for one network and one real set. Read it next to ``precision``, and
    next to the floor, which is the rarity of real samples. The interval is Student's over the
    samples with a score, the reference held fixed.
    """

    better = "higher"
    needs = ("features",)
    points: ClassVar[PointSupport] = "features"
    parameters = "k=3/<="

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the mean rarity of ``fake.features`` (N, d); ``seed`` is not used.

        Raises:
            ConfigError: There are no features.
            InputError: There are too few samples, or features that are not finite.
        """
        reals, fakes = require_features(
            real, fake, metric=self.name, least_real=IMPROVED_K + 1, least_fake=1
        )
        scores = rarity_scores(reals, fakes, fake.device)
        scored = scores[~np.isnan(scores)]
        share = f"{len(scored):,} of {len(scores):,} samples lie among real ones"
        if not len(scored):
            return Value(math.nan, note=f"none: {share}")
        value = float(scored.mean())
        if len(scored) < 2 or all_equal(scored):
            return Value(value, note=f"{share}; {NO_SPREAD}")
        error = float(scored.std(ddof=1)) / len(scored) ** 0.5
        margin = student_quantile(len(scored) - 1) * error
        note = f"{share}; 95 % interval over them by Student's formula, the reference held fixed"
        return Value(value, max(0.0, value - margin), value + margin, note)
