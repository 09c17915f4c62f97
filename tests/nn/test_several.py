# SPDX-License-Identifier: MIT
"""Several discriminators and several generators around plain networks."""

import torch

from ganbench.nn import MLP
from ganbench.nn.several import SeveralDiscriminators, SeveralGenerators


def test_each_discriminator_has_a_column_of_the_logits():
    networks = [MLP((2,), [4], (1,)) for _ in range(3)]
    images = torch.randn(5, 2)
    logits = SeveralDiscriminators(networks)(images)
    for column, network in enumerate(networks):
        torch.testing.assert_close(logits[:, column : column + 1], network(images))


def test_the_end_of_a_latent_says_which_generator_makes_the_example():
    shared = MLP((3,), [4], (2,))
    network = SeveralGenerators(shared, 3, 2)
    noise, chosen = torch.randn(4, 3), torch.tensor([1, 0, 0, 1])
    examples = network(torch.cat([noise, torch.eye(2)[chosen]], 1))
    for row, number in enumerate(chosen):
        values = slice(3 * number, 3 * number + 3)
        own = network.first.weight[values] @ noise[row] + network.first.bias[values]
        torch.testing.assert_close(examples[row], shared(own[None])[0])


def test_a_first_layer_learns_from_the_examples_of_its_generator_alone():
    network = SeveralGenerators(MLP((3,), [4], (2,)), 3, 2)
    latents = torch.cat([torch.randn(4, 3), torch.eye(2)[[1, 1, 1, 1]]], 1)
    network(latents).sum().backward()
    first, second = network.first.weight.grad.chunk(2)
    assert not first.any()
    assert second.any()
    assert all(weight.grad is not None for weight in network.network.parameters())
