# SPDX-License-Identifier: MIT
"""Several discriminators and several generators around plain networks."""

import torch
from torch import nn

from ganbench.nn import MLP
from ganbench.nn.several import SeveralDiscriminators, SeveralGenerators


def test_each_discriminator_has_a_column_of_the_logits():
    networks = [MLP((2,), [4], (1,)) for _ in range(3)]
    images = torch.randn(5, 2)
    logits = SeveralDiscriminators(networks)(images)
    for column, network in enumerate(networks):
        torch.testing.assert_close(logits[:, column : column + 1], network(images))


def test_the_end_of_a_latent_says_which_generator_makes_the_example():
    shared = MLP((5,), [4], (2,))
    network = SeveralGenerators(shared, 3, 5, 2)
    noise, chosen = torch.randn(4, 3), torch.tensor([1, 0, 0, 1])
    examples = network(torch.cat([noise, torch.eye(2)[chosen]], 1))
    for row, number in enumerate(chosen):
        values = slice(5 * number, 5 * number + 5)
        own = network.first.weight[values] @ noise[row] + network.first.bias[values]
        torch.testing.assert_close(examples[row], shared(own.clamp(min=0)[None])[0])


def test_generators_differ_by_more_than_an_affine_map_of_the_noise():
    """With linear shared layers, an affine first layer would make the mean of G(z), G(-z) G(0)."""
    torch.manual_seed(0)
    network = SeveralGenerators(nn.Linear(5, 2), 3, 5, 2)
    noise = torch.randn(4, 3)
    for chosen in torch.eye(2).expand(4, 2, 2).unbind(1):
        plus, minus, zero = (
            network(torch.cat([sign * noise, chosen], 1)) for sign in (1.0, -1.0, 0.0)
        )
        assert ((plus + minus) / 2 - zero).abs().max() > 0.01


def test_a_first_layer_learns_from_the_examples_of_its_generator_alone():
    network = SeveralGenerators(MLP((5,), [4], (2,)), 3, 5, 2)
    latents = torch.cat([torch.randn(4, 3), torch.eye(2)[[1, 1, 1, 1]]], 1)
    network(latents).sum().backward()
    first, second = network.first.weight.grad.chunk(2)
    assert not first.any()
    assert second.any()
    assert all(weight.grad is not None for weight in network.network.parameters())
