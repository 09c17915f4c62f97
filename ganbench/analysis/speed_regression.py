# SPDX-License-Identifier: MIT
"""Is it slower than before? Two measurements of speed on one machine, case by case."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import mean, variance
from typing import Any

from scipy.stats import t as student

from ganbench.errors import ConfigError
from ganbench.records.speed_record import SpeedCase, SpeedRecord


@dataclass(frozen=True)
class Change:
    """How the speed of training has changed: now over before, with its 95 % interval.

    ``slower`` says that it is below the bound, and that chance does not explain it.
    """

    case: str
    ratio: float
    low: float
    high: float
    rounds: int
    slower: bool = False

    @property
    def sentence(self) -> str:
        """The change in words."""
        ending = "; that is slower than allowed." if self.slower else "."
        return (
            f"{self.case}: {self.ratio:.3f} times as fast as before "
            f"[{self.low:.3f}, {self.high:.3f}], {self.rounds} rounds{ending}"
        )

    @property
    def document(self) -> dict[str, Any]:
        """The change as plain data."""
        return asdict(self)


def changes(now: SpeedRecord, before: SpeedRecord, bound: float | None) -> list[Change]:
    """Compare the cases that both have measured; ``bound`` is the share that may be lost.

    Raises:
        ConfigError: they are of different machines, or have no case in common.
    """
    if different := _different(now.environment, before.environment):
        raise ConfigError(
            f"The baseline was measured elsewhere: {different}.",
            "Speeds compare on one machine, with the same versions; measure the baseline anew.",
        )
    known = {case.key: case for case in before.cases if case.rounds}
    found = []
    for case in now.cases:
        if case.key not in known:
            continue
        if not case.rounds:  # it went, and goes no more
            found.append(Change(_name(case), 0.0, 0.0, 0.0, 0, slower=bound is not None))
            continue
        ratio, low, high = ratio_interval(case.rounds, known[case.key].rounds)
        slower = bound is not None and ratio < 1 - bound and high < 1
        found.append(Change(_name(case), ratio, low, high, len(case.rounds), slower))
    if not found:
        raise ConfigError(
            "The baseline has none of these cases.", "Measure it with the same words but --json."
        )
    return found


def ratio_interval(now: Sequence[float], before: Sequence[float]) -> tuple[float, float, float]:
    """Return the ratio of two speeds with its 95 % interval: Welch's, of their logarithms.

    With one round each there is no interval but the whole line.
    """
    new, old = [math.log(one) for one in now], [math.log(one) for one in before]
    difference = mean(new) - mean(old)
    ratio = math.exp(difference)
    if min(len(new), len(old)) < 2:
        return ratio, 0.0, math.inf
    parts = variance(new) / len(new), variance(old) / len(old)
    error = math.sqrt(sum(parts))
    if error == 0:
        return ratio, ratio, ratio
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / (len(new) - 1) + parts[1] ** 2 / (len(old) - 1))
    half = float(student.ppf(0.975, freedom)) * error
    return ratio, math.exp(difference - half), math.exp(difference + half)


def parse_share(text: str) -> float:
    """Read ``5%``.

    >>> parse_share("5%")
    0.05

    Raises:
        ConfigError: it is no share below one.
    """
    try:
        share = float(text.removesuffix("%")) / 100 if text.endswith("%") else -1.0
    except ValueError:
        share = -1.0
    if not 0 <= share < 1:
        raise ConfigError(f"'{text}' is no share.", "For example: --fail-if-slower 5%")
    return share


def _different(now: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """Say in which fact that speed depends on two machines differ; empty if in none."""
    for fact in ("processor", "usable_cores"):
        if now.get(fact) != before.get(fact):
            return f"{fact.replace('_', ' ')} {before.get(fact)}, here {now.get(fact)}"
    for name in ("gpu", "cuda"):
        one, other = now.get("torch", {}).get(name), before.get("torch", {}).get(name)
        if one != other:
            return f"{name} {other}, here {one}"
    return ""


def _name(case: SpeedCase) -> str:
    model = "+".join([case.model, *case.tricks])
    return f"{model}, batch {case.batch_size}, {case.device}, {case.precision}"
