# SPDX-License-Identifier: MIT
"""Projected GAN: what is frozen stays, and what the discriminators say reaches the generator."""

from dataclasses import replace

import pytest
import torch
from small_models import small
from small_states import state_of
from torch.nn.functional import relu

from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.step import alternate, gradients
from ganbench.training.build import create

DATA = DataSpec("images", "1", (1, 28, 28))
BATCH = Batch(torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 2 - 1)


def projected_gan(tricks=False, **parameters):
    gan = small("projected-gan", DATA, parameters)
    return state_of(gan, DATA, gan.tricks if tricks else ())


def frozen(state):
    return {name: value.clone() for name, value in state.discriminator.pyramid.named_buffers()}


@pytest.mark.parametrize("features", ["fashion-cnn", "mnist-cnn", "random"])
def test_only_the_discriminators_of_the_maps_move(features):
    state = projected_gan(tricks=True, features=features)
    before = frozen(state)
    weights = [weight.detach().clone() for weight in state.parameters("discriminator")]
    alternate(state, lambda: BATCH)
    after = frozen(state)
    assert len(before) >= 12
    assert all(torch.equal(before[name], after[name]) for name in before)
    for old, new in zip(weights, state.parameters("discriminator"), strict=True):
        # The last biases cancel while all logits lie between the margins.
        assert old.numel() == 1 or not torch.equal(old, new)


def test_the_hinge_is_that_of_all_logits():
    state = projected_gan()
    turn = gradients(state, "discriminator", BATCH)
    pyramids = map(state.discriminator.pyramid, (BATCH.images, turn.fake.images))
    logits = [
        torch.cat([head(maps).flatten(1) for head, maps in zip(state.discriminator.heads, pyramid,
                                                               strict=True)], 1)
        for pyramid in pyramids
    ]  # fmt: skip
    expected = relu(1 - logits[0]).mean() + relu(1 + logits[1]).mean()
    torch.testing.assert_close(turn.terms["adversarial"], expected)
    assert logits[0].shape[1] > 4


def test_the_generator_learns_from_each_of_the_maps():
    for kept in range(4):
        state = projected_gan()
        for index, head in enumerate(state.discriminator.heads):
            if index != kept:
                torch.nn.init.zeros_(head.logit.weight)
        gradients(state, "generator", BATCH)
        assert all(weight.grad.any() for weight in [state.generator.to_image.weight])


def test_seeds_mix_differently_and_parameters_are_checked():
    gan = small("projected-gan", DATA, {"features": "fashion-cnn"})
    first, second = (state_of(gan, DATA, seed=seed) for seed in (0, 1))
    mixes = [state.discriminator.pyramid.across_channels[0].weight for state in (first, second)]
    assert not torch.equal(*mixes)
    layers = [state.discriminator.pyramid.layers[0].weight for state in (first, second)]
    assert torch.equal(*layers)
    with pytest.raises(ConfigError, match="features"):
        create("projected-gan", DATA, {"features": "inception"})
    with pytest.raises(ConfigError, match="projected-gan draws images"):
        create("projected-gan", DataSpec("points", "1", (2,)))


def test_squares_of_a_fifth_of_the_side_are_cut_out():
    (augment,) = (
        trick for trick in create("projected-gan", DATA).tricks if "cutout" in vars(trick)
    )
    streams = [torch.Generator().manual_seed(seed) for seed in range(50)]
    plain = replace(augment, color=0.0, translation=0.0)
    images = torch.ones(8, 1, 30, 30)
    cut = [int((plain.augment(images, stream) == 0).sum((1, 2, 3)).max()) for stream in streams]
    assert max(cut) == 6 * 6
