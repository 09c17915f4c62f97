# SPDX-License-Identifier: MIT
"""The discriminator of SAN: its logit, and which of its parts learns from what."""

import torch

from ganbench.nn.mlp import MLP
from ganbench.nn.sliced import SlicedDiscriminator


def test_the_logit_is_the_projection_of_the_features_on_a_unit_vector():
    network = SlicedDiscriminator(MLP((3,), [5], (4,)), 4)
    network.direction.data = torch.tensor([3.0, 0.0, 4.0, 0.0])
    images = torch.randn(6, 3)
    features = torch.nn.functional.leaky_relu(network.network(images), 0.2)
    expected = 0.6 * features[:, :1] + 0.8 * features[:, 2:3]
    logits, extras = network(images)
    torch.testing.assert_close(logits, expected)
    torch.testing.assert_close(extras, expected)


def test_features_learn_from_logits_and_the_direction_from_extras():
    network = SlicedDiscriminator(MLP((3,), [5], (4,)), 4)
    logits, extras = network(torch.randn(6, 3))
    weights = [*network.network.parameters()]
    of_features = torch.autograd.grad(logits.sum(), weights, retain_graph=True)
    assert all(gradient.any() for gradient in of_features)
    (of_direction,) = torch.autograd.grad(extras.sum(), [network.direction], retain_graph=True)
    assert of_direction.any()
    assert abs(of_direction @ network.direction) < 1e-5, "only the direction changes"
    for output, parts in ((logits, [network.direction]), (extras, weights)):
        gradients = torch.autograd.grad(output.sum(), parts, retain_graph=True, allow_unused=True)
        assert gradients == (None,) * len(parts)
