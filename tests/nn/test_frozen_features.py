# SPDX-License-Identifier: MIT
"""Frozen features: those of the bundled classifiers, mixed, and never trained."""

import pytest
import torch
from torch import nn

from ganbench import registry
from ganbench.networks.digit_cnn import load_classifier
from ganbench.nn.frozen_features import FrozenPyramid, ProjectedDiscriminator, frozen_layers
from ganbench.tricks.spectral_norm import SpectralNorm


@pytest.mark.parametrize("network", ["mnist-cnn", "fashion-cnn"])
def test_layers_are_those_of_the_classifier_with_normalization_folded_in(network):
    classifier = registry.networks.get(network)().module
    maps = images = torch.rand(2, 1, 28, 28) * 2 - 1
    with torch.no_grad():
        for stage, layer in zip(classifier.body, frozen_layers(network), strict=True):
            images, maps = stage(images), layer(maps).relu()
            torch.testing.assert_close(maps, images, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("network", ["mnist-cnn", "random"])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 33, 50), (2, 16, 16)])
def test_four_discriminators_have_about_equally_many_logits(network, shape):
    torch.manual_seed(0)
    discriminator = ProjectedDiscriminator(shape, network=network, width=4)
    images = torch.randn(2, *shape)
    counts = [
        head(maps).flatten(1).shape[1]
        for head, maps in zip(discriminator.heads, discriminator.pyramid(images), strict=True)
    ]
    assert max(counts) <= 2 * min(counts)
    assert discriminator(images).shape == (2, sum(counts))


def test_nothing_frozen_is_trained_or_normalized_by_tricks():
    def build(shape):
        torch.manual_seed(0)
        return ProjectedDiscriminator(shape, network="random", width=4)

    plain = build((1, 28, 28))
    normalized = SpectralNorm().wrap_discriminator(build, None)((1, 28, 28))
    names = dict(plain.pyramid.named_buffers())
    assert len(names) == 12
    for name, weights in normalized.pyramid.named_buffers():
        assert torch.equal(weights, names[name])
    assert not list(plain.pyramid.parameters())
    assert any("original" in name for name, _ in normalized.heads.named_parameters())


def test_colors_count_and_the_deepest_map_reaches_all_others():
    torch.manual_seed(0)
    pyramid = FrozenPyramid(3, "random", 4)
    images = torch.randn(1, 3, 16, 16)
    first, second = pyramid(images), pyramid(images.flip(1))
    assert not torch.allclose(first[0], second[0])
    deepest = pyramid.across_channels[-1]
    nn.init.zeros_(deepest.weight)
    for before, after in zip(first, pyramid(images), strict=True):
        assert not torch.allclose(before, after)


def test_mixing_keeps_the_variance():
    torch.manual_seed(0)
    pyramid = FrozenPyramid(1, "random", 64)
    deviations = [maps[:, :, 2:-2, 2:-2].std() for maps in pyramid(torch.randn(8, 1, 64, 64))]
    assert all(0.5 < deviation < 2 for deviation in deviations)


def test_initial_weights_do_not_depend_on_what_was_loaded_before():
    """The first of two networks loads the classifier, the second finds it loaded."""
    load_classifier.cache_clear()
    drawn = []
    for _ in range(2):
        torch.manual_seed(0)
        FrozenPyramid(1, "mnist-cnn", 4)
        drawn.append(torch.rand(3))
    assert torch.equal(*drawn)
