# SPDX-License-Identifier: MIT
"""ProGAN: how networks grow with the images seen, what reals look like meanwhile, and drift."""

import pytest
import torch
from comparing import differing, tensors_of
from small_models import small
from small_states import state_of

from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.nn.progressive import at_level
from ganbench.step import alternate, gradients
from ganbench.training.build import create

DATA = DataSpec("images", "1", (1, 28, 28))
BATCH = Batch(torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 2 - 1)


def progan(tricks=False, **parameters):
    """Return a state whose recipe shows 1,000 images, with the paper's tricks if requested."""
    gan = small("progan", DATA, parameters)
    recipe = gan.recipe.model_copy(update={"kimg": 1.0, "batch_size": 4})
    return state_of(gan, DATA, gan.tricks if tricks else (), recipe=recipe)


def grown_to(state, images_seen):
    """Make an iteration that ends with that many images seen."""

    def next_batch():
        state.images_seen = images_seen
        return BATCH

    alternate(state, next_batch)
    levels = {float(network.level) for network in (state.generator, state.discriminator)}
    assert len(levels) == 1, "both networks grow alike"
    return levels.pop()


@pytest.mark.parametrize(
    ("images_seen", "level"),
    [(0, 0), (190, 0), (200, 0), (250, 0.25), (300, 0.5), (399, 0.995), (400, 1), (600, 1),
     (700, 1.5), (800, 2), (900, 2), (1000, 2)],
)  # fmt: skip
def test_each_size_is_faded_in_and_then_trained_for_as_long(images_seen, level):
    state = progan(growing=0.8)
    assert grown_to(state, images_seen) == pytest.approx(level, abs=1e-5)


def test_without_growing_networks_are_whole_from_the_start():
    state = progan(growing=0)
    assert float(state.generator.level) == 2
    assert grown_to(state, 4) == 2


@pytest.mark.parametrize("level", [0.0, 0.5, 2.0])
def test_reals_have_the_detail_of_the_level_in_every_term(level):
    state = progan(tricks=True)
    for network in (state.generator, state.discriminator):
        network.level.fill_(level)
    turn = gradients(state, "discriminator", BATCH)
    torch.testing.assert_close(turn.real.images, at_level(BATCH.images, level))
    assert set(turn.terms) == {"adversarial", "variant/drift", "gradient-penalty/penalty"}
    share = torch.full((4,), 0.5)
    middle = (turn.real.images + turn.fake.images) / 2
    torch.testing.assert_close(turn.between(share).images, middle)


def test_drift_is_the_mean_square_of_real_logits():
    state = progan(drift=0.3)
    turn = gradients(state, "discriminator", BATCH)
    expected = 0.3 * state.discriminator(at_level(BATCH.images, 0.0)).square().mean()
    torch.testing.assert_close(turn.terms["variant/drift"], expected)


def test_layers_beyond_the_level_rest_until_they_are_faded_in():
    state = progan(tricks=True)
    before = tensors_of(state)
    grown_to(state, 4)
    moved = differing(before, tensors_of(state))
    assert not [name for name in moved if "first.1.weight" in name]
    assert [name for name in moved if "inner.weight" in name or "last.weight" in name]
    grown_to(state, 150)  # half of the first size, to be seen in the next iteration
    before = tensors_of(state)
    grown_to(state, 151)
    moved = differing(before, tensors_of(state))
    for name in ("generator", "discriminator"):
        assert [key for key in moved if name in key and "first.0.weight" in key]
        assert not [key for key in moved if name in key and "first.1.weight" in key]


def test_the_recipe_is_the_papers_and_parts_are_groups():
    gan = create("progan", DATA)
    for optimizer in (gan.recipe.generator_optimizer, gan.recipe.discriminator_optimizer):
        assert (optimizer.learning_rate, optimizer.betas) == (1e-3, (0.0, 0.99))
    with pytest.raises(ConfigError, match="multiple of 4"):
        gan.hooks.check_parts(6, 2)
    gan.hooks.check_parts(8, 2)
