# SPDX-License-Identifier: MIT
"""From arrays as users have them to examples that can be trained on."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from ganbench.data.value_layout import (
    as_tensor,
    channels_to_front,
    check_type,
    layout_of,
    sample_kind,
)
from ganbench.data.value_range import ValueRange, check_range, to_pixels
from ganbench.errors import InputError


def training_values(
    values: NDArray[Any],
    name: str,
    *,
    value_range: ValueRange | None,
    channels_first: bool = False,
) -> NDArray[Any]:
    """Return images (N, C, H, W) as uint8, or points (N, D) as float32.

    Args:
        values: Images (N, H, W), (N, H, W, C) or (N, C, H, W), uint8 or floats, or points (N, D).
        name: The array's name in errors.
        value_range: The values of black and white in floating-point images, or None for [-1, 1].
        channels_first: Whether (N, C, H, W) is preferred where both layouts are possible.

    Raises:
        InputError: another shape or type, fewer than two examples, or values that are not finite
            or not in their range.
    """
    if values.ndim and len(values) < 2:
        raise InputError(f"{name} holds {len(values)} examples; at least two were expected.")
    layout = layout_of(values.shape, name, channels_first=channels_first)
    kind = sample_kind(layout)
    check_type(values.dtype, kind, name)
    tensor = as_tensor(values, name)
    if kind == "points":
        return tensor.numpy()
    images = channels_to_front(tensor, layout)
    check_range(images, name, value_range)
    return to_pixels(images, value_range).numpy()
