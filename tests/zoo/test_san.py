# SPDX-License-Identifier: MIT
"""SAN: the hinge teaches the features, a difference of means the direction."""

import pytest
import torch
from small_models import small
from small_states import state_of

from ganbench import losses, registry
from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.step import alternate, gradients
from ganbench.training.build import build_state

DATA = DataSpec("points", "1", (2,))
BATCH = Batch(torch.randn(6, 2, generator=torch.Generator().manual_seed(0)))


def test_each_part_of_the_discriminator_learns_from_its_own_term():
    gan = small("san", DATA)
    state = state_of(gan, DATA, gan.tricks)
    turn = gradients(state, "discriminator", BATCH)
    real, fake = turn.real.logits, turn.fake.logits
    hinge = (1 - real).relu().mean() + (1 + fake).relu().mean()
    expected = {"adversarial": hinge, "variant/direction": fake.mean() - real.mean()}
    torch.testing.assert_close(turn.terms, expected)

    network = state.discriminator
    norm = network.direction.detach().norm()
    leaky = torch.nn.functional.leaky_relu
    with torch.no_grad():
        means = [
            leaky(network.eval().network(scored.images), 0.2).mean(0)
            for scored in (turn.real, turn.fake)
        ]
    difference, unit = means[1] - means[0], network.direction.detach() / norm
    along = difference - unit * (unit @ difference)  # the part that turns the direction
    # Spectral norms have moved on since the gradient was taken.
    torch.testing.assert_close(network.direction.grad, along / norm, rtol=1e-2, atol=2e-4)


def test_the_direction_turns_in_its_own_recipe():
    """Each of its 128 values moves by about the learning rate of 5e-4: by 0.006 rad in all."""
    gan = small("san", DATA)
    state = state_of(gan, DATA, gan.tricks, recipe=gan.recipe.replace(batch_size=6))
    before = state.discriminator.direction.detach().clone()
    assert 0.8 < before.norm() < 1.2
    alternate(state, lambda: BATCH)
    after = state.discriminator.direction.detach()
    cosine = torch.nn.functional.cosine_similarity(before, after, dim=0)
    assert torch.arccos(cosine) > 2e-3


@pytest.mark.parametrize("name", sorted(registry.losses.names()))
def test_losses_whose_direction_has_another_objective_are_refused(name):
    gan = small("san", DATA)
    loss = registry.losses.get(name)

    def build():
        return build_state(
            gan, DATA, recipe=gan.recipe, tricks=gan.tricks, loss=loss, seed=0,
            device=torch.device("cpu"),
        )  # fmt: skip

    if loss in (losses.hinge, losses.wasserstein):
        assert build().loss is loss
        return
    with pytest.raises(ConfigError, match=f"hinge and wasserstein, and {name} needs another"):
        build()


def test_the_generator_follows_the_logits():
    gan = small("san", DATA)
    state = state_of(gan, DATA, gan.tricks)
    turn = gradients(state, "generator", BATCH)
    torch.testing.assert_close(turn.terms, {"adversarial": -turn.fake.logits.mean()})
