# SPDX-License-Identifier: MIT
"""How images get the size of a network: TensorFlow 1's bilinear rule, Pillow's bicubic filter."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

_Pixels = NDArray[np.uint8] | NDArray[np.float32]


def tf1_bilinear(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize images (B, C, H, W), uint8 or float32, to float32 (B, C, *size) as TensorFlow 1 did.

    Target pixel i is read at i * (length / target length), with no half-pixel shift and no
    antialiasing, and is not rounded. Each source row is interpolated once and then picked. On the
    CPU this gives the very bits of torch-fidelity's function in a fraction of its time.
    """
    images = images.float()
    if images.shape[2:] == size:
        return images
    left, right, x_shares = _neighbors(images.shape[3], size[1], images.device)
    rows = _interpolated(images.index_select(3, left), images.index_select(3, right), x_shares)
    upper, lower, y_shares = _neighbors(images.shape[2], size[0], images.device)
    return _interpolated(
        rows.index_select(2, upper), rows.index_select(2, lower), y_shares.unsqueeze(1)
    )


@lru_cache(maxsize=64)  # a copy to a GPU makes the host wait for it
def _neighbors(length: int, target: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return for each target pixel its two source pixels, and the share of the second one."""
    # The product of float32 numbers, not of exact ones, decides which pixels are neighbors.
    places = torch.arange(target, dtype=torch.float32) * torch.tensor(length / target).float()
    before = places.long()
    after = (before + 1).clamp_max(length - 1)
    return before.to(device), after.to(device), (places - before.float()).to(device)


def _interpolated(first: Tensor, second: Tensor, shares: Tensor) -> Tensor:
    # torch.lerp rounds differently for shares of a half and above.
    return second.sub_(first).mul_(shares).add_(first)


def bicubic_float(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize uint8 images (B, C, H, W) to float32 (B, C, *size) in 0..255 as clean-fid does.

    Each channel is resized by Pillow's antialiased bicubic filter as 32-bit floats, clipped to
    0..255 and not rounded, on as many threads as torch uses (Parmar et al., 2022,
    arXiv:2104.11222).
    """

    def resize(channel: _Pixels) -> _Pixels:
        return _bicubic(channel.astype(np.float32), size).clip(0, 255)

    return _by_channel(resize, images)


def bicubic_uint8(images: Tensor, size: tuple[int, int], *, crop: bool = False) -> Tensor:
    """Resize uint8 images (B, C, H, W) to uint8 (B, C, *size) as Pillow resizes 8-bit images.

    With ``crop``, the square in the middle is cut out first.
    """
    height, width = images.shape[2:]
    if crop and height != width:
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        images = images[:, :, top : top + side, left : left + side]
    return _by_channel(lambda channel: _bicubic(channel, size), images)


def _bicubic(channel: _Pixels, size: tuple[int, int]) -> _Pixels:
    """Resize a channel (H, W) by Pillow's antialiased bicubic filter, in the channel's type."""
    return np.asarray(Image.fromarray(channel).resize(size[::-1], Image.Resampling.BICUBIC))


def _by_channel(resize: Callable[[_Pixels], _Pixels], images: Tensor) -> Tensor:
    """Resize each channel of images (B, C, H, W), on as many threads as torch uses."""
    channels = images.flatten(0, 1).cpu().numpy()  # (B * C, H, W)
    with ThreadPoolExecutor(torch.get_num_threads()) as threads:  # Pillow lets other threads run
        resized = np.stack(list(threads.map(resize, channels)))
    return torch.from_numpy(resized).view(*images.shape[:2], *resized.shape[1:]).to(images.device)


IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and standard deviation of red, green, and blue in ImageNet's images, in [0, 1]."""

ChannelStatistics = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Mean and standard deviation of each channel, in [0, 1]."""


def standardized(pixels: Tensor, statistics: ChannelStatistics) -> Tensor:
    """Standardize pixels (B, C, H, W) in 0..255, C = 1 or 3, to (B, 3, H, W)."""
    mean, deviation = (of_channels(each, pixels.device) for each in statistics)
    return (pixels / 255 - mean) / deviation


@lru_cache(maxsize=64)  # as above
def of_channels(values: tuple[float, ...], device: torch.device) -> Tensor:
    """Return a number for each channel as float32 (1, C, 1, 1) on a device."""
    return torch.tensor(values, dtype=torch.float32).view(1, -1, 1, 1).to(device)


def three_channels(images: Tensor) -> Tensor:
    """Return images (B, C, H, W) with C = 1 or 3 as (B, 3, H, W): gray in three equal channels."""
    return images.expand(-1, 3, -1, -1)
