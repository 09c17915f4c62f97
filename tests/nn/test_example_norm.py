# SPDX-License-Identifier: MIT
"""Layer, instance and group normalization, compared with networks that are written out."""

import pytest
import torch
from small_states import state_of
from torch import nn
from torch.nn.functional import conv2d, instance_norm, layer_norm, leaky_relu, linear

from ganbench.config import Recipe, sgd
from ganbench.errors import ConfigError
from ganbench.gan import GAN, Batch, DataSpec
from ganbench.losses import non_saturating
from ganbench.nn import MLP, ConvDiscriminator
from ganbench.nn.example_norm import ExampleNorm
from ganbench.step import gradients
from ganbench.tricks.group_norm import GroupNorm
from ganbench.tricks.instance_norm import InstanceNorm
from ganbench.tricks.layer_norm import LayerNorm

IMAGES = DataSpec("images", "1", (1, 16, 16))
POINTS = DataSpec("points", "1", (3,))


def build(discriminator, *tricks, data=POINTS):
    gan = GAN(
        generator=lambda latent_dim: MLP((latent_dim,), (4,), data.shape),
        discriminator=discriminator,
        loss=non_saturating,
        recipe=Recipe(
            kimg=1,
            batch_size=5,
            latent_dim=3,
            generator_optimizer=sgd(0.1),
            discriminator_optimizer=sgd(0.1),
        ),
    )
    return state_of(gan, data, tricks, seed=2)


def convolutional(shape):
    return ConvDiscriminator(shape, width=4)


def wide(shape):
    return MLP(shape, (6, 6), (1,))


def in_groups(maps, groups):
    """Return maps (B, C, ...) minus the mean of their group, over its deviation."""
    parts = maps.reshape(len(maps), groups, -1)
    spread = (parts.var(2, correction=0, keepdim=True) + 1e-5).sqrt()
    return ((parts - parts.mean(2, keepdim=True)) / spread).reshape(maps.shape)


@pytest.mark.parametrize(
    ("trick", "normalized"),
    [
        (LayerNorm(), lambda maps: layer_norm(maps, maps.shape[1:])),
        (InstanceNorm(), instance_norm),
        (GroupNorm(channels=12), lambda maps: in_groups(maps, 2)),  # of gcd(8, 12) channels
        (GroupNorm(channels=1), lambda maps: in_groups(maps, 8)),
        (GroupNorm(), lambda maps: in_groups(maps, 1)),
    ],
    ids=["layer", "instance", "twelve channels", "one channel", "sixteen channels"],
)
def test_it_takes_the_place_of_batch_normalization(trick, normalized):
    """With the gains and biases of the layers that it replaces, and the same gradients."""
    state, plain = build(convolutional, trick, data=IMAGES), build(convolutional, data=IMAGES)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in state.discriminator.modules())
    first, second, gain, bias, *_ = plain.parameters("discriminator")
    names = list(dict(plain.discriminator.named_parameters()))
    assert names == list(dict(state.discriminator.named_parameters()))
    weights = dict(plain.discriminator.named_parameters())
    first, first_bias, second, gain, bias, last, last_bias = weights.values()

    def by_hand(images):
        maps = leaky_relu(conv2d(images, first, first_bias, stride=2, padding=1), 0.2)
        maps = normalized(conv2d(maps, second, stride=2, padding=1))
        maps = leaky_relu(maps * gain[:, None, None] + bias[:, None, None], 0.2)
        return linear(maps.flatten(1), last, last_bias)

    images = torch.randn(5, 1, 16, 16)
    turn = gradients(state, "discriminator", Batch(images))
    fakes = turn.fake.images.detach()
    loss = non_saturating.discriminator(by_hand(images), by_hand(fakes))
    expected = torch.autograd.grad(loss, list(weights.values()))
    for weight, slope in zip(state.parameters("discriminator"), expected, strict=True):
        torch.testing.assert_close(weight.grad, slope, rtol=1e-3, atol=1e-6)


def test_without_batch_normalization_it_stands_before_each_activation_but_the_first_of_several():
    state = build(lambda shape: MLP(shape, (6, 6, 6), (1,)), LayerNorm())
    kinds = [type(layer) for layer in state.discriminator.layers]
    hidden = [nn.Linear, ExampleNorm, nn.LeakyReLU]
    assert kinds == [nn.Flatten, nn.Linear, nn.LeakyReLU, *hidden, *hidden, nn.Linear]
    state = build(lambda shape: MLP(shape, (6,), (1,)), LayerNorm())
    assert [type(layer) for layer in state.discriminator.layers] == [nn.Flatten, *hidden, nn.Linear]


def test_layers_of_vectors():
    state, plain = build(wide, LayerNorm()), build(wide)
    first, second, third = (plain.discriminator.layers[index] for index in (1, 3, 5))
    points = torch.randn(5, 3)
    inner = layer_norm(second(leaky_relu(first(points), 0.2)), (6,))
    expected = third(leaky_relu(inner, 0.2))
    torch.testing.assert_close(state.discriminator(points), expected)


@pytest.mark.parametrize("trick", [LayerNorm(), InstanceNorm(), GroupNorm()])
def test_the_rest_of_a_batch_plays_no_part(trick):
    discriminator = build(convolutional, trick, data=IMAGES).discriminator
    images = torch.randn(5, 1, 16, 16)
    torch.testing.assert_close(discriminator(images)[2:3], discriminator(images[2:3]))


def test_a_normalization_of_single_values_is_refused():
    """Each would be zero, whatever the network learned."""
    with pytest.raises(ConfigError, match="instance-norm normalizes hidden layers, and finds none"):
        build(wide, InstanceNorm())
    with pytest.raises(ConfigError, match="one value in each group"):
        gradients(build(wide, GroupNorm(channels=1)), "discriminator", Batch(torch.randn(5, 3)))
    gradients(build(wide, GroupNorm(channels=2)), "discriminator", Batch(torch.randn(5, 3)))


def test_a_network_without_hidden_layers_is_refused():
    with pytest.raises(ConfigError, match="layer-norm normalizes") as error:
        build(lambda shape: MLP(shape, (), (1,)), LayerNorm())
    assert error.value.hint.endswith("--trick layer-norm:off")


def test_two_of_them_are_refused():
    """The second finds nothing that it could replace."""
    with pytest.raises(ConfigError, match="layer-norm normalizes hidden layers, and finds none"):
        build(convolutional, LayerNorm(), InstanceNorm(), data=IMAGES)
