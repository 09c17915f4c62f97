# SPDX-License-Identifier: MIT
"""Discriminators at several scales, of images and of pairs."""

import torch
from torch import nn
from torch.nn.functional import avg_pool2d

from ganbench.nn.multiscale import MultiScaleDiscriminator
from ganbench.nn.translation import PatchDiscriminator


def patches(shape):
    return PatchDiscriminator(None, shape, width=2, halvings=1)


def test_each_judges_means_of_more_pixels():
    torch.manual_seed(0)
    network = MultiScaleDiscriminator((3, 32, 48), patches, scales=3)
    images = torch.randn(2, 3, 32, 48)
    expected = [
        discriminator(avg_pool2d(images, 2**scale) if scale else images).flatten(1)
        for scale, discriminator in enumerate(network.discriminators)
    ]
    torch.testing.assert_close(network(images), torch.cat(expected, 1))
    assert expected[0].shape[1] > 3 * expected[1].shape[1] > 9 * expected[2].shape[1] > 0
    weights = [dict(part.named_parameters()) for part in network.discriminators]
    assert not torch.equal(weights[0]["layers.0.weight"], weights[1]["layers.0.weight"])


def test_odd_sizes_are_rounded_up():
    shapes = []

    def build(shape):
        shapes.append(shape)
        return nn.Flatten()

    network = MultiScaleDiscriminator((1, 33, 50), build, scales=3)
    assert shapes == [(1, 33, 50), (1, 17, 25), (1, 9, 13)]
    assert network(torch.randn(2, 1, 33, 50)).shape == (2, 33 * 50 + 17 * 25 + 9 * 13)


def test_a_source_is_reduced_as_its_image_is():
    network = MultiScaleDiscriminator(
        (3, 32, 32), lambda shape: PatchDiscriminator((1, *shape[1:]), shape, width=2), scales=2
    )
    images, source = torch.randn(2, 3, 32, 32), torch.randn(2, 1, 32, 32)
    fine, coarse = network.discriminators
    reduced = coarse(avg_pool2d(images, 2), avg_pool2d(source, 2)).flatten(1)
    expected = torch.cat([fine(images, source).flatten(1), reduced], 1)
    torch.testing.assert_close(network(images, source), expected)
