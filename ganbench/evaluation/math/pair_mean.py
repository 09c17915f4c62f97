# SPDX-License-Identifier: MIT
"""The mean of distances within pairs that share no image, with its interval."""

from __future__ import annotations

from ganbench.errors import InputError
from ganbench.evaluation.checks import require_float64
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.math.intervals import student_quantile
from ganbench.evaluation.metric import Metric, Value


class PairMetric(Metric):
    """The part that metrics of pairs of images share: they are means within the pairs."""

    compares = False  # any real samples are in the distances already

    def compute(self, real: Evidence, fake: Evidence, *, seed: int) -> Value:
        """Return the mean of ``fake.distances`` (P,); ``real`` and ``seed`` are not used.

        Raises:
            ConfigError: There are no distances.
            InputError: There is no pair, or a distance is not finite.
        """
        within = " within a class" if "class-pairs" in self.needs else ""
        return mean_of_pairs(fake, metric=self.name, within=within)


def mean_of_pairs(evidence: Evidence, *, metric: str, within: str = "") -> Value:
    """Return the mean of ``evidence.distances`` (P,), with Student's t interval (ddof 1).

    No image is in two pairs, so the distances are independent and the interval is that of an
    ordinary mean. The mean has no bias: its expectation does not depend on P.

    Args:
        evidence: Evidence with distances, which may also be similarities.
        metric: The metric's name, for messages.
        within: What the pairs are drawn from, for messages: ``" within a class"``.

    Raises:
        ConfigError: There are no distances.
        InputError: There is no pair, or a distance is not finite.
    """
    distances = require_float64(evidence.distances, "distances", metric=metric, least=0)
    count = len(distances)
    if not count:
        raise InputError(
            f"{metric} needs at least one pair{within}, and {evidence.count} samples give none."
        )
    mean = float(distances.mean())
    if count == 1:
        return Value(mean, note="no interval: there is only one pair")
    error = float(distances.std(ddof=1)) / count**0.5
    if error <= 1e-12 * abs(mean):
        return Value(mean, note=f"no interval: all {count} pairs{within} are equally far apart")
    margin = student_quantile(count - 1) * error
    note = f"95 % t interval over {count} independent pairs{within}"
    return Value(mean, mean - margin, mean + margin, note)
