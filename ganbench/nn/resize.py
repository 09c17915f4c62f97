# SPDX-License-Identifier: MIT
"""How images get a network's size: TensorFlow 1's bilinear rule, and Pillow's bicubic filter."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

_Pixels = NDArray[np.uint8] | NDArray[np.float32]


def tf1_bilinear(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize images (B, C, H, W), uint8 or float32, to float32 (B, C, *size) as TensorFlow 1 did.

    Target pixel i is read at i * (length / target length), with no half-pixel shift and no
    antialiasing, and is not rounded. Each source row is interpolated once and then picked, which
    on the CPU gives the very bits of torch-fidelity's function in a fraction of its time.
    """
    images = images.float()
    if images.shape[2:] == size:
        return images
    left, right, along = _neighbors(images.shape[3], size[1], images.device)
    rows = _between(images.index_select(3, left), images.index_select(3, right), along)
    upper, lower, down = _neighbors(images.shape[2], size[0], images.device)
    return _between(rows.index_select(2, upper), rows.index_select(2, lower), down.unsqueeze(1))


def _neighbors(length: int, target: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return for each target pixel the two source pixels around it and its way between them."""
    # The product of float32 numbers, not of exact ones, decides which pixels are neighbors.
    places = torch.arange(target, dtype=torch.float32) * torch.tensor(length / target).float()
    before = places.long()
    after = (before + 1).clamp_max(length - 1)
    return before.to(device), after.to(device), (places - before.float()).to(device)


def _between(first: Tensor, second: Tensor, way: Tensor) -> Tensor:
    # torch.lerp rounds otherwise for ways of a half and above.
    return second.sub_(first).mul_(way).add_(first)


def bicubic_float(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize uint8 images (B, C, H, W) to float32 (B, C, *size) in 0..255 as clean-fid does.

    Each channel is resized by Pillow's antialiased bicubic filter as 32-bit floats, clipped to
    0..255 and not rounded, on as many threads as torch uses (Parmar et al., 2022,
    arXiv:2104.11222).
    """

    def resized(channel: _Pixels) -> _Pixels:
        picture = Image.fromarray(channel.astype(np.float32))
        return np.asarray(picture.resize(size[::-1], Image.Resampling.BICUBIC)).clip(0, 255)

    channels = images.flatten(0, 1).cpu().numpy()  # (B * C, H, W)
    return _in_threads(resized, channels).view(*images.shape[:2], *size).to(images.device)


def bicubic_uint8(images: Tensor, size: tuple[int, int], *, crop: bool = False) -> Tensor:
    """Resize uint8 images (B, C, H, W) to uint8 (B, C, *size) as Pillow does 8-bit images.

    With ``crop``, the square in the middle is cut out first.
    """
    height, width = images.shape[2:]
    if crop and height != width:
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        images = images[:, :, top : top + side, left : left + side]

    def resized(channel: _Pixels) -> _Pixels:
        picture = Image.fromarray(channel)
        return np.asarray(picture.resize(size[::-1], Image.Resampling.BICUBIC))

    channels = images.flatten(0, 1).cpu().numpy()  # (B * C, H, W)
    return _in_threads(resized, channels).view(*images.shape[:2], *size).to(images.device)


def _in_threads(resized: Callable[[_Pixels], _Pixels], channels: NDArray[np.uint8]) -> Tensor:
    """Apply a function to each channel (H, W); Pillow lets other threads run meanwhile."""
    with ThreadPoolExecutor(torch.get_num_threads()) as threads:
        return torch.from_numpy(np.stack(list(threads.map(resized, channels))))


IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and standard deviation of red, green and blue in ImageNet's images, in [0, 1]."""

ChannelStatistics = tuple[tuple[float, float, float], tuple[float, float, float]]


def standardized(pixels: Tensor, statistics: ChannelStatistics) -> Tensor:
    """Map pixels (B, C, H, W) in 0..255, C = 1 or 3, to (B, 3, H, W) by means and deviations."""
    mean, deviation = (pixels.new_tensor(one).view(1, 3, 1, 1) for one in statistics)
    return (pixels / 255 - mean) / deviation


def three_channels(images: Tensor) -> Tensor:
    """Return images (B, C, H, W) with C = 1 or 3 as (B, 3, H, W): gray in three equal channels."""
    return images.expand(-1, 3, -1, -1)
