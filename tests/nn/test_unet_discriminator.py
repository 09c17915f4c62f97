# SPDX-License-Identifier: MIT
"""A U-Net that judges pixels: sizes, and which maps a pixel's logit depends on."""

import pytest
import torch

from ganbench.nn.unet_discriminator import UNetDiscriminator


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 28, 28), (1, 33, 50), (3, 64, 24)])
def test_an_image_and_each_of_its_pixels_get_a_logit(shape):
    network = UNetDiscriminator(shape, width=4)
    logits, pixels = network(torch.randn(2, *shape))
    assert logits.shape == (2, 1)
    assert pixels.shape == (2, 1, *shape[1:])
    (logits.sum() + (pixels * torch.randn_like(pixels)).sum()).backward()
    assert all(weight.grad is not None for weight in network.parameters())


def test_pixels_are_judged_by_their_surroundings_and_by_the_whole():
    torch.manual_seed(0)
    network = UNetDiscriminator((1, 32, 32), width=4)
    images = torch.randn(1, 1, 32, 32, requires_grad=True)
    _, pixels = network(images)
    (gradient,) = torch.autograd.grad(pixels[0, 0, 3, 3], images)
    near, far = gradient[0, 0, :8, :8].abs().mean(), gradient[0, 0, 24:, 24:].abs().mean()
    assert near > far > 0


def test_without_the_inner_map_pixels_still_depend_on_the_outer_ones():
    torch.manual_seed(0)
    network = UNetDiscriminator((1, 16, 16), width=4)
    images = torch.randn(2, 1, 16, 16)
    for convolution in (network.decoder[0].second, network.decoder[0].skip):
        torch.nn.init.zeros_(convolution.weight)
    _, pixels = network(images)
    assert pixels[0].std() > 0
    assert not torch.equal(pixels[0], pixels[1])


def test_the_logit_of_an_image_is_that_of_its_inner_map():
    network = UNetDiscriminator((1, 16, 16), width=4)
    images = torch.randn(2, 1, 16, 16)
    logits, pixels = network(images)
    for block in network.decoder:
        torch.nn.init.zeros_(block.second.weight)
    same, others = network(images)
    assert torch.equal(logits, same)
    assert not torch.equal(pixels, others)
