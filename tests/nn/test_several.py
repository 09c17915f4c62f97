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


def first_layer(network):
    return next(part for part in network.modules() if isinstance(part, nn.Linear))


def test_the_end_of_a_latent_says_which_generator_makes_the_example():
    """Each generator has an affine first layer, whose columns stand next to those of the others."""
    network = SeveralGenerators(lambda inputs: nn.Linear(inputs, 5), 3, 2)
    shared = first_layer(network)
    noise, chosen = torch.randn(4, 3), torch.tensor([1, 0, 0, 1])
    values = network(torch.cat([noise, torch.eye(2)[chosen]], 1))
    for row, number in enumerate(chosen):
        weight, offset = shared.weight[:, 4 * number : 4 * number + 4].split([3, 1], 1)
        own = 2**0.5 * (weight @ noise[row] + offset[:, 0]) + shared.bias
        torch.testing.assert_close(values[row], own)


def test_inputs_have_the_mean_square_of_those_of_one_generator():
    network = SeveralGenerators(lambda inputs: nn.Identity(), 63, 8)
    latents = torch.cat([torch.randn(500, 63), torch.eye(8)[torch.arange(500) % 8]], 1)
    inputs = network(latents)
    assert inputs.shape == (500, 512)
    assert abs(inputs.square().mean() - 1) < 0.02


def test_a_first_layer_learns_from_the_examples_of_its_generator_alone():
    network = SeveralGenerators(lambda inputs: MLP((inputs,), [4], (2,)), 3, 2)
    latents = torch.cat([torch.randn(4, 3), torch.eye(2)[[1, 1, 1, 1]]], 1)
    network(latents).sum().backward()
    first, second = first_layer(network).weight.grad.chunk(2, 1)
    assert not first.any()
    assert second.any()
    assert all(weight.grad is not None for weight in network.network.parameters())
