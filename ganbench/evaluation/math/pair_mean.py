# SPDX-License-Identifier: MIT
"""The mean of distances between pairs that share no image, with its interval."""

from __future__ import annotations

from scipy.stats import t as student

from ganbench.errors import InputError
from ganbench.evaluation.checks import checked
from ganbench.evaluation.metric import Evidence, Value


def mean_of_pairs(evidence: Evidence, *, metric: str, within: str = "") -> Value:
    """Return the mean of ``evidence.distances`` (P,), with Student's t interval (ddof 1).

    No image is in two pairs, so that the distances are independent and the interval is that of
    an ordinary mean. The mean has no bias: its expectation does not depend on P.

    Raises:
        ConfigError: there are no distances.
        InputError: there is no pair, or a distance is not finite.
    """
    distances = checked(evidence.distances, "distances", metric=metric, least=0)
    count = len(distances)
    if not count:
        raise InputError(
            f"{metric} needs at least one pair{within}, and {evidence.count} samples give none."
        )
    mean = float(distances.mean())
    if count == 1:
        return Value(mean, note="no interval: there is one pair alone")
    error = float(distances.std(ddof=1)) / count**0.5
    if error <= 1e-12 * abs(mean):
        return Value(mean, note=f"no interval: all {count} pairs{within} are equally far apart")
    margin = float(student.ppf(0.975, count - 1)) * error
    note = f"95 % t interval over {count} independent pairs{within}"
    return Value(mean, mean - margin, mean + margin, note)
