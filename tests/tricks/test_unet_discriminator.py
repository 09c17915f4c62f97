# SPDX-License-Identifier: MIT
"""A U-Net in place of a model's discriminator: both players' losses of pixels, written out."""

import pytest
import torch
from small_models import small
from small_states import state_of
from torch import nn
from torch.nn.functional import softplus
from torch.nn.utils.parametrize import is_parametrized

from ganbench import losses
from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.step import gradients
from ganbench.tricks.multi_scale import MultiScale
from ganbench.tricks.projected_discriminator import ProjectedFeatures
from ganbench.tricks.several_discriminators import DiscriminatorEnsemble
from ganbench.tricks.spectral_norm import SpectralNorm
from ganbench.tricks.unet_discriminator import PixelwiseDiscriminator

IMAGES = DataSpec("images", "1", (1, 16, 16))
BATCH = Batch(torch.rand(4, 1, 16, 16))
TRICK = PixelwiseDiscriminator(pixels=0.5, width=4)


def state_with(loss=losses.non_saturating):
    gan = small("dcgan", IMAGES)
    recipe = gan.recipe.model_copy(update={"batch_size": 4})
    state = state_of(gan, IMAGES, [TRICK], recipe=recipe)
    state.loss = loss
    return state


@pytest.mark.parametrize("role", ["discriminator", "generator"])
def test_the_loss_of_pixels(role):
    state = state_with()
    turn = gradients(state, role, BATCH)
    pixels = turn.fake.extras
    assert pixels.shape == (4, 1, 16, 16)
    if role == "generator":
        expected = softplus(-pixels).mean()
    else:
        expected = softplus(-turn.real.extras).mean() + softplus(pixels).mean()
    torch.testing.assert_close(turn.terms["unet-discriminator/pixels"], 0.5 * expected)
    torch.testing.assert_close(
        turn.terms["adversarial"],
        state.loss.generator(None, turn.fake.logits)
        if role == "generator"
        else state.loss.discriminator(turn.real.logits, turn.fake.logits),
    )
    assert all(weight.grad is not None for weight in state.parameters(role))


def test_a_loss_that_compares_compares_pixels():
    turn = gradients(state_with(losses.relativistic), "generator", BATCH)
    expected = losses.relativistic.generator(turn.real.extras, turn.fake.extras)
    torch.testing.assert_close(turn.terms["unet-discriminator/pixels"], 0.5 * expected)


@pytest.mark.parametrize("other", [ProjectedFeatures(), MultiScale(), DiscriminatorEnsemble()])
def test_other_discriminators_in_its_place_are_refused(other):
    gan = small("dcgan", IMAGES)
    with pytest.raises(ConfigError, match="puts other discriminators"):
        state_of(gan, IMAGES, [TRICK, other])


def test_the_logits_of_pixels_are_not_spectrally_normalized():
    """The model and this trick have the same network; in both, all other layers are normalized."""
    gan = small("dcgan", IMAGES)
    model = small("unet-gan", IMAGES)
    for state in (
        state_of(gan, IMAGES, [TRICK, SpectralNorm()]),
        state_of(model, IMAGES, model.tricks),
    ):
        weighted = {
            name: layer
            for name, layer in state.discriminator.named_modules()
            if isinstance(layer, nn.Conv2d | nn.Linear)
        }
        free = {name for name, layer in weighted.items() if not is_parametrized(layer)}
        assert free == {"pixel_logit"}
