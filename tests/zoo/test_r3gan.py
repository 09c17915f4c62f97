# SPDX-License-Identifier: MIT
"""R3GAN: pairs and both penalties in every update, with weights and rates that fall."""

import pytest
import torch
from small_models import small
from small_states import state_of

from ganbench import registry
from ganbench.gan import Batch, DataSpec
from ganbench.step import gradients
from ganbench.training.build import create

DATA = DataSpec("points", "1", (2,))
BATCH = Batch(torch.randn(6, 2, generator=torch.Generator().manual_seed(0)))


def square_of_slopes(state, images):
    slope = torch.func.grad(lambda x: state.discriminator(x[None]).squeeze())
    return torch.func.vmap(slope)(images).square().sum(1).mean()


@pytest.mark.parametrize(("progress", "gamma"), [(0.0, 1.0), (0.5, 0.55), (1.0, 0.1)])
def test_the_discriminator_minimizes_the_loss_of_pairs_and_both_penalties(progress, gamma):
    gan = small("r3gan", DATA)
    state = state_of(gan, DATA, gan.tricks)
    state.images_seen = round(progress * 1000 * gan.recipe.kimg)
    for state.updates["discriminator"] in range(3):  # not lazy
        turn = gradients(state, "discriminator", BATCH)
        pairs = torch.nn.functional.softplus(turn.fake.logits - turn.real.logits).mean()
        expected = {
            "adversarial": pairs,
            "r1/penalty": gamma / 2 * square_of_slopes(state, turn.real.images),
            "r2/penalty": gamma / 2 * square_of_slopes(state, turn.fake.images),
        }
        torch.testing.assert_close(turn.terms, expected)


def test_the_generator_minimizes_the_same_loss_of_pairs_with_the_two_exchanged():
    gan = small("r3gan", DATA)
    state = state_of(gan, DATA, gan.tricks)
    turn = gradients(state, "generator", BATCH)
    pairs = torch.nn.functional.softplus(turn.real.logits - turn.fake.logits).mean()
    torch.testing.assert_close(turn.terms, {"adversarial": pairs})


@pytest.mark.parametrize(("size", "gamma"), [(28, 0.5), (32, 0.5), (64, 2.0)])
def test_gamma_and_the_learning_rate_fall_as_in_the_presets(size, gamma):
    gan = create("r3gan", DataSpec("images", "1", (3, size, size)))
    weights = {registry.name_of(trick): trick.weight for trick in gan.tricks[:2]}
    assert weights["r1"] == weights["r2"]
    rate = gan.recipe.generator_optimizer.learning_rate
    assert gan.recipe.discriminator_optimizer == gan.recipe.generator_optimizer
    assert gan.recipe.generator_optimizer.betas == (0.0, 0.99)
    for progress, share in ((0, 0.0), (50, 0.5), (100, 1.0)):
        assert weights["r1"].at(progress, 100) == pytest.approx(gamma * (1 - 0.9 * share))
        assert rate.at(progress, 100) == pytest.approx(2e-4 - 1.5e-4 * share)
