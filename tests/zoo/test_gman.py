# SPDX-License-Identifier: MIT
"""GMAN: the means in closed form, the learned sharpness, and discriminators that play alone."""

import math

import pytest
import torch
from torch.nn.functional import softplus

from ganbench import losses
from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.step import discriminator_objective, generator_objective, gradients, update
from ganbench.training.build import build_state, create
from ganbench.turn import Turn

DATA = DataSpec("points", "1", (2,))
BATCH = Batch(torch.randn(8, 2, generator=torch.Generator().manual_seed(0)))
COSTS = [-0.5, -1.25, -2.0]


def gman(loss=None, **settings):
    gan = create("gman", DATA, {"backbone": "auto:width=8", **settings})
    return build_state(
        gan,
        DATA,
        recipe=gan.recipe.replace(batch_size=8),
        tricks=[],
        loss=loss or gan.loss,
        seed=0,
        device=torch.device("cpu"),
    )


def weights(sharpness):
    shares = [math.exp(sharpness * cost) for cost in COSTS]
    return [share / sum(shares) for share in shares]


MEANS = {
    "arithmetic": lambda w: sum(a * v for a, v in zip(w, COSTS, strict=True)),
    "geometric": lambda w: -math.exp(sum(a * math.log(-v) for a, v in zip(w, COSTS, strict=True))),
    "harmonic": lambda w: 1 / sum(a / v for a, v in zip(w, COSTS, strict=True)),
}


@pytest.mark.parametrize("mean", MEANS)
@pytest.mark.parametrize("sharpness", [0.0, 0.7, 50.0])
def test_the_means_are_the_papers(mean, sharpness):
    hooks = gman(mean=mean).tricks.variant
    found = hooks.aggregate(torch.tensor(COSTS), sharpness)
    assert found.item() == pytest.approx(MEANS[mean](weights(sharpness)), rel=1e-5)
    if sharpness == 50:  # the best discriminator alone
        assert found.item() == pytest.approx(max(COSTS), rel=1e-4)


def test_the_generator_minimizes_the_mean_of_what_each_discriminator_costs_it():
    state = gman(loss=losses.minimax, learned=False, sharpness=2.0)
    turn = gradients(state, "generator", BATCH)
    costs = torch.stack(
        [-softplus(network(turn.fake.images)).mean() for network in state.discriminator.networks]
    )
    shares = (2.0 * costs).exp()
    expected = (shares * costs).sum() / shares.sum()
    torch.testing.assert_close(turn.terms, {"adversarial": expected})


def test_each_discriminator_plays_its_own_game():
    state = gman(discriminators=2)
    first, second = (list(network.parameters()) for network in state.discriminator.networks)
    turn = Turn(state, "discriminator", BATCH)
    (total,) = discriminator_objective(turn).values()
    reached = torch.autograd.grad(total, first)
    alone = state.discriminator.networks[0]
    own = softplus(-alone(BATCH.images)).mean() + softplus(alone(turn.fake.images)).mean()
    expected = torch.autograd.grad(own / 2, first)
    for found, formula in zip(reached, expected, strict=True):
        torch.testing.assert_close(found, formula)
    assert not any(torch.equal(*pair) for pair in zip(first, second, strict=True) if pair[0].any())


def test_a_learned_sharpness_is_lowered_by_the_generator_and_rewarded():
    state = gman(sharpness=0.8)
    raw = state.partners["sharpness"].raw
    assert any(weight is raw for weight in state.parameters("generator"))
    assert state.partners["sharpness"]().item() == pytest.approx(0.8)
    terms = generator_objective(Turn(state, "generator", BATCH))
    assert terms["variant/sharpness"].item() == pytest.approx(-0.001 * 0.8)
    (slope,) = torch.autograd.grad(terms["adversarial"], raw, retain_graph=True)
    (reward,) = torch.autograd.grad(terms["variant/sharpness"], raw)
    assert slope > 0 > reward


def test_a_learned_sharpness_moves_within_a_short_training():
    state = gman(sharpness=1.0)
    for _ in range(60):
        update(state, "generator", BATCH)
    assert state.partners["sharpness"]().item() < 0.8


@pytest.mark.parametrize("mean", ["geometric", "harmonic"])
def test_means_of_positive_numbers_are_refused_where_costs_have_either_sign(mean):
    with pytest.raises(ConfigError, match=f"A {mean} mean is one of numbers of one sign"):
        gman(mean=mean, loss=losses.hinge)
    state = gman(mean=mean, learned=False)
    turn = gradients(state, "generator", BATCH)
    costs = softplus(-turn.fake.logits).mean(0)
    assert costs.min() <= turn.terms["adversarial"] <= costs.max()


def test_a_paired_loss_compares_the_logits_of_one_discriminator():
    state = gman(loss=losses.relativistic, learned=False, sharpness=0.0)
    turn = gradients(state, "generator", BATCH)
    expected = softplus(turn.real.logits - turn.fake.logits).mean()
    torch.testing.assert_close(turn.terms, {"adversarial": expected})


def test_a_learned_sharpness_begins_above_zero():
    with pytest.raises(ConfigError, match="A learned sharpness begins above zero, not at 0"):
        create("gman", DATA, {"sharpness": 0.0})
