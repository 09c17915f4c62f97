# SPDX-License-Identifier: MIT
"""One rule for turning any image into a square of 8-bit pixels.

- 16-bit gray is divided by 257 and rounded; 1-bit is 0 or 255; other depths are Pillow's.
- Transparency is composited over white; palettes become RGB.
- The largest centered square is kept, then resized with Pillow's antialiasing bicubic filter.
- The first frame of an animation is taken. Orientation tags and color profiles are ignored,
  because the tools that compute published FIDs ignore them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

_GRAY_MODES = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N"})
_BLOCK = 256


def is_gray(image: Image.Image) -> bool:
    """Tell whether an image is stored without color."""
    return image.mode in _GRAY_MODES


def to_eight_bit(image: Image.Image, channels: int) -> Image.Image:
    """Return the image in mode L (1 channel) or RGB (3), opaque.

    Raises:
        ValueError: floating-point pixels, or integers beyond 16 bits, which have no single scale.
    """
    mode = "L" if channels == 1 else "RGB"
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)  # (H, W)
        if values.min() < 0 or values.max() > 65535:
            raise ValueError("its integers do not fit 16 bits")
        image = Image.fromarray(((values + 128) // 257).astype(np.uint8))
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers")
    if image.has_transparency_data:
        opaque = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(opaque, image.convert("RGBA"))
        # Gray that went through RGBA has three equal channels, and RGBA to L keeps their value.
    return image.convert(mode)


def fit(image: Image.Image, resolution: int) -> Image.Image:
    """Return the largest centered square of an image, resized to the resolution."""
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    if width != height:
        image = image.crop((left, top, left + side, top + side))
    if side == resolution:
        return image
    return image.resize((resolution, resolution), Image.Resampling.BICUBIC)


def to_array(image: Image.Image) -> Pixels:
    """Return an image of mode L or RGB as (C, H, W) uint8."""
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def resize(images: Pixels, resolution: int) -> Pixels:
    """Return images (N, C, H, W) uint8 as (N, C, resolution, resolution), where C is 1 or 3."""

    def open_image(index: int) -> Image.Image:
        pixels = images[index]  # (C, H, W)
        return Image.fromarray(
            pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0))
        )

    resized, failures = decode_images(len(images), open_image, images.shape[1], resolution)
    assert not failures
    return resized


def decode_images(
    count: int, open_image: Callable[[int], Image.Image], channels: int, resolution: int
) -> tuple[Pixels, dict[int, str]]:
    """Decode images by index, in threads, into (count, channels, resolution, resolution) uint8.

    Each thread holds at most one decoded original. The second value gives the reason for each
    image that could not be decoded, by index.
    """
    pixels = np.zeros((count, channels, resolution, resolution), dtype=np.uint8)

    def decode(index: int) -> None:
        with open_image(index) as image:
            pixels[index] = to_array(fit(to_eight_bit(image, channels), resolution))

    return pixels, in_threads(count, decode)


def in_threads(count: int, act: Callable[[int], Any]) -> dict[int, str]:
    """Call a function on every index below ``count``, in threads; return reasons of failures."""

    def act_on_block(start: int) -> dict[int, str]:
        failures = {}
        for index in range(start, min(start + _BLOCK, count)):
            try:
                act(index)
            except MemoryError:
                raise
            except Exception as error:  # noqa: BLE001 - a bad file makes Pillow raise anything
                failures[index] = failure_reason(error)
        return failures

    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        blocks = pool.map(act_on_block, range(0, count, _BLOCK))
        return {index: reason for failures in blocks for index, reason in failures.items()}


def failure_reason(error: Exception) -> str:
    """Return why a file cannot be read, as the end of a sentence."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
