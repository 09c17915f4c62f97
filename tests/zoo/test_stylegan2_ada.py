# SPDX-License-Identifier: MIT
"""StyleGAN2-ADA in a GAN: augmented views, a probability that follows signs, lazy R1."""

import pytest
import torch
from small_models import small
from small_states import state_of

from ganbench import registry
from ganbench.backbone import build_backbone
from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.step import gradients, update
from ganbench.training.build import create

DATA = DataSpec("images", "1", (1, 16, 16))
IMAGES = torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


def state():
    gan = small("stylegan2-ada", DATA)
    recipe = gan.recipe.model_copy(update={"batch_size": 4})
    return state_of(gan, DATA, gan.tricks, recipe=recipe)


def test_real_and_generated_images_are_augmented_in_both_turns():
    trained = state()
    trained.memory["ada"]["p"] = torch.tensor(1.0)
    for role in ("discriminator", "generator"):
        turn = gradients(trained, role, Batch(IMAGES))
        sides = [turn.fake] if role == "generator" else [turn.real, turn.fake]
        for scored in sides:
            assert not torch.allclose(scored.seen.images, scored.images)


def test_the_probability_moves_by_one_in_100_kimg_with_the_sign_of_real_logits():
    trained = state()
    with torch.no_grad():
        trained.discriminator.logit.weight.zero_()
        trained.discriminator.logit.bias.fill_(5.0)
    for count in range(1, 5):
        update(trained, "discriminator", Batch(IMAGES))
        trained.images_seen += 4
        expected = 0.0 if count < 4 else 4 * 3 / 100_000  # three of four batches were counted
        assert float(trained.memory["ada"]["p"]) == pytest.approx(expected)


def test_r1_is_lazy_and_its_weight_and_adam_are_those_of_the_paper():
    trained = state()
    for count in range(17):
        turn = gradients(trained, "discriminator", Batch(IMAGES))
        assert ("r1/penalty" in turn.terms) == (count % 16 == 0)
        if count == 0:
            square = turn.real.gradients.square().sum(1).mean()
            torch.testing.assert_close(turn.terms["r1/penalty"], 0.5 * 0.01 * 16 * square)
        trained.descend(turn)
    recipe = create("stylegan2-ada", DATA).recipe
    assert recipe.generator_optimizer.learning_rate == 0.0025
    assert recipe.discriminator_optimizer.learning_rate == pytest.approx(0.0025 * 16 / 17)
    assert recipe.discriminator_optimizer.betas == (0.0, pytest.approx(0.99 ** (16 / 17)))


def test_the_rate_of_its_own_networks_is_theirs_however_they_are_written():
    for name, rate in [("StyleGAN2", 0.0025), ("stylegan2:width=8", 0.0025), ("dcgan", 0.0002)]:
        recipe = create("stylegan2-ada", DATA, {"backbone": name}).recipe
        assert recipe.generator_optimizer.learning_rate == rate


def test_the_weight_of_r1_grows_with_the_pixels():
    gan = create("stylegan2-ada", DataSpec("images", "1", (3, 64, 128)))
    (r1,) = (trick for trick in gan.tricks if registry.name_of(trick) == "r1")
    assert r1.weight == pytest.approx(0.0002 * 64 * 128 / 32)


def test_parts_of_a_batch_must_hold_whole_groups():
    hooks = state().tricks.variant
    hooks.check_parts(8, 2)
    with pytest.raises(ConfigError, match="each of 2 processes has 6 of a batch") as raised:
        hooks.check_parts(6, 2)
    assert raised.value.hint == "For example: --batch-size 16"


@pytest.mark.parametrize("backbone", sorted({*registry.backbones.names()} - {"mlp", "stylegan2"}))
def test_other_backbones_keep_their_optimizers(backbone):
    narrow = f"{backbone}:width=8"
    gan = create("stylegan2-ada", DATA, {"backbone": narrow})
    recipe = build_backbone(narrow, DATA).recipe
    assert gan.recipe.generator_optimizer == recipe.generator_optimizer
    assert gan.recipe.discriminator_optimizer == recipe.discriminator_optimizer


@pytest.mark.parametrize("backbone", ["auto:width=8", "stylegan2", "stylegan2:width=8"])
def test_the_rate_is_that_of_its_own_networks_of_any_width(backbone):
    recipe = create("stylegan2-ada", DATA, {"backbone": backbone}).recipe
    assert recipe == create("stylegan2-ada", DATA).recipe
