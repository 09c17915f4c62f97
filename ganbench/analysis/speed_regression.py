# SPDX-License-Identifier: MIT
"""Whether training has become slower: two measurements on one machine, case by case."""

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
    """The change in the speed of training: the new speed divided by the old, with a 95 % interval.

    ``slower`` means that the ratio is below the bound, and that chance does not explain it.
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
        if not self.rounds:
            return f"{self.case}: was measured before, and no longer runs{ending}"
        text = f"{self.case}: {self.ratio:.3f} times as fast as before"
        if not math.isfinite(self.high):
            return f"{text}, without an interval, as one of the two had a single round."
        return f"{text} [{self.low:.3f}, {self.high:.3f}], {self.rounds} rounds{ending}"

    @property
    def document(self) -> dict[str, Any]:
        """The change as plain data."""
        return asdict(self)


def check_rounds(before: SpeedRecord, rounds: int) -> None:
    """Refuse to look for a loss of speed that the measurements cannot show.

    Args:
        before: the baseline.
        rounds: the number of rounds that are to be measured.

    Raises:
        ConfigError: the baseline or what is to be measured has a single round.
    """
    if rounds < 2 or any(len(case.rounds) == 1 for case in before.cases):
        whose = "this measurement has" if rounds < 2 else "the baseline has"
        raise ConfigError(
            f"A loss of speed is shown over two or more rounds, and {whose} one.",
            "Measure both with --rounds 5.",
        )


def changes(now: SpeedRecord, before: SpeedRecord, bound: float | None) -> list[Change]:
    """Compare the cases that two measurements have in common.

    Args:
        now: the new measurement.
        before: the baseline.
        bound: the share of the speed that may be lost; None allows any loss.

    Raises:
        ConfigError: the measurements are of different machines, or have no case in common.
    """
    if difference := _difference(now.environment, before.environment):
        raise ConfigError(
            f"The baseline was measured elsewhere: {difference}.",
            "Speeds compare on one machine, with the same versions; measure the baseline again.",
        )
    baseline = {case.key: case for case in before.cases if case.rounds}
    common = [
        _change(case, baseline[case.key], bound) for case in now.cases if case.key in baseline
    ]
    if not common:
        raise ConfigError(
            "The baseline has none of these cases.",
            "Measure it with the same command and --json.",
        )
    return common


def _change(case: SpeedCase, before: SpeedCase, bound: float | None) -> Change:
    """Compare a case with its baseline, which has rounds."""
    if not case.rounds:  # it could be measured before, and cannot any more
        return Change(_name(case), 0.0, 0.0, 0.0, 0, slower=bound is not None)
    ratio, low, high = ratio_interval(case.rounds, before.rounds)
    slower = bound is not None and ratio < 1 - bound and high < 1
    return Change(_name(case), ratio, low, high, len(case.rounds), slower)


def ratio_interval(now: Sequence[float], before: Sequence[float]) -> tuple[float, float, float]:
    """Return the ratio of two speeds with its 95 % interval: Welch's, of their logarithms.

    The interval is the whole positive line if a side has a single round.

    Args:
        now: images per second, round by round.
        before: images per second of the baseline, round by round.
    """
    new, old = ([math.log(speed) for speed in speeds] for speeds in (now, before))
    difference = mean(new) - mean(old)
    ratio = math.exp(difference)
    if min(len(new), len(old)) < 2:
        return ratio, 0.0, math.inf
    parts = [variance(logarithms) / len(logarithms) for logarithms in (new, old)]
    error = math.sqrt(sum(parts))
    if error == 0:
        return ratio, ratio, ratio
    weights = parts[0] ** 2 / (len(new) - 1) + parts[1] ** 2 / (len(old) - 1)
    degrees_of_freedom = sum(parts) ** 2 / weights
    half = float(student.ppf(0.975, degrees_of_freedom)) * error
    return ratio, math.exp(difference - half), math.exp(difference + half)


def parse_share(text: str) -> float:
    """Read ``5%``.

    >>> parse_share("5%")
    0.05

    Raises:
        ConfigError: the text is no percentage, or not below 100.
    """
    try:
        share = float(text.removesuffix("%")) / 100 if text.endswith("%") else -1.0
    except ValueError:
        share = -1.0
    if not 0 <= share < 1:
        raise ConfigError(f"'{text}' is no share.", "For example: --fail-if-slower 5%")
    return share


def _difference(now: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """Return the first difference between two machines that speed depends on; empty without one."""
    for fact in ("processor", "usable_cores"):
        if now.get(fact) != before.get(fact):
            return f"{fact.replace('_', ' ')} {before.get(fact)}, here {now.get(fact)}"
    for name in ("gpu", "cuda"):
        here, elsewhere = (facts.get("torch", {}).get(name) for facts in (now, before))
        if here != elsewhere:
            return f"{name} {elsewhere}, here {here}"
    return ""


def _name(case: SpeedCase) -> str:
    model = "+".join([case.model, *case.tricks])
    return f"{model}, batch {case.batch_size}, {case.device}, {case.precision}"
