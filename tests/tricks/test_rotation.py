# SPDX-License-Identifier: MIT
"""Rotations that a second head names, against the cross-entropy written out."""

import pytest
import torch
from small_models import small
from small_states import state_of

from ganbench.config import Recipe
from ganbench.errors import ConfigError
from ganbench.gan import GAN, Batch, DataSpec
from ganbench.losses import non_saturating
from ganbench.nn import ConvDiscriminator, ConvGenerator
from ganbench.nn.conditional import LabeledGenerator, ProjectionDiscriminator
from ganbench.step import gradients
from ganbench.tricks.pacgan import PacGAN
from ganbench.tricks.rotation import Rotation
from ganbench.turn import Turn


def state_for(height, width, *, labels=False):
    data = DataSpec("images", "1", (1, height, width), classes=2 if labels else 0)

    def plain_generator(size):
        return ConvGenerator(size, data.shape, width=2)

    def plain_discriminator(shape):
        return ConvDiscriminator(shape, width=4, norm="none")

    def generator(size):
        return LabeledGenerator(plain_generator(size + 2), 2) if labels else plain_generator(size)

    def discriminator(shape):
        if not labels:
            return plain_discriminator(shape)
        network = ConvDiscriminator(shape, width=4, norm="none", outputs=6)
        return ProjectionDiscriminator(network, 6, torch.nn.Embedding(2, 6))

    gan = GAN(
        generator=generator,
        discriminator=discriminator,
        loss=non_saturating,
        recipe=Recipe(kimg=1, batch_size=8, latent_dim=3),
        conditional=labels,
    )
    return state_of(gan, data, [Rotation(discriminator=0.5, generator=0.25)])


def rotated(image, quarters):
    """Return an image (1, H, W) after quarter turns against the clock, pixel by pixel."""
    for _ in range(quarters):
        image = torch.stack([image[:, :, column] for column in range(image.shape[2])][::-1], 1)
    return image


@pytest.mark.parametrize(
    ("size", "turns"), [((16, 16), (0, 1, 2, 3)), ((16, 24), (0, 2)), ((24, 16), (0, 2))]
)
def test_the_term_is_the_cross_entropy_of_the_rotations(size, turns):
    state = state_for(*size)
    batch = Batch(torch.rand(8, 1, *size))
    head = state.discriminator.layers[-1].head
    features = []
    head.register_forward_pre_hook(lambda _, inputs: features.append(inputs[0]))
    for role, weight in (("discriminator", 0.5), ("generator", 0.25)):
        turn = Turn(state, role, batch)
        (term,) = state.tricks.terms(turn).values()
        images = (batch if role == "discriminator" else turn.fake).images
        losses = []
        for image in images[: 8 // len(turns)]:
            for index, quarters in enumerate(turns):
                state.discriminate(rotated(image, quarters)[None])
                odds = head(features[-1])
                assert odds.shape == (1, len(turns))
                losses.append(-odds.log_softmax(1)[0, index])
        torch.testing.assert_close(term, weight * torch.stack(losses).mean())


@pytest.mark.parametrize("labels", [False, True])
def test_the_terms_reach_the_player_whose_turn_it_is_and_the_head(labels):
    state = state_for(16, 16, labels=labels)
    batch = Batch(torch.rand(8, 1, 16, 16), torch.arange(8) % 2)
    for role in state.updates:
        turn = gradients(state, role, batch)
        assert all(weight.grad is not None for weight in state.parameters(role))
        assert turn.terms["rotation/rotation"].isfinite()
    (reached,) = torch.autograd.grad(
        state.tricks.terms(Turn(state, "discriminator", batch))["rotation/rotation"],
        next(weight for name, weight in state.discriminator.named_parameters() if "head.w" in name),
    )
    assert reached.any()


def test_only_images_are_rotated():
    with pytest.raises(ConfigError, match="holds points"):
        Rotation().check(None, None, DataSpec("points", "1", (2,)))


def test_packs_of_images_have_no_rotation():
    data = DataSpec("images", "1", (1, 16, 16))
    gan = small("dcgan", data)
    with pytest.raises(ConfigError, match="and pacgan shows the discriminator several"):
        state_of(gan, data, [Rotation(), PacGAN()])
    state_of(gan, data, [Rotation(), PacGAN(size=1)])
