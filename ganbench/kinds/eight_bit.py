# SPDX-License-Identifier: MIT
"""Pixels of eight bits, and the floats in [-1, 1] that networks see instead."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def to_network(values: Tensor) -> Tensor:
    """Map uint8 pixels to float32 in [-1, 1]; return floats as they are."""
    return values.float().mul_(2 / 255).sub_(1) if values.dtype == torch.uint8 else values


def to_uint8(images: Tensor) -> Tensor:
    """Map float pixels in [-1, 1] to uint8 by the one rule ``(127.5 x + 128).clamp(0, 255)``."""
    return images.mul(127.5).add_(128).clamp_(0, 255).to(torch.uint8)


def finite_uint8(examples: Tensor) -> Tensor:
    """Return float pixels as uint8 if all of them are finite, and as they are otherwise."""
    return to_uint8(examples) if bool(examples.isfinite().all()) else examples


def as_uint8(samples: Tensor) -> Tensor:
    """Return uint8 pixels as they are; of floats, NaN becomes gray, infinity black or white."""
    return to_uint8(samples.nan_to_num()) if samples.is_floating_point() else samples


def channels_last(samples: Tensor) -> NDArray[np.uint8]:
    """Return pixels (N, C, ...) as uint8 (N, ..., C)."""
    pixels: NDArray[Any] = as_uint8(samples).movedim(1, -1).contiguous().numpy()
    return pixels
