# SPDX-License-Identifier: MIT
"""Discriminators of pairs, compared with their formula."""

import torch
from torch import nn

from ganbench.nn import MLP
from ganbench.nn.pairs import PairDiscriminator


def leaky(values):
    return torch.where(values > 0, values, 0.2 * values)


def test_the_features_of_both_meet_in_a_hidden_layer():
    plain, images = MLP((2,), [8], (5,)), torch.randn(4, 2)
    network = PairDiscriminator(plain, 5, nn.Embedding(3, 2), 2)
    labels = torch.tensor([2, 0, 1, 2])
    hidden, last = network.joint.layers[1], network.joint.layers[-1]
    for image, label, logit in zip(images, labels, network(images, labels), strict=True):
        both = torch.cat([leaky(plain(image[None])[0]), network.embed.weight[label]])
        expected = last.weight @ leaky(hidden.weight @ both + hidden.bias) + last.bias
        torch.testing.assert_close(logit, expected)
    assert network(images, labels).shape == (4, 1)


def test_the_condition_and_the_example_both_matter_and_not_by_a_sum():
    """A sum of two parts could not tell a pair from its halves."""
    torch.manual_seed(0)
    network = PairDiscriminator(MLP((2,), [8], (5,)), 5, nn.Identity(), 3)
    images, codes = torch.randn(2, 2), torch.randn(2, 3)
    own, exchanged = network(images, codes).sum(), network(images, codes.flip(0)).sum()
    assert abs(own - exchanged) > 1e-4
