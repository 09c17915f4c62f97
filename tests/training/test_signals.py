# SPDX-License-Identifier: MIT
"""What the losses still tell the players, compared with closed forms."""

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from comparing import differing, tensors_of

from ganbench import losses
from ganbench.gan import Loss
from ganbench.runtime.process_group import ALONE
from ganbench.state import RunningMeans
from ganbench.training.signals import signals

NAMES = ("signal/discriminator", "signal/generator")


def observed(loss, real, fake):
    """Return the signals of a loss at some logits."""
    statistics = RunningMeans()
    statistics.add("logits/real", torch.tensor(real))
    statistics.add("logits/fake", torch.tensor(fake))
    state = SimpleNamespace(statistics=statistics, loss=loss, generator=torch.nn.Identity())
    return signals(state, ALONE)


def sigmoid(logit):
    return 1 / (1 + math.exp(-logit))


@pytest.mark.parametrize("loss", [losses.non_saturating, losses.minimax], ids=lambda one: one.name)
def test_the_logistic_discriminator_is_left_with_its_mistakes(loss):
    values = observed(loss, [2.0, 4.0], [-3.0, 1.0])
    mistakes = (sigmoid(-2) + sigmoid(-4) + sigmoid(-3) + sigmoid(1)) / 2
    assert values["signal/discriminator"] == pytest.approx(mistakes)


def test_the_value_function_saturates_where_the_other_loss_does_not():
    """Goodfellow et al., 2014, section 3: the reason for the non-saturating loss."""
    sure = [9.0, 9.0], [-9.0, -9.0]
    left = 2 * sigmoid(-9)
    assert observed(losses.minimax, *sure)["signal/generator"] == pytest.approx(left)
    kept = 2 * sigmoid(9)
    assert observed(losses.non_saturating, *sure)["signal/generator"] == pytest.approx(kept)


@pytest.mark.parametrize("size", [0.1, 1e3, 1e8])
def test_a_critic_never_saturates_however_large_its_logits(size):
    values = observed(losses.wasserstein, [size, size], [-size, -size])
    assert [values[name] for name in NAMES] == pytest.approx([1.0, 1.0])


def test_a_hinge_counts_the_examples_within_the_margin():
    values = observed(losses.hinge, [2.0, 0.5, 3.0, 1.5], [-2.0, -4.0, -3.0, 0.0])
    assert values["signal/discriminator"] == pytest.approx((1 / 4 + 1 / 4) / 2)
    assert values["signal/generator"] == pytest.approx(1.0)


def test_least_squares_are_satisfied_at_their_targets():
    at_targets = observed(losses.least_squares, [1.0, 1.0], [0.0, 0.0])
    assert at_targets["signal/discriminator"] == 0
    assert at_targets["signal/generator"] == pytest.approx(1.0)
    balanced = observed(losses.least_squares, [0.5, 0.5], [0.5, 0.5])
    assert balanced["signal/discriminator"] == pytest.approx(1.0)


def test_a_paired_loss_sees_the_real_logits_in_both_turns():
    values = observed(losses.relativistic, [5.0, 6.0], [1.0, 1.0])
    left = sigmoid(-4) + sigmoid(-5)
    assert values["signal/discriminator"] == pytest.approx(left)
    assert values["signal/generator"] == pytest.approx(sigmoid(4) + sigmoid(5))


def test_logits_of_any_shape_count_alike():
    flat = observed(losses.non_saturating, [1.0, 2.0], [-1.0, -2.0])
    patches = observed(losses.non_saturating, [[[1.0]], [[2.0]]], [[[-1.0]], [[-2.0]]])
    assert flat == pytest.approx(patches)


@pytest.mark.parametrize(
    "function",
    [
        lambda real, fake: real.new_zeros(()),  # it depends on no logit
        lambda real, fake: real.square().mean(),  # flat at zero
        lambda real, fake: (real / real.std()).mean(),  # not finite at zero
    ],
)
def test_a_loss_without_a_slope_at_zero_gives_no_signal(function):
    loss = Loss("odd", discriminator=function, generator=lambda real, fake: -fake.mean())
    assert observed(loss, [1.0, 2.0], [0.0, 1.0]).keys() == {"signal/generator"}


def test_a_state_before_its_first_update_gives_none(bench):
    assert signals(bench.state(), ALONE) == {}


def test_the_norm_is_that_of_the_gradient_which_the_optimizer_got(bench):
    state = bench.state(kimg=0.08)
    bench.trainer(state).train()
    squares = sum(weight.grad.double().square().sum() for weight in state.generator.parameters())
    assert signals(state, ALONE)["gradient/generator"] == pytest.approx(math.sqrt(squares))


def test_looking_changes_nothing(bench):
    state = bench.state(kimg=0.08)
    bench.trainer(state).train()
    before = tensors_of(state)
    gradients = [weight.grad.clone() for weight in state.generator.parameters()]
    first = signals(state, ALONE)
    assert signals(state, ALONE) == first
    assert not differing(before, tensors_of(state))
    for weight, gradient in zip(state.generator.parameters(), gradients, strict=True):
        assert torch.equal(weight.grad, gradient)
    with torch.no_grad():
        assert signals(state, ALONE) == first


def test_every_tick_records_them_and_snapshots_record_the_diversity(bench):
    trainer = bench.trainer(bench.state(kimg=0.4), schedule={"ticks": 10, "snapshots": 2})
    trainer.train()
    rows = trainer.folder.stats()
    assert all({*NAMES, "gradient/generator"} <= row.keys() for row in rows)
    assert [row["kimg"] for row in rows if "diversity" in row] == [0.2, 0.4]
    assert rows[-1]["diversity"] == trainer.diversity()


def test_a_run_that_diverges_is_not_looked_at(bench):
    state = bench.state(kimg=0.08)
    trainer = bench.trainer(state, schedule={"ticks": 1, "snapshots": 1})
    state.loss = replace(state.loss, generator=lambda real, fake: fake.mean() * math.inf)
    assert trainer.train() == "diverged"
    assert not {*NAMES, "diversity"} & trainer.folder.stats()[-1].keys()
