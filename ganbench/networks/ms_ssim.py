# SPDX-License-Identifier: MIT
"""MS-SSIM, the similarity of two images' structure at several scales; a rule without weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d

from ganbench.errors import InputError
from ganbench.evaluation.feature_network import NetworkFacts
from ganbench.evaluation.pair_network import (
    PIXELS_AT_ONCE,
    PairNetwork,
    check_pairs,
    compare_in_batches,
)
from ganbench.registry import register
from ganbench.runtime.inference import Compute
from ganbench.runtime.transfer import send

_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the scales, the finest first (Wang et al., 2003)."""
_WINDOW = 11
_SIGMA = 1.5
_LUMINANCE_CONSTANT = (0.01 * 255) ** 2
_CONTRAST_CONSTANT = (0.03 * 255) ** 2
_PREPROCESSING = f"uint8-per-channel-upto{len(_WEIGHTS)}scales-min{_WINDOW}px"


class StructuralSimilarity(PairNetwork):
    """MS-SSIM of uint8 images with a range of 255, in float64; 1 for equal images.

    The window is Gaussian, 11 x 11 with sigma 1.5, and stays within the image; K1 is 0.01 and K2
    0.03. Between scales, means of 2 x 2 pixels are made, a last odd row or column left out.
    Contrast and structure count at every scale, luminance at the coarsest only. Each is a mean
    over pixels, clamped at 0, and raised to the scale's weight. Each channel is compared by itself
    and the mean over channels is returned, as in TensorFlow: Odena et al., who made MS-SSIM a
    number for GANs, do not say how color enters.

    There are five scales where the shorter side has 176 pixels or more. Below, there are as many
    as leave 11 pixels, with their weights renormalized to sum 1: four from 88 pixels, three from
    44, two from 22, one from 11. Programs that shrink the window instead give other numbers at
    these sizes. The precision and the engine of ``compute`` do not matter here.

    Paper: Wang et al., 2003, doi:10.1109/ACSSC.2003.1292216
    """

    facts = NetworkFacts("structure", 1, "", _PREPROCESSING, 0, 0, 0.002, exact=True)

    @torch.no_grad()
    def distances(self, first: Tensor, second: Tensor, *, compute: Compute) -> Tensor:
        """Compare uint8 images (B, C, H, W), C = 1 or 3, with others, to similarities (B,).

        Raises:
            InputError: The images differ in shape, or have below 11 pixels on a side.
        """
        check_pairs(first, second)
        scales = number_of_scales(*first.shape[2:])
        # Apple's GPUs know no float64.
        device = "cpu" if compute.device.startswith("mps") else compute.device

        def compare(first: Tensor, second: Tensor) -> Tensor:
            return _similarity(send(first, device).double(), send(second, device).double(), scales)

        size = compute.batch_size or max(1, PIXELS_AT_ONCE // first[0].numel())
        return compare_in_batches(compare, first, second, size=size)


def number_of_scales(height: int, width: int) -> int:
    """Return at how many scales images of a size are compared.

    Raises:
        InputError: The shorter side is below 11 pixels.
    """
    shorter = min(height, width)
    if shorter < _WINDOW:
        raise InputError(
            f"MS-SSIM compares images of at least {_WINDOW} x {_WINDOW} pixels, "
            f"not {height} x {width}."
        )
    return min(len(_WEIGHTS), 1 + int(math.log2(shorter // _WINDOW)))


def _similarity(first: Tensor, second: Tensor, scales: int) -> Tensor:
    """Map images (B, C, H, W) in 0..255 to similarities (B,)."""
    count = len(first)
    first, second = first.flatten(0, 1).unsqueeze(1), second.flatten(0, 1).unsqueeze(1)
    result = torch.ones(len(first), dtype=first.dtype, device=first.device)  # (B * C,)
    for scale in range(scales):
        if scale:
            first, second = avg_pool2d(first, 2), avg_pool2d(second, 2)
        luminance, contrast = _terms(first, second)  # (B * C, 1, h, w) each
        last = scale == scales - 1
        term = (luminance * contrast if last else contrast).mean(dim=(1, 2, 3)).clamp_min(0)
        result *= term ** (_WEIGHTS[scale] / sum(_WEIGHTS[:scales]))
    return result.view(count, -1).mean(dim=1)


def _terms(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Return maps (N, 1, h, w) of luminance, and of contrast times structure."""
    mean1, mean2 = _blurred(first), _blurred(second)
    variance1 = _blurred(first * first) - mean1 * mean1
    variance2 = _blurred(second * second) - mean2 * mean2
    covariance = _blurred(first * second) - mean1 * mean2
    luminance = (2 * mean1 * mean2 + _LUMINANCE_CONSTANT) / (
        mean1 * mean1 + mean2 * mean2 + _LUMINANCE_CONSTANT
    )
    contrast = (2 * covariance + _CONTRAST_CONSTANT) / (variance1 + variance2 + _CONTRAST_CONSTANT)
    return luminance, contrast


def _blurred(images: Tensor) -> Tensor:
    """Weigh windows of images (N, 1, H, W) by a Gaussian, to (N, 1, H - 10, W - 10)."""
    offsets = torch.arange(_WINDOW, dtype=images.dtype, device=images.device) - _WINDOW // 2
    line = torch.exp(-(offsets**2) / (2 * _SIGMA**2))
    line /= line.sum()
    return conv2d(conv2d(images, line.view(1, 1, -1, 1)), line.view(1, 1, 1, -1))


@register("structure")
def ms_ssim() -> PairNetwork:
    """MS-SSIM, the similarity of structure at up to five scales, on pixels.

    Paper: Odena et al., 2017, arXiv:1610.09585
    """
    return StructuralSimilarity()
