# SPDX-License-Identifier: MIT
"""CoGAN: the second domain, real images that never come in pairs, and two games at once."""

import pytest
import torch
from small_states import state_of
from torch.nn.functional import softplus

from ganbench.gan import Batch, DataSpec
from ganbench.step import gradients
from ganbench.training.build import create
from ganbench.turn import Turn

DATA = DataSpec("images", "1", (3, 8, 8))
BATCH = Batch(torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1)


def cogan(domain="edges"):
    gan = create("cogan", DATA, {"backbone": "dcgan:width=4,batch_norm=false", "domain": domain})
    return state_of(gan, DATA, recipe=gan.recipe.replace(batch_size=4))


def test_edges_are_the_dilation_minus_the_image():
    image = torch.full((1, 1, 5, 6), -1.0)
    image[0, 0, 1:3, 1:3] = 1.0  # a square of four white pixels
    edges = cogan().tricks.variant.other(image)
    expected = torch.full((5, 6), -1.0)
    expected[0:4, 0:4] = 1.0  # dilated by one pixel on all sides
    expected[1:3, 1:3] = -1.0
    assert torch.equal(edges[0, 0], expected)


def test_a_negative_is_the_image_with_its_sign_changed():
    assert torch.equal(cogan("negative").tricks.variant.other(BATCH.images), -BATCH.images)


def test_real_images_of_the_domains_come_from_different_examples():
    turn = Turn(cogan("negative"), "discriminator", BATCH)
    (others,) = turn.real.seen.condition
    assert torch.equal(turn.real.seen.images, BATCH.images)
    assert not any(torch.equal(-BATCH.images[row], others[row]) for row in range(4))
    assert torch.equal(others, -BATCH.images[[3, 0, 1, 2]])


@pytest.mark.parametrize("role", ["discriminator", "generator"])
def test_samples_are_shown_with_what_was_made_of_the_same_latent(role):
    state = cogan()
    turn = Turn(state, role, BATCH)
    images, (others,) = state.generate(turn.latents)
    torch.testing.assert_close(turn.fake.seen.images, images)
    torch.testing.assert_close(turn.fake.seen.condition, (others,))


def test_the_players_play_in_both_domains():
    state = cogan()
    turn = gradients(state, "generator", BATCH)
    logits = state.discriminate(turn.fake.images, turn.fake.made)
    expected = (softplus(-logits[:, 0]).mean() + softplus(-logits[:, 1]).mean()) / 2
    torch.testing.assert_close(turn.terms, {"adversarial": expected})
    last = [layer for layer in state.generator.modules() if hasattr(layer, "output_padding")][-1]
    reached = last.weight.grad.abs().sum((0, 2, 3))  # by channel: three of each domain
    assert reached.shape == (6,)
    assert reached.all()
