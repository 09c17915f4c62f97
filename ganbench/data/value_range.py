# SPDX-License-Identifier: MIT
"""The range of floating-point images: how it is stated, checked and mapped to pixels."""

from __future__ import annotations

import math
from typing import TypeGuard

import torch
from torch import Tensor

from ganbench.errors import ConfigError, InputError
from ganbench.kinds.eight_bit import to_uint8

ValueRange = tuple[float, float]
"""The values of black and of white, as the user states them."""

OVERSHOOT = 0.2
"""Share of values that may lie outside [-1, 1]: generators without tanh overshoot a little."""


def check_value_range(value_range: object) -> ValueRange | None:
    """Return a range as two floats, or None where none is stated.

    Raises:
        ConfigError: it is not two finite numbers, the smaller one first.
    """
    if value_range is None:
        return None
    if _is_pair(value_range) and value_range[0] < value_range[1]:
        low, high = map(float, value_range)
        if math.isfinite(low) and math.isfinite(high):
            return low, high
    raise ConfigError(
        f"A range is two numbers, the smaller one first, not {value_range!r}.",
        "For example: value_range=(0, 1), or --range 0,1 on the command line",
    )


def check_range(
    images: Tensor,
    name: str,
    value_range: ValueRange | None,
    *,
    overshoot: float = 0.0,
    part: str = "",
) -> None:
    """Raise InputError unless floating-point images lie in their range.

    Where no range is stated the values must be in [-1, 1]. Values that are never negative are
    then refused, because pixels in [0, 1] would come out washed to gray: nothing is guessed.

    Args:
        images: Images (B, C, H, W); uint8 ones have no range and pass.
        name: The images' name in errors.
        value_range: The range that the user stated, or None.
        overshoot: The share of values that may lie outside [-1, 1] where no range is stated.
        part: Which images these are, for errors: `` in its first 64 images``.
    """
    if images.dtype == torch.uint8:
        return
    low, high = float(images.min()), float(images.max())
    if value_range is None:
        beyond = float((images.abs() > 1).float().mean())
        expected = "floats in [-1, 1] or uint8"
        inside = low < 0 and beyond <= overshoot
    else:
        tolerance = 1e-5 * (value_range[1] - value_range[0])  # of rounding to float32
        expected = f"floats in [{value_range[0]:g}, {value_range[1]:g}]"
        inside = value_range[0] - tolerance <= low and high <= value_range[1] + tolerance
    if not inside:
        raise InputError(
            f"{name} has values from {low:g} to {high:g}{part}; {expected} were expected.",
            _range_hint(low, high),
        )


def to_pixels(images: Tensor, value_range: ValueRange | None) -> Tensor:
    """Return images (B, C, H, W) as uint8; floats are mapped from their range to [0, 255]."""
    if images.dtype == torch.uint8:
        return images
    images = images.float()
    if value_range is not None and value_range != (-1.0, 1.0):
        low, high = value_range
        images = (images - low) * (2 / (high - low)) - 1
    return to_uint8(images)


def _is_pair(value: object) -> TypeGuard[tuple[float, float]]:
    return (
        isinstance(value, tuple | list)
        and len(value) == 2
        and all(isinstance(number, int | float) for number in value)
        and not any(isinstance(number, bool) for number in value)
    )


def _range_hint(low: float, high: float) -> str:
    """Return what to write for values in a usual range, or the general rule."""
    if low < 0:
        usual = (-1, 1) if low >= -1 and high <= 1 else None
    elif high <= 1:
        usual = (0, 1)
    else:
        usual = (0, 255) if 2 < high <= 255 else None
    if usual is None:
        return (
            "State the values of black and white as value_range=(LOW, HIGH), or on the command "
            "line as --range LOW,HIGH; clamp values that lie outside."
        )
    black, white = usual
    return (
        f"If {black} is black and {white} is white: value_range=({black}, {white}), or on the "
        f"command line --range {black},{white}"
    )
