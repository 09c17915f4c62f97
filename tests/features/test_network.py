# SPDX-License-Identifier: MIT
"""The feature-network contract, on a network whose answers are known."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganbench.errors import InputError
from ganbench.features.network import BATCH_SIZE, FeatureNetwork, NetworkFacts, distinct
from ganbench.gan import DataSpec


class Brightness(FeatureNetwork):
    """Features: mean and maximum of the pixels; two classes, dark and bright."""

    def __init__(self):
        super().__init__(nn.Dropout(0.5), NetworkFacts("brightness", 1, "ab" * 32, "none", 2, 2))
        self.seen = []

    def read(self, images):
        self.seen.append(len(images))
        pixels = self.module(images.double().flatten(1))
        mean = pixels.mean(dim=1)
        bright = (mean - 127) / 20
        return torch.stack([mean, pixels.amax(dim=1)], dim=1), torch.stack([-bright, bright], dim=1)


def images(count, channels=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = (count, channels, 4, 4)
    return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)


def test_batches_join_in_order_and_dropout_is_off():
    network, given = Brightness(), images(2 * BATCH_SIZE + 7)
    features, probabilities = network.extract(given)
    assert network.seen == [BATCH_SIZE, BATCH_SIZE, 7]
    assert features.dtype == probabilities.dtype == torch.float32
    assert torch.allclose(features[:, 0], given.float().mean(dim=(1, 2, 3)))
    assert torch.allclose(probabilities.sum(dim=1), torch.ones(len(given)))
    assert not features.requires_grad


def test_channels_are_read_one_by_one_and_joined():
    network, given = Brightness(), images(20, channels=3)
    features, probabilities = network.extract(given, channelwise=True)
    assert features.shape == (20, 6)
    assert probabilities.shape == (20, 3, 2)
    for channel in range(3):
        alone = network.extract(given[:, channel : channel + 1])
        assert torch.equal(features[:, 2 * channel : 2 * channel + 2], alone.features)
        assert torch.equal(probabilities[:, channel], alone.probabilities)


def test_equal_channels_are_read_once():
    network = Brightness()
    few = images(5).expand(5, 3, 4, 4).repeat(10, 1, 1, 1)
    extracted = network.extract(few, channelwise=True)
    assert network.seen == [5]
    assert torch.equal(extracted.features[3], extracted.features[48])
    unique, inverse = distinct(few)
    assert torch.equal(unique[inverse], few)


@pytest.mark.parametrize(
    ("shape", "classes", "expected"),
    [((3, 28, 28), 8, True), ((3, 28, 28), 2, False), ((1, 28, 28), 2, False), ((2,), 4, False)],
)
def test_channels_are_objects_where_the_classes_multiply(shape, classes, expected):
    assert Brightness().reads_channels(DataSpec("any", "1", shape, classes)) is expected


def test_the_protocol_names_network_hash_and_preprocessing():
    assert Brightness().facts.protocol == "brightness:abababab/none"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (torch.zeros(2, 1, 4, 4), "uint8"),
        (torch.zeros(2, 2, 4, 4, dtype=torch.uint8), "one or three channels"),
        (torch.zeros(2, 4, 4, dtype=torch.uint8), "one or three channels"),
        (torch.zeros(0, 1, 4, 4, dtype=torch.uint8), "one or three channels"),
    ],
)
def test_what_is_no_image_is_refused(given, message):
    with pytest.raises(InputError, match=message):
        Brightness().extract(given)
