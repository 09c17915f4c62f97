# SPDX-License-Identifier: MIT
"""Drawing many samples from a trained state, and pictures of a few of them."""

from __future__ import annotations

import math

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from ganbench.data.dataset import to_network, to_uint8
from ganbench.gan import DataSpec
from ganbench.state import State
from ganbench.streams import stream_seed
from ganbench.trick import hooks_name

DRAW_BATCH = 250


def stream(state: State, seed: int, purpose: str) -> torch.Generator:
    """Return a new random stream for drawing; equal arguments give equal streams."""
    generator = torch.Generator(state.device)
    generator.manual_seed(stream_seed(seed, f"eval/{purpose}"))
    return generator


def sampler_name(state: State) -> str:
    """Return the tricks that change how samples are drawn, joined by plus signs, or ``plain``."""
    return "+".join(map(hooks_name, state.tricks.having("sampler"))) or "plain"


@torch.no_grad()
def draw(state: State, count: int, *, seed: int, purpose: str = "samples") -> Tensor:
    """Draw ``count`` samples: uint8 images (count, C, H, W), or float32 points (count, D).

    The networks should be in evaluation mode. Points that are not finite stay so. Images that are
    not finite are returned as float32 in [-1, 1], so that the caller can see it.

    Args:
        state: The trained state.
        count: The number of samples.
        seed: The seed of the latents.
        purpose: What the samples are for; each purpose has latents of its own.
    """
    sampler = state.sampler()
    generator = stream(state, seed, purpose)
    parts = []
    for start in range(0, count, DRAW_BATCH):
        images = sampler(min(DRAW_BATCH, count - start), generator).images
        if state.data.is_image and bool(images.isfinite().all()):
            images = to_uint8(images)
        parts.append(images.cpu())
    if len({part.dtype for part in parts}) > 1:
        parts = [to_network(part) for part in parts]
    return torch.cat(parts)


def picture(samples: Tensor, data: DataSpec) -> Image.Image:
    """Return a picture of samples as ``draw`` makes them: a grid of images or a plane of points."""
    if data.is_image:
        return grid(samples if samples.dtype == torch.uint8 else to_uint8(samples.nan_to_num()))
    return plane(samples, data)


def grid(images: Tensor, *, padding: int = 2, least_width: int = 480) -> Image.Image:
    """Lay out images (N, C, H, W) uint8 as a square grid, and enlarge small images."""
    count, channels, height, width = images.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    sheet = np.full(
        (rows * (height + padding) + padding, columns * (width + padding) + padding, channels),
        255,
        np.uint8,
    )
    for index, image in enumerate(images.permute(0, 2, 3, 1).numpy()):
        top = padding + index // columns * (height + padding)
        left = padding + index % columns * (width + padding)
        sheet[top : top + height, left : left + width] = image
    result = Image.fromarray(sheet[:, :, 0] if channels == 1 else sheet[:, :, :3])
    scale = max(1, round(least_width / result.width))
    return result.resize((result.width * scale, result.height * scale), Image.Resampling.NEAREST)


def plane(points: Tensor, data: DataSpec, *, size: int = 480) -> Image.Image:
    """Draw the first two coordinates of points (N, D) over the centers of their mixture.

    Points with one coordinate lie on a line. Points that are not finite or far outside are left
    out.
    """
    centers = np.array(data.mixture.centers if data.mixture else [[-1.0, -1.0], [1.0, 1.0]])
    low, high = centers.min(), centers.max()
    margin = 0.25 * (high - low)
    scale = 2  # drawn at twice the size, then reduced: that smooths the edges
    canvas = Image.new("RGB", (size * scale, size * scale), "white")
    pen = ImageDraw.Draw(canvas, "RGBA")

    def pixels_of(coordinates: np.ndarray) -> np.ndarray:
        planar = np.zeros((len(coordinates), 2))
        planar[:, : coordinates.shape[1]] = coordinates[:, :2]
        fractions = (planar - low + margin) / (high - low + 2 * margin)
        near = (np.abs(fractions) < 2).all(axis=1)  # False for NaN
        pixels: np.ndarray = fractions[near] * (1, -1) * size * scale + (0, size * scale)
        return pixels

    for x, y in pixels_of(centers):
        pen.ellipse((x - 14, y - 14, x + 14, y + 14), outline=(90, 90, 90, 255), width=2)
    for x, y in pixels_of(points.double().numpy()):
        pen.ellipse((x - 3, y - 3, x + 3, y + 3), fill=(0, 114, 178, 90))
    return canvas.resize((size, size), Image.Resampling.LANCZOS)
