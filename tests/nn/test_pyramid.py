# SPDX-License-Identifier: MIT
"""Networks with an image at each resolution."""

import torch

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
