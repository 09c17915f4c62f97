# SPDX-License-Identifier: MIT
"""Projected discriminators in place of a model's own: what is built, moved and refused."""

import pytest
import torch
from small_models import small
from small_states import state_of

from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.nn.frozen_features import ProjectedDiscriminator
from ganbench.step import update
from ganbench.tricks.projected_discriminator import ProjectedFeatures

IMAGES = DataSpec("images", "1", (1, 16, 16), classes=2)
BATCH = Batch(torch.rand(4, 1, 16, 16), torch.tensor([0, 1, 1, 0]))


def state_with(model, *tricks):
    gan = small(model, IMAGES)
    return state_of(
        gan, IMAGES, tricks, recipe=gan.recipe.model_copy(update={"batch_size": 4, "kimg": 1})
    )


def test_the_discriminators_learn_and_the_frozen_network_does_not():
    state = state_with("dcgan", ProjectedFeatures(width=4))
    network = state.discriminator
    assert isinstance(network, ProjectedDiscriminator)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    update(state, "discriminator", BATCH)
    moved = {
        name.split(".")[0]
        for name, value in network.state_dict().items()
        if not torch.equal(value, before[name])
    }
    assert moved == {"heads"}
    update(state, "generator", BATCH)


def test_the_generator_begins_as_without_it():
    states = state_with("dcgan"), state_with("dcgan", ProjectedFeatures())
    weights = [state.generator.state_dict() for state in states]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


@pytest.mark.parametrize("model", ["cgan", "infogan", "unet-gan", "bigan"])
def test_models_that_need_their_own_discriminator_are_refused(model):
    with pytest.raises(ConfigError, match="this model needs its own"):
        state_with(model, ProjectedFeatures())


def test_only_images_are_judged():
    with pytest.raises(ConfigError, match="holds points"):
        ProjectedFeatures().check(None, None, DataSpec("points", "1", (2,)))
