# SPDX-License-Identifier: MIT
"""From arrays as users have them to samples that can be trained on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganbench.data.in_memory import Examples
from ganbench.data.time_arrays import sequence_values, token_texts, video_values
from ganbench.data.value_layout import (
    as_tensor,
    channels_to_front,
    check_named_kind,
    check_type,
    layout_of,
    sample_kind,
)
from ganbench.data.value_range import ValueRange, check_range, to_pixels
from ganbench.errors import InputError
from ganbench.gan import PLURALS, DataKind


@dataclass(frozen=True)
class TrainingValues:
    """Samples (N, ...) as their kind stores them, and what ``DataSpec`` must know of them."""

    values: NDArray[Any]
    kind: DataKind
    alphabet: tuple[str, ...] | None = None
    rate: int | None = None
    sources: NDArray[np.uint8] | None = None
    """The other images of pairs, uint8 (N, C, H, W)."""


def training_values(
    examples: Examples, name: str, *, value_range: ValueRange | None
) -> TrainingValues:
    """Return samples as their kind stores them.

    Images (N, H, W), (N, H, W, C) or (N, C, H, W), uint8 or floats, become uint8 (N, C, H, W);
    points (N, D) become float32. ``ganbench.data.time_arrays`` says what sequences and videos
    may be. Arrays of five dimensions are videos; sequences are read only where they are named.
    The sources of images are images of the same height and width, with channels of their own.

    Args:
        examples: The examples; their kind is read from the shape where it is not named.
        name: The array's name in errors.
        value_range: The values of black and white in floating-point images, or None for [-1, 1].

    Raises:
        InputError: another shape or type, fewer than two examples, values that are not finite or
            not in their range, or sources that do not fit their images.
    """
    read = _values_alone(examples, name, value_range)
    if examples.sources is None:
        return read
    source_name = f"'sources' of {name}"
    if read.kind != "image":
        raise InputError(f"{name} holds {PLURALS[read.kind]}, and only images have sources.")
    sources = _values_alone(replace(examples.sources, kind="image"), source_name, value_range)
    found, expected = sources.values.shape, read.values.shape
    if (found[0], *found[2:]) != (expected[0], *expected[2:]):
        raise InputError(
            f"{source_name} are {found[0]} images of {found[2]} x {found[3]} pixels; "
            f"{expected[0]} of {expected[2]} x {expected[3]} were expected, one for each image."
        )
    return replace(read, sources=sources.values)


def _values_alone(examples: Examples, name: str, value_range: ValueRange | None) -> TrainingValues:
    """Return samples as their kind stores them, without their sources."""
    values, kind = examples.values, examples.kind
    if values.ndim and len(values) < 2:
        raise InputError(f"{name} holds {len(values)} examples; at least two were expected.")
    if kind == "sequence":
        sequences = sequence_values(values, name, value_range)
        alphabet = examples.alphabet
        if sequences.dtype.kind == "i":
            alphabet = token_texts(sequences, alphabet, name)
        elif alphabet is not None:
            raise InputError(f"{name} holds floats; an alphabet is for tokens, integers (N, L).")
        return TrainingValues(sequences, kind, alphabet, examples.rate)
    if kind == "video" or (kind is None and values.ndim == 5):
        videos = video_values(values, name, value_range, channels_first=examples.channels_first)
        return TrainingValues(videos, "video")
    return _images_or_points(examples, name, value_range)


def _images_or_points(
    examples: Examples, name: str, value_range: ValueRange | None
) -> TrainingValues:
    values = examples.values
    layout = layout_of(values.shape, name, channels_first=examples.channels_first)
    kind = sample_kind(layout)
    check_named_kind(values.shape, values.dtype, layout, examples.kind, name)
    check_type(values.dtype, kind, name)
    tensor = as_tensor(values, name)
    if kind == "points":
        return TrainingValues(tensor.numpy(), "points")
    images = channels_to_front(tensor, layout)
    check_range(images, name, value_range)
    return TrainingValues(to_pixels(images, value_range).numpy(), "image")
