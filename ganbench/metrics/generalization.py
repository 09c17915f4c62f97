# SPDX-License-Identifier: MIT
"""FID against training images, against held-out ones, and how far the two are apart."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np

from ganbench.evaluation.checks import require, require_held_out
from ganbench.evaluation.evidence import Evidence, random_probe
from ganbench.evaluation.math.arrays import Indices
from ganbench.evaluation.math.frechet_value import (
    frechet_floor,
    frechet_value,
    kept_jackknife,
    without_spread,
)
from ganbench.evaluation.math.intervals import NO_SPREAD, student_quantile
from ganbench.evaluation.metric import Floor, Metric, Value
from ganbench.evaluation.protocol import PROTOCOL_SEED
from ganbench.registry import register


class SplitDistance(Metric):
    """The part that distances from two splits share: both splits at the same count."""

    better = "lower"
    needs = ("moments", "features")
    points = "features"
    holds_out = True
    parameters = "ddof=1/equal-counts"
    split: ClassVar[int]
    """Which of the splits the samples are compared with: 0 for training, 1 for held out."""

    def splits(self, real: Evidence) -> tuple[Evidence, Evidence]:
        """Return equally many training and held-out samples: a random part of the larger split.

        Raises:
            ConfigError: There are no held-out samples, or no features.
            InputError: A split has fewer than two samples, or features that are not finite.
        """
        held_out = require_held_out(real, metric=self.name)
        count = min(real.count, held_out.count)
        parts = []
        for side, kind in ((real, "training features"), (held_out, "held-out features")):
            require(side.features, kind, metric=self.name, least=2)
            random = np.random.default_rng(PROTOCOL_SEED)
            whole = side.count == count
            parts.append(side if whole else _part_of(side, random.permutation(side.count)[:count]))
        return parts[0], parts[1]

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the distance of ``fake.moments`` from its split; ``seed`` is not used.

        Raises:
            ConfigError: There are no held-out samples, no features, or no moments.
            InputError: There are too few samples, or features that are not finite.
        """
        return frechet_value(self.splits(real)[self.split], fake, metric=self.name)

    def floor(self, real: Evidence, n_fake: int) -> Floor | None:
        """Return FID's floor at the count of the smaller split."""
        return frechet_floor(self.splits(real)[0], n_fake) or Floor(
            None, "none: fewer than two samples for each feature"
        )


@register("fid-train")
class DistanceFromTraining(SplitDistance):
    """FID against training images, as many of them as there are held-out ones.

    Paper: Heusel et al., 2017, arXiv:1706.08500

    Its partner is ``fid-test``: the same samples, at the same counts. Value, interval, bias, and
    warnings are as in ``fid``. Where the splits differ in size, a random part of the larger one is
    taken, always the same.
    """

    split = 0


@register("fid-test")
class DistanceFromHeldOut(SplitDistance):
    """FID against held-out images, as many of them as training ones where those are fewer.

    Paper: Heusel et al., 2017, arXiv:1706.08500

    Value, interval, bias, and warnings are as in ``fid``, and counts as in ``fid-train``.
    """

    split = 1


@register("fid-gap")
class GeneralizationGap(SplitDistance):
    """``fid-test`` minus ``fid-train``: above 0 if samples are nearer to images trained on.

    Paper: Heusel et al., 2017, arXiv:1706.08500

    A gap shows a generator that fits the peculiarities of its training set. FID compares
    distributions, and sees no copies: those of all 4,000 digits of ``mnist5k`` have no gap beyond
    chance, where ``data-copying`` is far below 0. The bias of FID is
    that of both, and cancels as far as the splits have one distribution: the expected gap of
    samples that owe nothing to either split is 0, which is the floor. The interval is over the
    fakes, both splits held fixed: the delete-one jackknife of the difference, whose two distances
    are of the same samples. It does not cover the splits, which may differ by chance; the note
    gives both distances.
    """

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the difference of the distances; ``seed`` is not used.

        Raises:
            ConfigError: There are no held-out samples, no features, or no moments.
            InputError: There are fewer than three generated or two real samples, or features that
                are not finite.
        """
        training, held_out = self.splits(real)
        values = [frechet_value(side, fake, metric=self.name) for side in (held_out, training)]
        gap = values[0].value - values[1].value
        both = f"{values[0].value:.4g} from held-out, {values[1].value:.4g} from training images"
        warning = "; ".join(
            dict.fromkeys(value.warning for value in values if "too few" in value.warning)
        )
        assert training.moments is not None
        assert fake.moments is not None
        if fake.probe is None or fake.count < 3 or without_spread(training.moments, fake.moments):
            return Value(gap, note=f"{NO_SPREAD}; {both}", warning=warning)
        changes = []
        for side in (held_out, training):
            assert side.moments is not None
            changes.append(kept_jackknife(side.moments, fake.moments, fake.probe).changes)
        error = float(np.sqrt((fake.count - 1) * np.var(changes[0] - changes[1])))
        margin = student_quantile(fake.count - 1) * error
        note = f"95 % interval over the fakes by a jackknife, both splits held fixed; {both}"
        return Value(gap, gap - margin, gap + margin, note, warning=warning)

    def floor(self, real: Evidence, n_fake: int) -> Floor | None:
        """Return 0."""
        return Floor(0.0, "expected of samples that owe nothing to either split")


def _part_of(side: Evidence, rows: Indices) -> Evidence:
    """Return the evidence of some rows of a split, with a probe, so that bias is known."""
    part = side.part(rows)
    assert part.features is not None
    return replace(part, probe=part.features[random_probe(part.count)])
