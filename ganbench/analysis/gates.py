# SPDX-License-Identifier: MIT
"""Bounds for continuous integration: by how much a metric may be worse than the baseline's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ganbench.analysis.comparison import Comparison
from ganbench.errors import ConfigError


@dataclass(frozen=True)
class Bound:
    """A metric, and by how much its mean may be worse: as a share of the baseline's, or as it is.

    ``metric`` is the name of a result, ``fid@mnist-cnn``, or what stands before its network.
    """

    metric: str
    amount: float
    relative: bool

    @property
    def text(self) -> str:
        """The bound as it was given."""
        shown = f"{100 * self.amount:g}%" if self.relative else f"{self.amount:g}"
        return f"{self.metric}:{shown}"

    def concerns(self, metric: str) -> bool:
        """Tell whether a metric is bounded."""
        return self.metric in {metric, metric.partition("@")[0]}


def parse_bound(text: str) -> Bound:
    """Read ``fid:5%`` or ``fid@mnist-cnn:0.5``.

    >>> parse_bound("fid:5%")
    Bound(metric='fid', amount=0.05, relative=True)

    Raises:
        ConfigError: it is neither.
    """
    metric, _, amount = text.rpartition(":")
    relative = amount.endswith("%")
    try:
        number = float(amount.removesuffix("%")) / (100 if relative else 1)
    except ValueError:
        number = -1.0
    if not metric or not 0 <= number < float("inf"):
        raise ConfigError(
            f"'{text}' is no bound: a metric and an amount were expected.",
            "For example: --fail-if-worse fid:5%",
        )
    return Bound(metric.strip().lower(), number, relative)


def check_known(bounds: Sequence[Bound], metrics: Sequence[str]) -> None:
    """Find a bound on something that is not measured before anything is trained.

    Raises:
        ConfigError: no metric has that name.
    """
    for bound in bounds:
        if not any(bound.concerns(metric) for metric in metrics):
            raise ConfigError(
                f"--fail-if-worse {bound.text} is about a metric that is not measured.",
                f"There are: {', '.join(metrics)}.",
            )


def tripped(bounds: Sequence[Bound], comparisons: Sequence[Comparison]) -> list[str]:
    """Return a sentence for each comparison that is beyond a bound.

    What counts is the mean of the paired differences. A treatment of which fewer seeds have a
    value than of the baseline trips as well: its failures are no improvement.
    """
    found = []
    for one in comparisons:
        for bound in bounds:
            if not bound.concerns(one.column.metric):
                continue
            if one.lost or one.paired is None:
                found.append(f"{one.variant}: {one.column.name} is missing for some seeds.")
                continue
            sign = -1.0 if one.column.better == "higher" else 1.0
            difference = one.paired.difference
            worse = sign * (one.relative if bound.relative else difference.value)  # type: ignore[operator]
            if worse > bound.amount:
                by = f"{100 * worse:.3g} %" if bound.relative else f"{worse:.4g}"
                found.append(
                    f"{one.variant} is worse than {one.baseline} in {one.column.name} by {by} "
                    f"over {difference.n} seeds; {bound.text} allows less."
                )
    return found
