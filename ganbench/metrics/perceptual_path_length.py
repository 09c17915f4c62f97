# SPDX-License-Identifier: MIT
"""Perceptual path length: how much images change along paths through a generator's latents."""

from __future__ import annotations

import numpy as np

from ganbench.evaluation.checks import require_float64
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.math.intervals import student_quantile
from ganbench.evaluation.metric import Metric, Value
from ganbench.evaluation.path_distances import EPSILON
from ganbench.registry import register


class PathLengthMetric(Metric):
    """The part that path lengths share: a mean over steps, without the outermost ones."""

    better = "lower"
    network = "vgg16"
    compares = False  # real images have no latents
    parameters = "epsilon=1e-4/kept=1-99%"

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the mean of ``fake.distances`` (P,) over epsilon^2, outliers left out.

        ``real`` and ``seed`` are not used.

        Raises:
            ConfigError: There are no distances.
            InputError: There is no path, or a distance is not finite.
        """
        distances = require_float64(fake.distances, "steps of paths", metric=self.name, least=1)
        return trimmed_mean(distances / EPSILON**2)


def trimmed_mean(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Value:
    """Return the mean of values (P,) from the 1st to the 99th percentile, with its interval.

    The percentiles are values themselves: the lower neighbor of the 1st, the higher one of the
    99th. The interval is Student's t with the winsorized variance (Tukey & McLaughlin, 1963), for
    the trimmed mean of infinitely many values.
    """
    low = np.percentile(values, 1, method="lower")
    high = np.percentile(values, 99, method="higher")
    kept = values[(low <= values) & (values <= high)]
    mean, count = float(kept.mean()), len(kept)
    if count == 1:
        return Value(mean, note="no interval: there is only one path")
    spread = float(values.clip(low, high).std(ddof=1))
    error = spread * len(values) ** 0.5 / count
    if error <= 1e-12 * abs(mean):
        return Value(mean, note=f"no interval: all {count} steps are equally long")
    margin = student_quantile(count - 1) * error
    note = f"95 % t interval of the trimmed mean, over {count:,} of {len(values):,} random paths"
    return Value(mean, mean - margin, mean + margin, note)


@register("ppl-z")
class PathLengthInZ(PathLengthMetric):
    """Mean LPIPS distance over a step of 1e-4 along random arcs of latents, divided by 1e-8.

    Paper: Karras et al., 2019, arXiv:1812.04948

    The smoother the generator, the lower: it has no upper bound, and 0 is a generator that ignores
    its latents. The step begins anywhere on an arc (``full`` in the paper); latents must be normal.
    Directions move along a great circle and lengths linearly, which is the paper's slerp for
    generators that normalize their latents. Both images share class and noise, and are compared as
    floats by LPIPS of VGG-16, averaged down to 256 pixels where they are twice as large and
    enlarged to 64 where they are smaller: the scale of small images is not that of published
    numbers. There is one path for each sample. Steps below the 1st and above the 99th percentile
    are left out, which with fewer than 200 paths is almost none of them. The interval is that of a
    trimmed mean, over paths, the generator held fixed: it covered the expectation in 94 to 95 % of
    simulated trials with 1,000 log-normal distances, and in 91 to 95 % with 50 or 100.
    """

    needs = ("z-paths",)


@register("ppl-w")
class PathLengthInW(PathLengthMetric):
    """Mean LPIPS distance over a step of 1e-4 on lines between styles, divided by 1e-8.

    Paper: Karras et al., 2019, arXiv:1812.04948

    As ``ppl-z``, but between outputs of the generator's mapping network, which is its module named
    ``mapping``: a straight line, as styles are not normalized. No truncation is added.
    """

    needs = ("w-paths",)


@register("ppl-z-end")
class PathLengthAtEndsInZ(PathLengthMetric):
    """``ppl-z`` of steps that begin at latents rather than between them.

    Paper: Karras et al., 2019, arXiv:1812.04948
    """

    needs = ("z-path-ends",)


@register("ppl-w-end")
class PathLengthAtEndsInW(PathLengthMetric):
    """``ppl-w`` of steps that begin at styles of latents, as StyleGAN2 reports it.

    Paper: Karras et al., 2020, arXiv:1912.04958
    """

    needs = ("w-path-ends",)
