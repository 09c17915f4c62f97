# SPDX-License-Identifier: MIT
"""Convolutional networks: how often a resolution is halved, shapes, counts, initial weights."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from ganbench.errors import ConfigError
from ganbench.nn import ConvDiscriminator, ConvGenerator
from ganbench.nn.convolutional import initialize, stages


@pytest.mark.parametrize(
    ("resolution", "expected"),
    [(28, (7, 2)), (32, (4, 3)), (48, (3, 4)), (64, (4, 4)), (96, (3, 5)), (128, (4, 5))],
)
def test_the_stages_that_the_documentation_names(resolution, expected):
    assert stages(resolution) == expected


@pytest.mark.parametrize("resolution", range(1, 257))
def test_a_resolution_is_the_innermost_map_doubled_or_refused(resolution):
    odd = resolution
    while odd % 2 == 0:
        odd //= 2
    if odd > 8 or resolution in {1, 2, 3, 4, 5, 7}:
        with pytest.raises(ConfigError, match=f"{resolution} x {resolution} pixels"):
            stages(resolution)
        return
    size, count = stages(resolution)
    assert size * 2**count == resolution
    assert count >= 1
    assert size <= 8
    assert size % 2 == 1 or size <= 4


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("resolution", [6, 28, 32, 48])
@pytest.mark.parametrize("norm", ["batch", "none"])
def test_shapes_and_parameter_counts(resolution, channels, norm):
    shape, width, latent_dim = (channels, resolution, resolution), 4, 5
    size, count = stages(resolution)
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
