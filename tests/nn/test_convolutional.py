# SPDX-License-Identifier: MIT
"""Convolutional networks: how often a resolution is halved, shapes, counts, initial weights."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from ganbench.errors import ConfigError
from ganbench.nn import ConvDiscriminator, ConvGenerator
from ganbench.nn.convolutional import initialize, map_sizes


@pytest.mark.parametrize(
    ("resolution", "innermost", "count"),
    [(28, 7, 2), (32, 4, 3), (48, 3, 4), (64, 4, 4), (96, 3, 5), (128, 4, 5), (150, 5, 5)],
)
def test_the_sizes_that_the_documentation_names(resolution, innermost, count):
    sizes = map_sizes(resolution, resolution)
    assert (sizes[0], len(sizes) - 1) == ((innermost, innermost), count)


@pytest.mark.parametrize("height", [6, *range(8, 70), 150, 256])
@pytest.mark.parametrize("width", [6, 8, 28, 48, 64, 75, 256])
def test_each_map_is_the_one_before_doubled_and_cut(height, width):
    if min(height, width) < 8 and height != width:
        return
    sizes = map_sizes(height, width)
    assert sizes[-1] == (height, width)
    for before, after in pairwise(sizes):
        assert all(2 * inner - outer in {0, 1} for inner, outer in zip(before, after, strict=True))
    assert 3 <= min(sizes[0]) <= 8


@pytest.mark.parametrize("side", [1, 2, 3, 4, 5, 7])
def test_an_image_that_is_too_small_is_refused(side):
    with pytest.raises(ConfigError, match=f"{side} x {side} pixels"):
        map_sizes(side, side)
    with pytest.raises(ConfigError, match=f"{side} x 64 pixels"):
        map_sizes(side, 64)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("resolution", [6, 28, 32, 48])
@pytest.mark.parametrize("norm", ["batch", "none"])
def test_shapes_and_parameter_counts(resolution, channels, norm):
    shape, width, latent_dim = (channels, resolution, resolution), 4, 5
    sizes = map_sizes(resolution, resolution)
    size, count = sizes[0][0], len(sizes) - 1
    widths = [width * 2**depth for depth in range(count)]
    generator = ConvGenerator(latent_dim, shape, width=width)
    discriminator = ConvDiscriminator(shape, width=width, norm=norm)

    images = generator(torch.randn(3, latent_dim))
    assert images.shape == (3, *shape)
    assert images.abs().max() <= 1
    assert discriminator(images).shape == (3, 1)

    between = sum(16 * a * b for a, b in pairwise(widths))
    expected = latent_dim * widths[-1] * size**2 + between + 2 * sum(widths)
    expected += 16 * widths[0] * channels + channels
    assert sum(weight.numel() for weight in generator.parameters()) == expected
    expected = 16 * channels * width + width + between + widths[-1] * size**2 + 1
    expected += sum(widths[1:]) * (2 if norm == "batch" else 1)
    assert sum(weight.numel() for weight in discriminator.parameters()) == expected


def test_normalization_is_everywhere_but_at_the_ends():
    generator, discriminator = ConvGenerator(8, (1, 32, 32)), ConvDiscriminator((1, 32, 32))
    plain = ConvDiscriminator((1, 32, 32), norm="none")

    def names(network):
        return [type(layer).__name__ for layer in network.layers]

    assert names(generator)[-2:] == ["ConvTranspose2d", "Tanh"]
    assert names(generator).count("BatchNorm2d") == 3
    assert names(discriminator)[:2] == ["Conv2d", "LeakyReLU"]
    assert names(discriminator).count("BatchNorm2d") == 2
    assert "BatchNorm2d" not in names(plain)
    assert all(layer.bias is not None for layer in plain.layers if isinstance(layer, nn.Conv2d))


def test_weights_begin_as_in_the_paper():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(40, 40, 4), nn.ConvTranspose2d(40, 40, 4), nn.Linear(200, 200),
        nn.BatchNorm2d(20000),
    )  # fmt: skip
    initialize(network)
    for layer in network:
        center = 1.0 if isinstance(layer, nn.BatchNorm2d) else 0.0
        assert abs(layer.weight.mean() - center) < 1e-3
        assert abs(layer.weight.std() - 0.02) < 1e-3
        assert not layer.bias.any()
