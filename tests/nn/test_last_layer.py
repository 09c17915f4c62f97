# SPDX-License-Identifier: MIT
"""The last layer of a discriminator: found in every model, and joined."""

import pytest
import torch
from small_models import small
from small_states import state_of
from torch import nn

from ganbench import registry
from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.nn import MLP, ConvDiscriminator
from ganbench.nn.last_layer import (
    WithHead,
    WithStatistics,
    head_of,
    join_last_layer,
    last_layer,
    weight_of,
)
from ganbench.nn.style_networks import StyleDiscriminator
from ganbench.turn import Turn

POINTS = DataSpec("points", "1", (2,), classes=2)
IMAGES = DataSpec("images", "1", (1, 8, 8), classes=2)
PAIRS = DataSpec("pairs", "1", (1, 8, 8), source=(1, 8, 8))
SOUNDS = DataSpec("sounds", "1", (1, 64))
TEXTS = DataSpec("texts", "1", (4, 8), alphabet=("a", "b", "c", "d"))
WITHOUT = {
    *("began", "cogan", "ebgan", "gman", "projected-gan", "san"),
}
"""Models with several last layers, or with logits that no layer computes."""


def first_state(model):
    """Return a state of a model and a batch, on the first kind of data that it takes."""
    for data in (IMAGES, POINTS, PAIRS, SOUNDS, TEXTS):
        try:
            gan = small(model, data)
        except ConfigError:
            continue
        batch = Batch(
            torch.rand(4, *data.shape),
            torch.tensor([0, 1, 1, 0]) if data.classes else None,
            torch.rand(4, *data.source) if data.source else None,
        )
        recipe = gan.recipe.model_copy(update={"batch_size": 4})
        return state_of(gan, data, gan.tricks, recipe=recipe), batch
    raise AssertionError("no data suit the model")


@pytest.mark.parametrize("model", sorted(registry.models.names()))
def test_what_the_last_layer_computes_is_added_to_the_logits(model):
    """An output that is higher by 100 makes every logit higher by 100."""
    state, batch = first_state(model)
    state.discriminator.eval()
    if model in WITHOUT:
        with pytest.raises(ConfigError, match="no single layer"):
            last_layer(state.discriminator, "some-trick")
        return
    _, layer = last_layer(state.discriminator, "some-trick")
    assert layer in list(state.discriminator.modules())

    def judged():
        torch.manual_seed(0)
        state.streams["trick/variant"].manual_seed(0)
        return Turn(state, "discriminator", batch, fakes=batch).real.logits

    plain = judged()
    layer.register_forward_hook(lambda _, inputs, output: output + 100.0)
    after = judged() - 100.0
    if model == "mmdgan":  # its logits are features, with a slope of 0.2 below zero
        plain = torch.where(plain < 0, plain / 0.2, plain)
    torch.testing.assert_close(after, plain, rtol=1e-3, atol=1e-3)


def test_a_network_that_is_its_own_last_layer():
    layer = nn.Linear(3, 1)
    assert last_layer(layer, "some-trick") == ("", layer)
    assert isinstance(join_last_layer(layer, "some-trick", nn.Sequential), nn.Sequential)


def test_a_network_without_weights_has_no_last_layer():
    with pytest.raises(ConfigError, match="no single layer"):
        last_layer(nn.Sequential(nn.Flatten(), nn.Tanh()), "some-trick")


def test_with_statistics_is_the_layer_of_the_concatenation():
    layer = nn.Linear(5, 2)
    joined = WithStatistics(layer, nn.Sequential(nn.Linear(5, 3), nn.Tanh()), 3)
    features = torch.randn(4, 5)
    both = torch.cat([features, joined.statistics(features)], 1)
    weight = torch.cat([layer.weight, joined.added.weight], 1)
    torch.testing.assert_close(joined(features), both @ weight.T + layer.bias)


def test_the_statistics_of_a_map_are_added_at_each_place():
    layer = nn.Conv2d(5, 1, 2)
    joined = WithStatistics(layer, nn.Sequential(nn.Flatten(), nn.Linear(45, 3)), 3)
    maps = torch.randn(4, 5, 3, 3)
    added = joined.added(joined.statistics(maps))
    torch.testing.assert_close(joined(maps), layer(maps) + added[:, :, None, None])


@pytest.mark.parametrize(
    "network",
    [
        MLP((6,), [64], (1,)),
        ConvDiscriminator((1, 16, 16), width=8),
        StyleDiscriminator((1, 16, 16), width=8),
    ],
)
def test_the_weights_that_are_added_are_as_large_as_those_of_the_layer(network):
    joined = join_last_layer(
        network, "some-trick", lambda layer: WithStatistics(layer, nn.Identity(), 500)
    )
    (added,) = (module for module in joined.modules() if isinstance(module, WithStatistics))
    ratio = added.added.weight.std() / weight_of(added.layer).square().mean().sqrt()
    assert 0.85 < ratio < 1.15


def test_joined_layers_can_be_joined_again():
    network = MLP((2,), [4], (1,))
    layer = last_layer(network, "some-trick")[1]
    for reader in ("first", "second"):
        join_last_layer(network, reader, lambda layer, reader=reader: WithHead(layer, 3, reader))
    assert last_layer(network, "some-trick")[1] is layer
    assert head_of(network, "first") is not head_of(network, "second")


def test_a_head_changes_no_logit_and_its_values_are_noted():
    network = MLP((2,), [4], (1,))
    examples = torch.randn(5, 2)
    plain = network(examples)
    join_last_layer(network, "some-trick", lambda layer: WithHead(layer, 3, "some", classes=2))
    noted = []
    head_of(network, "some").register_forward_pre_hook(lambda _, inputs: noted.append(inputs))
    assert torch.equal(network(examples), plain)
    values, classes = noted[0]
    assert values.shape == (5, 3)
    assert classes.shape == (2, 3)
