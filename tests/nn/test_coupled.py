# SPDX-License-Identifier: MIT
"""Coupled networks: what is shared, and that each logit judges one domain."""

import torch

from ganbench.nn import MLP, ConvDiscriminator
from ganbench.nn.coupled import CoupledDiscriminator, CoupledGenerator


def test_a_generator_makes_both_images_from_one_latent():
    plain, latents = MLP((3,), [8], (4, 8, 8)), torch.randn(5, 3)
    images, (others,) = CoupledGenerator(plain)(latents)
    assert torch.equal(torch.cat([images, others], 1), plain(latents))
    assert images.shape == others.shape == (5, 2, 8, 8)


def discriminator():
    torch.manual_seed(0)
    return CoupledDiscriminator(ConvDiscriminator((4, 8, 8), width=4, norm="none"), 2, 4)


def test_a_logit_does_not_depend_on_the_image_of_the_other_domain():
    network, images = discriminator(), torch.randn(5, 2, 8, 8)
    logits = network(images, (images,))
    assert logits.shape == (5, 2)
    assert not torch.equal(logits[:, 0], logits[:, 1]), "the first layers are not shared"
    changed = network(images, (-images,))
    assert torch.equal(changed[:, 0], logits[:, 0])
    assert (changed[:, 1] - logits[:, 1]).abs().max() > 1e-4


def test_shared_layers_learn_from_both_domains_and_first_layers_from_one():
    network, images = discriminator(), torch.randn(5, 2, 8, 8)
    for domain in range(2):
        network.zero_grad()
        network(images, (images,))[:, domain].sum().backward()
        assert network.first[domain].weight.grad.any()
        assert not network.first[1 - domain].weight.grad.any()
        assert all(weight.grad.any() for weight in network.network.parameters())
