# SPDX-License-Identifier: MIT
"""Networks that grow: what they show at each level, and which of their layers act."""

import pytest
import torch

from ganbench.nn.progressive import (
    ProgressiveDiscriminator,
    ProgressiveGenerator,
    at_level,
    highest_level,
)

SHAPE = (1, 28, 28)


def generator(level, shape=SHAPE):
    torch.manual_seed(0)
    return ProgressiveGenerator(6, shape, width=2, level=level)


def means(images, times):
    """Return images whose squares of 2 ** times pixels are replaced by their means."""
    side = 2**times
    small = images.unfold(2, side, side).unfold(3, side, side).mean((4, 5))
    return small.repeat_interleave(side, 2).repeat_interleave(side, 3)


def test_real_images_lose_the_detail_of_higher_levels():
    images = torch.randn(2, *SHAPE)
    assert highest_level(SHAPE) == 2
    assert torch.equal(at_level(images, 2.0), images)
    torch.testing.assert_close(at_level(images, 1.0), means(images, 1))
    torch.testing.assert_close(at_level(images, 0.0), means(images, 2))
    between = 0.75 * means(images, 1) + 0.25 * images
    torch.testing.assert_close(at_level(images, 1.25), between)


def test_samples_have_no_more_detail_than_their_level():
    latents = torch.randn(2, 6)
    for level in (0.0, 1.0):
        images = generator(level)(latents)
        torch.testing.assert_close(at_level(images, level), images)
    assert not torch.allclose(at_level(generator(2.0)(latents), 1.0), generator(2.0)(latents))


def test_a_size_is_faded_in_between_levels():
    latents = torch.randn(2, 6)
    below, above = (generator(level)(latents) for level in (1.0, 2.0))
    torch.testing.assert_close(generator(1.25)(latents), 0.75 * below + 0.25 * above)


def test_a_discriminator_that_has_not_grown_sees_means_only():
    torch.manual_seed(0)
    network = ProgressiveDiscriminator(SHAPE, width=2, level=1.0)
    images = torch.randn(4, *SHAPE)
    torch.testing.assert_close(network(images), network(at_level(images, 1.0)))
    network.level.fill_(2.0)
    assert not torch.allclose(network(images), network(at_level(images, 1.0)))


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_fading_in_begins_without_a_jump(level):
    torch.manual_seed(0)
    network = ProgressiveDiscriminator(SHAPE, width=2, level=level)
    images, latents = torch.randn(4, *SHAPE), torch.randn(4, 6)
    before = network(images), generator(level)(latents)
    network.level.fill_(level + 1e-4)
    after = network(images), generator(level + 1e-4)(latents)
    for first, second in zip(before, after, strict=True):
        torch.testing.assert_close(first, second, atol=1e-2, rtol=1e-2)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 33, 50), (1, 64, 24)])
def test_sizes_that_are_no_powers_of_two(shape):
    highest = highest_level(shape)
    for level in (0.0, highest - 0.5, float(highest)):
        images = generator(level, shape)(torch.randn(4, 6))
        assert images.shape == (4, *shape)
        assert images.abs().max() <= 1
        network = ProgressiveDiscriminator(shape, width=2, level=level)
        assert network(images).shape == (4, 1)
        torch.testing.assert_close(network(images), network(at_level(images, highest)))


def test_only_layers_up_to_the_level_get_a_gradient():
    network = ProgressiveDiscriminator(SHAPE, width=2, level=1.0)
    network(torch.randn(4, *SHAPE)).sum().backward()
    grown = [weight.grad is not None for weight in (layer.weight for layer in network.first)]
    assert grown == [True, False]
    shown = [layer.weight.grad is not None for layer in network.from_image]
    assert shown == [False, True, False]
