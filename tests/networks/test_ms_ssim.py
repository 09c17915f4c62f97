# SPDX-License-Identifier: MIT
"""MS-SSIM: against a naive implementation, and where its value is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.signal import convolve2d

from ganbench.errors import InputError
from ganbench.networks.ms_ssim import ms_ssim, number_of_scales
from ganbench.runtime.inference import Compute

WEIGHTS = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])


def images(count, channels=3, height=50, width=47, seed=0):
    """Smooth noise, so that there is structure at every scale."""
    random = np.random.default_rng(seed)
    noise = random.normal(size=(count, channels, height, width))
    smooth = gaussian_filter(noise, (0, 0, 2, 2)) * 300 + 128
    return torch.from_numpy(smooth.clip(0, 255).astype(np.uint8))


def naive(first, second, scales):
    """MS-SSIM of two gray images (H, W), as the paper writes it."""
    offsets = np.arange(11) - 5
    window = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.5**2))
    window /= window.sum()

    def blurred(image):
        return convolve2d(image, window, mode="valid")

    weights = WEIGHTS[:scales] / WEIGHTS[:scales].sum()
    x, y = first.astype(float), second.astype(float)
    result = 1.0
    for scale, weight in enumerate(weights):
        mx, my = blurred(x), blurred(y)
        vx, vy = blurred((x) ** 2) - mx**2, blurred(y**2) - my**2
        structure = (2 * (blurred(x * y) - mx * my) + 58.5225) / (vx + vy + 58.5225)
        luminance = (2 * mx * my + 6.5025) / (mx**2 + my**2 + 6.5025)
        whole = structure * luminance if scale == scales - 1 else structure
        result *= max(whole.mean(), 0) ** weight
        x, y = (
            image[: len(image) // 2 * 2, : image.shape[1] // 2 * 2]
            .reshape(len(image) // 2, 2, image.shape[1] // 2, 2)
            .mean(axis=(1, 3))
            for image in (x, y)
        )
    return result


@pytest.mark.parametrize(
    ("height", "width", "scales"),
    [(28, 28, 2), (50, 47, 3), (11, 40, 1), (95, 101, 4), (180, 176, 5)],
)
def test_similarities_are_those_of_the_definition(height, width, scales):
    first = images(2, 3, height, width)
    other = images(2, 3, height, width, seed=1)
    second = (0.7 * first.float() + 0.3 * other.float()).to(torch.uint8)
    expected = [
        np.mean([naive(a.numpy(), b.numpy(), scales) for a, b in zip(x, y, strict=True)])
        for x, y in zip(first, second, strict=True)
    ]
    similarities = ms_ssim().distances(first, second, compute=Compute())
    assert similarities.dtype == torch.float64
    assert np.allclose(similarities.numpy(), expected, rtol=1e-9)
    assert 0.2 < min(expected) < max(expected) < 0.99


@pytest.mark.parametrize(
    ("shorter", "scales"),
    [(11, 1), (21, 1), (22, 2), (43, 2), (44, 3), (88, 4), (175, 4), (176, 5), (1024, 5)],
)
def test_scales_that_leave_the_window_within_the_image(shorter, scales):
    assert number_of_scales(shorter, 2000) == number_of_scales(2000, shorter) == scales


def test_equal_images_have_similarity_one():
    values = images(3)
    assert torch.equal(
        ms_ssim().distances(values, values, compute=Compute()), torch.ones(3, dtype=torch.float64)
    )


def test_flat_images_differ_by_their_luminance_at_the_coarsest_scale():
    dark = torch.full((1, 1, 44, 44), 60, dtype=torch.uint8)
    light = torch.full((1, 1, 44, 44), 200, dtype=torch.uint8)
    luminance = (2 * 60 * 200 + 6.5025) / (60**2 + 200**2 + 6.5025)
    expected = luminance ** (WEIGHTS[2] / WEIGHTS[:3].sum())
    similarity = ms_ssim().distances(dark, light, compute=Compute())
    assert float(similarity) == pytest.approx(expected, rel=1e-9)


def test_the_negative_of_an_image_has_similarity_zero():
    values = images(1)
    assert float(ms_ssim().distances(values, 255 - values, compute=Compute())) == 0


def test_channels_are_compared_one_by_one():
    first, second = images(2), images(2, seed=1)
    alone = [
        ms_ssim().distances(first[:, [c]], second[:, [c]], compute=Compute()) for c in range(3)
    ]
    together = ms_ssim().distances(first, second, compute=Compute(batch_size=1))
    assert torch.allclose(together, torch.stack(alone).mean(dim=0), rtol=1e-12)


def test_images_below_the_window_are_refused():
    values = images(1, 1, 10, 40)
    with pytest.raises(InputError, match="at least 11 x 11 pixels, not 10 x 40"):
        ms_ssim().distances(values, values, compute=Compute())
