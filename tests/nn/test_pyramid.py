# SPDX-License-Identifier: MIT
"""Networks with an image at each resolution."""

import pytest
import torch
from torch import nn
from torch.nn.functional import leaky_relu

from ganbench.nn.pyramid import PyramidDiscriminator, PyramidGenerator, pyramid_of


def test_a_pyramid_is_made_of_means():
    images = torch.randn(2, 3, 28, 28)
    halves, quarters = pyramid_of(images)
    assert halves.shape == (2, 3, 14, 14)
    assert quarters.shape == (2, 3, 7, 7)
    torch.testing.assert_close(halves[1, 2, 3, 4], images[1, 2, 6:8, 8:10].mean())
    torch.testing.assert_close(quarters[1, 2, 3, 4], images[1, 2, 12:16, 16:20].mean())


def test_the_generator_makes_what_the_discriminator_takes():
    for shape in ((1, 28, 28), (3, 32, 32)):
        images, pyramid = PyramidGenerator(8, shape, width=4)(torch.randn(2, 8))
        assert images.shape == (2, *shape)
        assert [level.shape for level in pyramid] == [level.shape for level in pyramid_of(images)]
        assert all(level.abs().max() <= 1 for level in pyramid)
        assert PyramidDiscriminator(shape, width=4)(images, pyramid).shape == (2, 1)


def test_every_level_counts():
    images = torch.randn(2, 1, 16, 16)
    pyramid = tuple(level.requires_grad_() for level in pyramid_of(images))
    logits = PyramidDiscriminator((1, 16, 16), width=4)(images, pyramid)
    for gradient in torch.autograd.grad(logits.sum(), pyramid):
        assert gradient.abs().sum((1, 2, 3)).all()


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 16, 24)])
def test_images_join_activated_maps_as_they_are(shape):
    """What a layer is given is what the layer before it gave, activated, and a whole image."""
    network = PyramidDiscriminator(shape, width=4)
    images = torch.randn(2, *shape)
    pyramid = pyramid_of(images)
    passes = []
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(
                lambda _, inputs, output: passes.append((inputs[0], output))
            )
    network(images, pyramid)
    assert len(passes) == 1 + len(pyramid) + 2
    joined = [None, *pyramid, None]  # with what the layers after the first are given
    for (_, output), (given, _), image in zip(passes, passes[1:], joined, strict=False):
        maps = leaky_relu(output, 0.2)
        if image is not None:
            maps = torch.cat([maps, image], 1)
        expected = maps.flatten(1) if given.ndim == 2 else maps
        torch.testing.assert_close(given, expected)
