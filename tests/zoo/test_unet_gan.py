# SPDX-License-Identifier: MIT
"""U-Net GAN: the loss of pixels, and what images mixed from real and fake ones cost."""

import pytest
import torch
from ganbench.zoo.unet_gan import cut_masks
from small_models import small
from small_states import state_of
from torch.nn.functional import softplus

from ganbench import losses
from ganbench.gan import Batch, DataSpec
from ganbench.step import gradients
from ganbench.training.build import build_state
from ganbench.tricks.diffaugment import DiffAugment
from ganbench.turn import Turn

DATA = DataSpec("images", "1", (1, 16, 16))
BATCH = Batch(torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1)


def unet_gan(images_seen=0, loss=None, **parameters):
    """Return a state of the model without its tricks, after some of its 1,000 images."""
    gan = small("unet-gan", DATA, parameters)
    recipe = gan.recipe.model_copy(update={"kimg": 1.0})
    if loss is None:
        state = state_of(gan, DATA, recipe=recipe)
    else:
        state = build_state(
            gan, DATA, recipe=recipe, tricks=(), loss=loss, seed=0, device=torch.device("cpu")
        )
    state.images_seen = images_seen
    return state


def mixed(state, turn):
    """Return the mask and the logits of the mixed images of a turn."""
    state.streams["trick/variant"].manual_seed(7)
    mask = cut_masks(BATCH.images, torch.Generator().manual_seed(7))
    images = torch.where(mask, BATCH.images, turn.fake.images)
    return mask, *state.discriminator(images)


def test_masks_are_boxes_or_all_but_boxes_and_half_is_kept():
    masks = cut_masks(torch.zeros(4000, 3, 12, 20), torch.Generator().manual_seed(0))
    assert masks.shape == (4000, 1, 12, 20)
    assert masks.float().mean() == pytest.approx(0.5, abs=0.02)
    boxes = 0
    for mask in masks[:200, 0]:
        for inside in (mask, ~mask):
            rows, columns = inside.any(1), inside.any(0)
            if inside.sum() == rows.sum() * columns.sum():  # every pixel of a product of sides
                edges = [side.int().diff().abs().sum() for side in (rows, columns)]
                boxes += all(edge <= 2 for edge in edges)
                break
    assert boxes == 200
    shares = masks.float().mean((1, 2, 3))
    assert shares.std() > 0.2


def test_both_players_minimize_the_loss_of_pixels_too():
    state = unet_gan()
    turn = gradients(state, "discriminator", BATCH)
    assert set(turn.terms) == {"adversarial", "variant/pixels"}, "mixed images weigh nothing yet"
    (real, real_pixels), (fake, fake_pixels) = map(
        state.discriminator, (BATCH.images, turn.fake.images)
    )
    torch.testing.assert_close(
        turn.terms["adversarial"], softplus(-real).mean() + softplus(fake).mean()
    )
    torch.testing.assert_close(
        turn.terms["variant/pixels"], softplus(-real_pixels).mean() + softplus(fake_pixels).mean()
    )
    turn = gradients(state, "generator", BATCH)
    _, pixels = state.discriminator(turn.fake.images)
    torch.testing.assert_close(turn.terms["variant/pixels"], softplus(-pixels).mean())
    assert set(turn.terms) == {"adversarial", "variant/pixels"}


@pytest.mark.parametrize(
    ("images_seen", "weight"), [(125, 0.5), (250, 1.0), (500, 2.0), (900, 2.0)]
)
def test_mixed_images_are_fake_and_their_pixels_are_what_they_were(images_seen, weight):
    state = unet_gan(images_seen, cutmix=2.0)
    turn = Turn(state, "discriminator", BATCH)
    mask, logits, pixels = mixed(state, turn)
    terms = state.tricks.variant.discriminator_terms(turn)
    assert set(terms) == {"pixels", "mixed", "mixed_pixels", "consistency"}
    torch.testing.assert_close(terms["mixed"], weight * softplus(logits).mean())
    costs = torch.where(mask, softplus(-pixels), softplus(pixels))
    torch.testing.assert_close(terms["mixed_pixels"], weight * costs.mean())
    before = torch.where(mask, turn.real.extras, turn.fake.extras)
    torch.testing.assert_close(terms["consistency"], weight * (pixels - before).square().mean())
    (slope,) = torch.autograd.grad(terms["consistency"], state.discriminator.pixel_logit.weight)
    assert slope.any()


def test_a_loss_that_compares_gets_consistency_alone():
    state = unet_gan(900, loss=losses.relativistic)
    turn = gradients(state, "discriminator", BATCH)
    assert set(turn.terms) == {"adversarial", "variant/pixels", "variant/consistency"}
    turn = gradients(state, "generator", BATCH)
    real, fake = turn.real.extras, turn.fake.extras
    torch.testing.assert_close(turn.terms["variant/pixels"], softplus(real - fake).mean())


def test_images_are_mixed_as_they_were_shown():
    """An augmentation of the mixed image would move its pixels away from their logits."""
    gan = small("unet-gan", DATA)
    state = state_of(gan, DATA, [DiffAugment()], recipe=gan.recipe.model_copy(update={"kimg": 1.0}))
    state.images_seen = 900
    turn = gradients(state, "discriminator", BATCH)
    state.streams["trick/variant"].manual_seed(7)
    terms = state.tricks.variant.discriminator_terms(turn)
    mask = cut_masks(BATCH.images, torch.Generator().manual_seed(7))
    images = torch.where(mask, turn.real.seen.images, turn.fake.seen.images)
    logits, _ = state.discriminator(images)
    torch.testing.assert_close(terms["mixed"], softplus(logits).mean())
