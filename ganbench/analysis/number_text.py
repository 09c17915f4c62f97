# SPDX-License-Identifier: MIT
"""Numbers as text, with no more digits than the interval warrants."""

from __future__ import annotations

import math

from ganbench.analysis.stats import Estimate

MINUS = "\u2212"
NOTHING = "\u2013"
"""The dash that stands for a missing number."""


def decimals(low: float | None, high: float | None, value: float) -> int:
    """Return how many decimals a value deserves: two digits of half the width of its interval.

    Without an interval, or if its width is zero, it is four digits in all, at most three decimals.
    """
    if low is not None and high is not None and math.isfinite(high - low) and high > low:
        return max(0, min(6, 1 - math.floor(math.log10((high - low) / 2))))
    if value == 0 or value == round(value):
        return 0
    return max(0, min(3, 3 - math.floor(math.log10(abs(value)))))


def fixed(value: float | None, places: int) -> str:
    """Return a number with ``places`` decimals, thousands separators, and a true minus sign.

    >>> fixed(12345.678, 1)
    '12,345.7'
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{value:,.{places}f}"
    if float(text.replace(",", "")) == 0:
        return text.replace("-", "")
    return text.replace("-", MINUS)


def mean_text(estimate: Estimate | None) -> str:
    """Return the mean alone.

    >>> mean_text(Estimate(6.3123, 5.81, 6.79, 5, "t"))
    '6.31'
    """
    if estimate is None:
        return NOTHING
    return fixed(estimate.value, decimals(estimate.low, estimate.high, estimate.value))


def interval_text(estimate: Estimate | None) -> str:
    """Return the interval in brackets; empty if there is none.

    >>> interval_text(Estimate(6.3123, 5.81, 6.79, 5, "t"))
    '[5.81, 6.79]'
    """
    if estimate is None or estimate.low is None or estimate.high is None:
        return ""
    places = decimals(estimate.low, estimate.high, estimate.value)
    return f"[{fixed(estimate.low, places)}, {fixed(estimate.high, places)}]"


def scatter_text(estimate: Estimate) -> str:
    """Return the interval in brackets, or that there is one seed; empty for seeds that agree.

    >>> scatter_text(Estimate(10.0, None, None, 1, "t"))
    'one seed'
    >>> scatter_text(Estimate(10.0, None, None, 5, "t"))
    ''
    """
    return "one seed" if estimate.n == 1 else interval_text(estimate)


def estimate_text(estimate: Estimate | None) -> str:
    """Return mean and interval in one line."""
    return f"{mean_text(estimate)} {interval_text(estimate)}".strip()


def signed_text(estimate: Estimate | None) -> str:
    """Return a difference with its sign and its interval.

    >>> signed_text(Estimate(1.25, 0.5, 2.0, 5, "t"))
    '+1.25 [0.50, 2.00]'
    """
    text = estimate_text(estimate)
    if estimate is None or estimate.value <= 0 or not any(digit in text for digit in "123456789"):
        return text
    return f"+{text}"


def amount(value: float | None, digits: int = 3) -> str:
    """Return a quantity such as seconds, to ``digits`` digits, without trailing zeros.

    >>> amount(1234.5), amount(0.012345), amount(64.0), amount(None)
    ('1,234', '0.0123', '64', '–')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    if value == 0:
        return "0"
    places = max(0, min(6, digits - 1 - math.floor(math.log10(abs(value)))))
    text = fixed(value, places)
    return text.rstrip("0").rstrip(".") if "." in text else text


def p_text(p_value: float | None) -> str:
    """Return a p value without trailing zeros; below a thousandth, only that.

    What is below 0.05 is not rounded up to it.

    >>> p_text(0.0625), p_text(0.00001), p_text(0.25), p_text(1.0), p_text(0.04996)
    ('0.0625', '< 0.001', '0.25', '1', '0.04996')
    """
    if p_value is None:
        return NOTHING
    if p_value < 0.001:
        return "< 0.001"
    places = 4 if p_value < 0.1 else 3
    while p_value < 0.05 <= round(p_value, places):
        places += 1
    return f"{p_value:.{places}f}".rstrip("0").rstrip(".")


def percent(share: float | None, *, signed: bool = False) -> str:
    """Return a share in percent, with one decimal below ten.

    >>> percent(-0.163, signed=True), percent(0.0321), percent(2.5, signed=True)
    ('−16 %', '3.2 %', '+250 %')
    """
    if share is None or not math.isfinite(share):
        return NOTHING
    value = share * 100
    text = fixed(value, 1 if 0 < abs(value) < 9.95 else 0)
    plus = "+" if signed and value > 0 and any(digit in text for digit in "123456789") else ""
    return f"{plus}{text} %"


def large(count: int | None) -> str:
    """Return a count in millions or thousands.

    >>> large(1_486_352), large(5_000), large(12), large(None)
    ('1.49 M', '5 k', '12', '–')
    """
    if count is None:
        return NOTHING
    if count >= 1_000_000:
        return f"{count / 1e6:.3g} M"
    return f"{count / 1e3:.3g} k" if count >= 1000 else str(count)


def arrow(better: str) -> str:
    """Return the arrow of the better direction; empty if neither is better."""
    return {"higher": "↑", "lower": "↓"}.get(better, "")
