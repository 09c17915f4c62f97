# SPDX-License-Identifier: MIT
"""SSGAN: which images are rotated how, whose term it is, and images that are not square."""

import pytest
import torch
from small_states import state_of

from ganbench.gan import Batch, DataSpec
from ganbench.step import gradients
from ganbench.training.build import create
from ganbench.turn import Turn


def ssgan(height, width):
    data = DataSpec("images", "1", (1, height, width))
    gan = create("ssgan", data, {"backbone": "dcgan:width=4", "alpha": 0.25, "beta": 0.5})
    batch = Batch(torch.rand(8, 1, height, width, generator=torch.Generator().manual_seed(0)))
    return state_of(gan, data, gan.tricks), batch


def rotated(images, quarters):
    """Return an image (1, H, W) after quarter turns against the clock, pixel by pixel."""
    for _ in range(quarters):
        images = torch.stack([images[:, :, column] for column in range(images.shape[2])][::-1], 1)
    return images


@pytest.mark.parametrize(
    ("size", "turns"), [((8, 8), (0, 1, 2, 3)), ((8, 12), (0, 2)), ((12, 8), (0, 2))]
)
def test_the_term_is_the_cross_entropy_of_the_rotations(size, turns):
    state, batch = ssgan(*size)
    state.discriminator.eval()  # spectral norms would move on at each pass
    for role, weight in (("discriminator", 0.5), ("generator", 0.25)):
        turn = Turn(state, role, batch)
        terms = state.tricks.terms(turn)
        images = (batch if role == "discriminator" else turn.fake).images
        losses = []
        for image in images[: 8 // len(turns)]:
            for index, quarters in enumerate(turns):
                _, odds = state.discriminate(rotated(image, quarters)[None])
                assert odds.shape == (1, len(turns))
                losses.append(-odds.log_softmax(1)[0, index])
        expected = weight * torch.stack(losses).mean()
        torch.testing.assert_close(terms["variant/rotation"], expected)


def test_the_generator_learns_from_rotations_of_its_own_images():
    state, batch = ssgan(8, 8)
    turn = Turn(state, "generator", batch)
    term = state.tricks.terms(turn)["variant/rotation"]
    reached = torch.autograd.grad(term, state.parameters("generator"))
    assert all(gradient.any() for gradient in reached)


def test_real_or_fake_is_told_from_images_that_are_not_rotated():
    state, batch = ssgan(8, 8)
    turn = gradients(state, "discriminator", batch)
    assert turn.real.logits.shape == turn.fake.logits.shape == (8, 1)
    assert torch.equal(turn.real.seen.images, batch.images)


def test_the_logit_and_the_rotations_have_spectral_norms_of_their_own():
    """Rows of one normalized layer would share a norm of one: large odds would shrink the logit."""
    state, _ = ssgan(8, 8)
    heads = [
        layer
        for layer in state.discriminator.modules()
        if isinstance(layer, torch.nn.Linear) and layer.out_features in (1, 4)
    ]
    assert sorted(layer.out_features for layer in heads) == [1, 4]
    for layer in heads:
        layer.train()
        for _ in range(200):
            weight = layer.weight
        assert abs(torch.linalg.matrix_norm(weight, 2) - 1) < 1e-3
