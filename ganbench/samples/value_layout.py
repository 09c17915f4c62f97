# SPDX-License-Identifier: MIT
"""From the values of arrays and generators to samples: uint8 images, or float32 points."""

from __future__ import annotations

from math import prod
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganbench.data.dataset import to_uint8
from ganbench.errors import InputError
from ganbench.samples.sample_set import SampleKind, check_finite

Layout = Literal["points", "HW", "HWC", "CHW"]

WATCHED = 64
"""Samples from whose range it is judged whether floats are images in [-1, 1]."""
_BEYOND = 0.2
"""Largest share of values outside [-1, 1] among them; generators without tanh overshoot a bit."""


def layout_of(shape: tuple[int, ...], name: str, *, channels_first: bool = False) -> Layout:
    """Tell what the axes of samples (N, ...) mean; ``channels_first`` admits (N, C, H, W) only.

    Where both an axis of one to three channels could be meant, the last one is.

    Raises:
        InputError: they are neither images nor points, or empty.
    """
    if 0 not in shape:
        if len(shape) == 2:
            return "points"
        if len(shape) == 3 and not channels_first:
            return "HW"
        if len(shape) == 4 and shape[3] in {1, 3} and not channels_first:
            return "HWC"
        if len(shape) == 4 and shape[1] in {1, 3}:
            return "CHW"
    layouts = "(N, C, H, W)" if channels_first else "(N, H, W), (N, H, W, C) or (N, C, H, W)"
    raise InputError(
        f"{name} has the shape {tuple(shape)}; images {layouts} with 1 or 3 channels, or points "
        "(N, D), were expected, and at least one."
    )


def sample_kind(layout: Layout) -> SampleKind:
    """Return what samples of a layout are."""
    return "points" if layout == "points" else "images"


def channels_to_front(values: NDArray[Any], layout: Layout) -> NDArray[Any]:
    """Return images as (N, C, H, W), points as they are."""
    if layout == "HW":
        return values[:, None]
    return values.transpose(0, 3, 1, 2) if layout == "HWC" else values


def sample_shape(shape: tuple[int, ...], layout: Layout) -> tuple[int, ...]:
    """Return (C, H, W) or (D,) for an array (N, ...) of a layout."""
    if layout == "HW":
        return (1, *shape[1:])
    return (shape[3], shape[1], shape[2]) if layout == "HWC" else tuple(shape[1:])


def check_type(dtype: np.dtype[Any] | torch.dtype, kind: SampleKind, name: str) -> None:
    """Raise InputError unless images are uint8 or floats, and points floats."""
    floating = dtype.is_floating_point if isinstance(dtype, torch.dtype) else dtype.kind == "f"
    if floating or (kind == "images" and dtype in {torch.uint8, np.dtype(np.uint8)}):
        return
    expected = "uint8, or floats in [-1, 1]," if kind == "images" else "floats"
    raise InputError(f"{name} is of type {dtype}; {kind} as {expected} were expected.")


def check_range(images: Tensor, name: str) -> None:
    """Raise InputError unless the first images of a set, as floats, seem to be in [-1, 1].

    Those of which no value is negative are taken for [0, 1] or [0, 255], and those with more
    than a fifth of their values outside [-1, 1] for another scale: nothing is guessed.
    """
    if images.dtype == torch.uint8:
        return
    low, high = float(images.min()), float(images.max())
    beyond = float((images.abs() > 1).float().mean())
    if low < 0 and beyond <= _BEYOND:
        return
    hint = "Map pixels in [0, 255] to uint8, or scale them to [-1, 1]: x / 127.5 - 1"
    if low >= 0 and high <= 1:
        hint = "Map pixels in [0, 1] to [-1, 1]: 2 * x - 1"
    raise InputError(
        f"{name} has values from {low:g} to {high:g} in its first {len(images)} images; floats "
        "in [-1, 1] or uint8 were expected.",
        hint,
    )


def to_samples(values: Tensor, kind: SampleKind) -> Tensor:
    """Return images (B, C, H, W) as uint8, or points (B, D) as float32, on the CPU.

    Raises:
        InputError: values that are NaN or infinite.
    """
    values = values.detach().cpu()
    if kind == "images" and values.dtype == torch.uint8:
        return values
    values = values.float()
    check_finite(values)
    return to_uint8(values) if kind == "images" else values


def rows_at_once(size: int, shape: tuple[int, ...], most_bytes: int) -> int:
    """Return how many samples of a shape fit into a chunk, ``size`` or fewer, at least one."""
    return max(1, min(size, most_bytes // max(1, prod(shape))))
