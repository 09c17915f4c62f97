# SPDX-License-Identifier: MIT
"""What the axes, the type and the labels of an array of images or points mean."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganbench.errors import InputError
from ganbench.gan import PLURALS, DataKind, SampleKind

Layout = Literal["points", "HW", "HWC", "CHW"]

MOST_CLASSES = 100_000
"""Labels are below this where nothing else bounds them."""


def layout_of(shape: tuple[int, ...], name: str, *, channels_first: bool = False) -> Layout:
    """Tell what the axes of samples (N, ...) mean.

    Where two axes could be the channels, the last one is, or with ``channels_first`` the first.

    Raises:
        InputError: the shape is neither of images nor of points, or is empty.
    """
    if 0 not in shape:
        if len(shape) == 2:
            return "points"
        if len(shape) == 3:
            return "HW"
        if len(shape) == 4:
            layouts: tuple[Layout, Layout] = ("HWC", "CHW")
            for layout in reversed(layouts) if channels_first else layouts:
                if shape[1 if layout == "CHW" else 3] in {1, 3}:
                    return layout
    raise InputError(
        f"{name} has the shape {tuple(shape)}; images (N, H, W), (N, H, W, C) or (N, C, H, W) "
        "with 1 or 3 channels, or points (N, D), were expected, and at least one of them."
    )


def check_named_kind(
    shape: tuple[int, ...], dtype: np.dtype[Any], layout: Layout, kind: DataKind | None, name: str
) -> None:
    """Raise InputError if samples (N, ...) are not of the kind that their key names.

    Floats (N, 1, L) without a named kind are refused as well: they are signals more likely than
    images a single pixel high.
    """
    if kind is not None and sample_kind(layout) != PLURALS[kind]:
        named = "points (N, D)" if kind == "points" else "images (N, H, W) or with channels"
        raise InputError(f"{name} has the shape {tuple(shape)}; {named} were expected.")
    if layout == "HW" and 1 in shape[1:] and dtype.kind == "f":
        raise InputError(
            f"{name} has the shape {tuple(shape)}, which is read as images a single pixel high or "
            "wide.",
            'Name signals (N, C, L) as such: {"sequences": array}, or that key in an npz file.',
        )


def sample_kind(layout: Layout) -> SampleKind:
    """Return whether samples of a layout are images or points."""
    return "points" if layout == "points" else "images"


def sample_shape(shape: tuple[int, ...], layout: Layout) -> tuple[int, ...]:
    """Return (C, H, W) or (D,) for an array (N, ...) of a layout."""
    if layout == "HW":
        return (1, *shape[1:])
    return (shape[3], shape[1], shape[2]) if layout == "HWC" else tuple(shape[1:])


def channels_to_front(values: Tensor, layout: Layout) -> Tensor:
    """Return images as (N, C, H, W), and points as they are."""
    if layout == "HW":
        return values.unsqueeze(1)
    return values.permute(0, 3, 1, 2) if layout == "HWC" else values


def check_type(dtype: np.dtype[Any] | torch.dtype, kind: SampleKind, name: str) -> None:
    """Raise InputError unless images are uint8 or floats, and points are floats."""
    floating = dtype.is_floating_point if isinstance(dtype, torch.dtype) else dtype.kind == "f"
    if floating or (kind == "images" and dtype in {torch.uint8, np.dtype(np.uint8)}):
        return
    expected = "uint8, or floats in [-1, 1]," if kind == "images" else "floats"
    raise InputError(f"{name} is of type {dtype}; {kind} as {expected} were expected.")


def as_tensor(rows: NDArray[Any], name: str, *, keep_float64: bool = False) -> Tensor:
    """Return uint8 or floating-point rows (N, ...) as a tensor of a type that torch knows.

    Args:
        rows: The rows.
        name: Their name in errors.
        keep_float64: Whether floats of more than 32 bits become float64; otherwise all floats
            become float32.

    Raises:
        InputError: values that are NaN or infinite, also as float32.
    """
    native = rows.dtype.newbyteorder("=")  # torch has no foreign byte orders
    if native.kind == "f" and native.itemsize != 4:  # and no long doubles
        native = np.dtype(np.float64 if keep_float64 and native.itemsize > 4 else np.float32)
    with np.errstate(over="ignore"):  # values that are too large become infinite
        values = torch.from_numpy(np.require(rows, native, ["C", "W"]))
    if values.is_floating_point() and not bool(values.float().isfinite().all()):
        broken = int((~values.float().isfinite()).flatten(1).any(dim=1).sum())
        raise InputError(
            f"{name} has values that are NaN or infinite, in {broken} of {len(values)} samples "
            "that were read together."
        )
    return values


def checked_labels(
    labels: object, count: int, name: str, *, most_classes: int = MOST_CLASSES
) -> NDArray[np.int64]:
    """Return labels (N,) as int64.

    Args:
        labels: Integers (N,), a list, an array or a tensor.
        count: The number N of samples.
        name: The samples' name in errors.
        most_classes: Every label must be below this.

    Raises:
        InputError: the labels are no integers from 0, are too large, or are not one per sample.
    """
    array = np.asarray(labels.cpu() if isinstance(labels, Tensor) else labels)
    if array.shape != (count,) or array.dtype.kind not in "iu":
        raise InputError(
            f"The labels of {name} are {array.dtype} {array.shape}; integers ({count},), one for "
            "each sample, were expected."
        )
    if array.min() < 0 or array.max() >= most_classes:
        raise InputError(
            f"The labels of {name} go from {array.min()} to {array.max()}; classes counted from "
            f"0 to at most {most_classes - 1} were expected."
        )
    return array.astype(np.int64)
