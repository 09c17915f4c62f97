# SPDX-License-Identifier: MIT
"""StyleGAN2's networks: what styles, noise and mixing do."""

import pytest
import torch

from ganbench.nn.style_networks import StyleDiscriminator, StyleGenerator


@pytest.fixture
def generator():
    torch.manual_seed(0)
    return StyleGenerator(8, (3, 16, 16), width=4)


def test_shapes_and_ranges(generator):
    images, styles = generator(torch.randn(5, 8))
    assert images.shape == (5, 3, 16, 16)
    assert images.abs().max() <= 1
    assert styles.shape == (5, 6, 8)  # a layer at 4 pixels, two at 8 and at 16, the image
    assert StyleDiscriminator((3, 16, 16), width=4)(images).shape == (5, 1)
    assert StyleGenerator(8, (1, 28, 28), width=4)(torch.randn(2, 8))[0].shape == (2, 1, 28, 28)


def test_the_length_of_a_latent_does_not_matter(generator):
    latents = torch.randn(5, 8)
    torch.testing.assert_close(generator.mapping(latents), generator.mapping(3 * latents))


def test_every_layer_has_its_style(generator):
    """Where the discriminator's gradient would not reach a style, its layer would not use it."""
    images, styles = generator.eval()(torch.randn(2, 8))
    assert torch.equal(styles, styles[:, :1].expand_as(styles)), "nothing is mixed in evaluation"
    (gradient,) = torch.autograd.grad(images.square().sum(), styles)
    assert gradient.abs().sum((0, 2)).all()


def test_mixing_takes_the_styles_of_another_latent_from_a_layer_on(generator):
    torch.manual_seed(1)
    latents = torch.randn(400, 8)
    own = generator.mapping(latents)[:, None]
    same = (generator.styles(latents) == own).all(2)  # (400, 6)
    assert same[:, 0].all(), "the first layer keeps its style"
    assert (same[:, :-1] | ~same[:, 1:]).all(), "no layer returns to it"
    mixed = ~same[:, -1]
    assert abs(mixed.float().mean() - 0.9) < 0.05
    assert (same.sum(1)[mixed].bincount(minlength=6)[1:] > 40).all(), "any layer may be the first"


def test_noise_acts_once_its_strength_has_been_learned(generator):
    styles = generator.eval().styles(torch.randn(2, 8))
    assert torch.equal(generator.synthesize(styles), generator.synthesize(styles))
    with torch.no_grad():
        generator.layers[2].strength.fill_(0.5)
    assert not torch.equal(generator.synthesize(styles), generator.synthesize(styles))


def test_a_class_enters_the_mapping_network_and_stays_in_mixed_styles():
    torch.manual_seed(0)
    generator = StyleGenerator(8, (1, 16, 16), width=4, mixing=1.0, classes=3)
    latents, labels = torch.randn(50, 8), torch.zeros(50, dtype=torch.int64)
    plain = generator.mapping(latents, labels)
    assert not torch.allclose(plain, generator.mapping(latents, labels + 1))
    seen = []
    generator.mapping.register_forward_hook(lambda _, given, output: seen.append(given))
    generator(latents, labels)
    (own, own_labels), (others, others_labels) = seen
    assert torch.equal(own, latents)
    assert not torch.equal(others, latents)
    assert torch.equal(own_labels, labels)
    assert torch.equal(others_labels, labels)
