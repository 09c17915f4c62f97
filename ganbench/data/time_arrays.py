# SPDX-License-Identifier: MIT
"""Arrays of sequences and videos, as users have them, as samples that can be trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ganbench.data.value_layout import as_tensor
from ganbench.data.value_range import ValueRange, check_range, to_pixels
from ganbench.errors import InputError

MOST_TOKENS = 100_000
"""Tokens are below this, as the networks see a channel for each."""


def sequence_values(
    values: NDArray[Any], name: str, value_range: ValueRange | None
) -> NDArray[Any]:
    """Return signals as float32 (N, C, L) in [-1, 1], or tokens as int64 (N, L).

    Args:
        values: Floats (N, C, L), or (N, L) for a single channel, or integers (N, L).
        name: The array's name in errors.
        value_range: The lowest and the highest value of signals, or None for [-1, 1].

    Raises:
        InputError: another shape or type, values that are not finite or not in their range, or
            tokens that are negative or too large.
    """
    dimensions, type_code = values.ndim, values.dtype.kind
    if type_code in "iu" and dimensions == 2 and values.size:
        if values.min() < 0 or values.max() >= MOST_TOKENS:
            raise InputError(
                f"{name} has tokens from {values.min()} to {values.max()}; integers from 0 to at "
                f"most {MOST_TOKENS - 1} were expected."
            )
        return values.astype(np.int64)
    if type_code != "f" or dimensions not in {2, 3} or not values.size:
        raise InputError(
            f"{name} is {values.dtype} of the shape {values.shape}; signals as floats (N, C, L) or "
            "(N, L), or tokens as integers (N, L), were expected."
        )
    signals = as_tensor(values if dimensions == 3 else values[:, None], name)
    return _in_range(signals, name, value_range).numpy()


def _in_range(signals: Tensor, name: str, value_range: ValueRange | None) -> Tensor:
    """Return signals in [-1, 1]; unlike those of images, they may all be positive."""
    if value_range is None:
        low, high = float(signals.min()), float(signals.max())
        if low < -1 or high > 1:
            raise InputError(
                f"{name} has values from {low:g} to {high:g}; floats in [-1, 1] were expected.",
                "State the lowest and the highest value as value_range=(LOW, HIGH).",
            )
        return signals
    check_range(signals, name, value_range)
    low, high = value_range
    return ((signals - low) * (2 / (high - low)) - 1).clamp(-1, 1)


def token_texts(
    tokens: NDArray[np.int64], given: Sequence[str] | None, name: str
) -> tuple[str, ...]:
    """Return the text of each token: the ``given`` ones, or the numbers themselves.

    Raises:
        InputError: a token has no text.
    """
    highest = int(tokens.max())
    if given is None:
        return tuple(map(str, range(highest + 1)))
    if highest >= len(given):
        raise InputError(
            f"{name} has tokens up to {highest}, and the alphabet has {len(given)}; a text for "
            "each token, counted from 0, was expected."
        )
    return tuple(map(str, given))


def video_values(
    values: NDArray[Any], name: str, value_range: ValueRange | None, *, channels_first: bool
) -> NDArray[np.uint8]:
    """Return videos as uint8 (N, C, T, H, W).

    Args:
        values: Videos (N, T, H, W), (N, T, H, W, C) or (N, C, T, H, W) with C 1 or 3, uint8 or
            floats.
        name: The array's name in errors.
        value_range: The values of black and white in floating-point videos, None for [-1, 1].
        channels_first: Whether (N, C, T, H, W) is preferred where both layouts are possible.

    Raises:
        InputError: another shape or type, or values that are not finite or not in their range.
    """
    places = (1, 4) if channels_first else (4, 1)
    channels = 1 if values.ndim == 4 else 0
    if values.ndim == 5:
        channels = next((place for place in places if values.shape[place] in {1, 3}), 0)
    is_pixels = values.dtype == np.uint8 or values.dtype.kind == "f"
    if not channels or not is_pixels or not values.size:
        raise InputError(
            f"{name} is {values.dtype} of the shape {values.shape}; videos (N, T, H, W), "
            "(N, T, H, W, C) or (N, C, T, H, W) with 1 or 3 channels, as uint8 or floats in "
            "[-1, 1], were expected."
        )
    videos = as_tensor(values, name)
    videos = videos.unsqueeze(1) if values.ndim == 4 else videos.movedim(channels, 1)
    check_range(videos, name, value_range)
    pixels: NDArray[np.uint8] = to_pixels(videos, value_range).contiguous().numpy()
    return pixels
