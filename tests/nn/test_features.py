# SPDX-License-Identifier: MIT
"""Discriminators with features and places on a sphere, compared with their formulas."""

import pytest
import torch

from ganbench.nn import MLP
from ganbench.nn.features import (
    AuxiliaryDiscriminator,
    ContrastiveDiscriminator,
    FeatureDiscriminator,
)
from ganbench.nn.last_layer import WithHead
from ganbench.nn.sliced import SlicedDiscriminator

IMAGES = torch.randn(4, 2, generator=torch.Generator().manual_seed(0))


def features_of(plain):
    values = plain(IMAGES)
    return torch.where(values > 0, values, 0.2 * values)


def test_the_logit_is_linear_in_the_features():
    plain = MLP((2,), [8], (5,))
    network = FeatureDiscriminator(plain, 5)
    logits, features = network(IMAGES)
    torch.testing.assert_close(features, features_of(plain))
    torch.testing.assert_close(logits, features @ network.head.weight.T + network.head.bias)
    assert logits.shape == (4, 1)


def test_an_auxiliary_head_is_a_layer_of_its_own_on_the_same_features():
    plain = MLP((2,), [8], (5,))
    network = AuxiliaryDiscriminator(plain, 5, 4)
    logits, values = network(IMAGES)
    features = features_of(plain)
    torch.testing.assert_close(logits, features @ network.head.weight.T + network.head.bias)
    auxiliary = network.auxiliary
    torch.testing.assert_close(values, features @ auxiliary.weight.T + auxiliary.bias)
    assert (logits.shape, values.shape) == ((4, 1), (4, 4))


def test_places_are_unit_vectors_of_examples_and_of_their_classes():
    plain = MLP((2,), [8], (5,))
    network = ContrastiveDiscriminator(plain, 5, 3, 6)
    labels = torch.tensor([2, 0, 1, 2])
    logits, (places, classes) = network(IMAGES, labels)
    projected = network.project(features_of(plain))
    torch.testing.assert_close(places, projected / projected.norm(dim=1, keepdim=True))
    rows = network.embed.weight[labels]
    torch.testing.assert_close(classes, rows / rows.norm(dim=1, keepdim=True))
    torch.testing.assert_close(logits, network(IMAGES, labels.flip(0))[0])  # knows no class


@pytest.mark.parametrize("size", [128, 512])
def test_vectors_that_are_normalized_start_at_about_unit_length(size):
    """Adam moves each value by the learning rate: it would hardly turn a long vector."""
    torch.manual_seed(0)
    plain = MLP((2,), [8], (size,))
    vectors = [
        SlicedDiscriminator(plain, size).direction[None],
        ContrastiveDiscriminator(plain, size, 10, size).embed.weight,
        WithHead(torch.nn.Linear(4, 1), size, "some-trick", classes=10).classes,
    ]
    for each in vectors:
        lengths = each.norm(dim=1)
        assert lengths.min() > 0.75
        assert lengths.max() < 1.25
