# SPDX-License-Identifier: MIT
"""How tricks move the weights, against closed forms on Dirac-GAN (arXiv:1801.04406)."""

import math

import numpy as np
import pytest
import torch
from dirac_gan import RATE, SGD, batch_at, dirac, players, weights
from scipy.special import expit as sigmoid
from torch import nn

from ganbench.config import adam, rmsprop, sgd
from ganbench.errors import ConfigError, ContractError
from ganbench.gan import Batch
from ganbench.losses import non_saturating
from ganbench.step import alternate, gradients, update
from ganbench.training.first_iteration import first_iteration
from ganbench.tricks.consensus import Consensus
from ganbench.tricks.ema import EMA
from ganbench.tricks.extragradient import Extragradient
from ganbench.tricks.gradient_clipping import GradientClipping
from ganbench.tricks.gradient_penalty import GradientPenalty
from ganbench.tricks.lookahead import Lookahead
from ganbench.tricks.optimistic_adam import OptimisticAdam
from ganbench.tricks.r1 import R1
from ganbench.tricks.r2 import R2
from ganbench.tricks.replay import Replay
from ganbench.tricks.unrolled import Unrolled
from ganbench.turn import Turn

pytestmark = pytest.mark.usefixtures("float64")


def iterate(state, count, real=0.0):
    """Yield (psi, theta) after each of ``count`` iterations."""
    step = state.tricks.step_rule(alternate)

    def next_batch():
        state.images_seen += 4
        return batch_at(real)

    for _ in range(count):
        step(state, next_batch)
        yield players(state)


def assert_close(actual, expected, rtol=1e-12):
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=1e-14)


# -- how the weights move --------------------------------------------------------------------------


def test_extragradient_is_its_linear_map_and_converges():
    """w <- ((1 - eta^2) I - eta J) w on the bilinear game, where alternation goes in circles."""
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])  # the game's vector field: (theta, -psi)
    expected = np.array([0.7, 1.3])
    start = np.linalg.norm(expected)
    for point in iterate(dirac(Extragradient()), 400):
        expected = (1 - RATE**2) * expected - RATE * turn @ expected
        assert_close(point, expected, rtol=1e-9)
    assert np.linalg.norm(point) < 0.2 * start
    distances = [np.linalg.norm(point) for point in iterate(dirac(), 400)]
    assert min(distances) > 0.9 * start


def test_extragradient_takes_a_new_batch_for_the_move():
    state = dirac(Extragradient(), loss=non_saturating)
    batches = iter([batch_at(0.4), batch_at(-0.9)])
    state.tricks.step_rule(alternate)(state, lambda: next(batches))
    psi, theta = field((0.7, 1.3), 0.4)
    move = field((0.7 - RATE * psi, 1.3 - RATE * theta), -0.9)
    assert_close(players(state), (0.7 - RATE * move[0], 1.3 - RATE * move[1]))
    assert state.updates == {"discriminator": 1, "generator": 1}


def field(point, real):
    """Return both players' gradients of the non-saturating loss."""
    psi, theta = point
    return (
        theta * sigmoid(psi * theta) - real * sigmoid(-psi * real),
        -psi * sigmoid(-psi * theta),
    )


class Adam:
    """Adam of one number, by its paper's formulas."""

    def __init__(self, first_decay=0.5, second_decay=0.9, rate=RATE):
        self.decays, self.rate = (first_decay, second_decay), rate
        self.count, self.first, self.second = 0, 0.0, 0.0

    def move(self, gradient):
        first_decay, second_decay = self.decays
        self.count += 1
        self.first = first_decay * self.first + (1 - first_decay) * gradient
        self.second = second_decay * self.second + (1 - second_decay) * gradient**2
        first = self.first / (1 - first_decay**self.count)
        return -self.rate * first / (math.sqrt(self.second / (1 - second_decay**self.count)) + 1e-8)


ADAM = adam(RATE, (0.5, 0.9))


def test_extragradient_with_adam():
    """ExtraAdam: the trial move and the move both go through the moments."""
    state = dirac(Extragradient(), loss=non_saturating, optimizer=ADAM)
    expected, rules = (0.7, 1.3), (Adam(), Adam())

    def moved(slopes):
        return [w + rule.move(g) for w, rule, g in zip(expected, rules, slopes, strict=True)]

    for point in iterate(state, 20, real=0.4):
        trial = moved(field(expected, 0.4))
        expected = moved(field(trial, 0.4))
        assert_close(point, expected, rtol=1e-8)


def test_extragradient_follows_the_schedule():
    """The trial move is made at the rate that is due, which has been halved at half of training."""
    state = dirac(Extragradient(), schedule="linear")
    state.images_seen = 496  # the batches of this iteration make it 500 of 1000 for the trial move
    next(iterate(state, 1))
    first, second = RATE * 0.5, RATE * (1 - 0.504)
    trial = 0.7 - first * 1.3, 1.3 + first * 0.7
    assert_close(players(state), (0.7 - second * trial[1], 1.3 + second * trial[0]))


def test_extragradient_needs_equal_steps():
    with pytest.raises(ConfigError, match="not 5 and 1"):
        dirac(Extragradient(), discriminator_steps=5)


@pytest.mark.parametrize("amount", [1.0, 0.4])
def test_optimistic_gradient_descent(amount):
    """With SGD: w - eta ((1 + amount) g_t - amount g_(t-1)), in alternation."""
    (psi, theta), last = (0.7, 1.3), (0.0, 0.0)
    for point in iterate(dirac(OptimisticAdam(amount=amount)), 30):
        slopes = [theta]
        psi -= RATE * ((1 + amount) * theta - amount * last[0])
        slopes.append(-psi)
        theta -= RATE * ((1 + amount) * -psi - amount * last[1])
        last = slopes
        assert_close(point, (psi, theta), rtol=1e-9)


def test_optimism_converges_where_alternation_does_not():
    point = list(iterate(dirac(OptimisticAdam()), 400))[-1]
    assert np.linalg.norm(point) < 0.2 * np.linalg.norm((0.7, 1.3))


def test_optimistic_adam():
    """w - 2 eta m_t / sqrt(v_t) + eta m_(t-1) / sqrt(v_(t-1)): algorithm 1 of the paper."""
    state = dirac(OptimisticAdam(), loss=non_saturating, optimizer=ADAM)
    (psi, theta), rules, last = (0.7, 1.3), (Adam(), Adam()), [0.0, 0.0]
    for point in iterate(state, 20, real=0.4):
        move = rules[0].move(field((psi, theta), 0.4)[0])
        psi, last[0] = psi + 2 * move - last[0], move
        move = rules[1].move(field((psi, theta), 0.4)[1])
        theta, last[1] = theta + 2 * move - last[1], move
        assert_close(point, (psi, theta), rtol=1e-8)


def test_optimism_leaves_a_weight_without_gradient_alone():
    """Adam makes the moments of a weight when its first gradient comes; nothing may preempt it."""
    state = dirac(OptimisticAdam(), optimizer=ADAM)
    state.optimizers["discriminator"].step()
    assert players(state) == (0.7, 1.3)
    update(state, "discriminator", batch_at(0.4))
    assert_close(players(state)[0], 0.7 + 2 * Adam().move(0.9), rtol=1e-8)


def test_lookahead():
    psi, theta = slow = np.array([0.7, 1.3])
    for count, point in enumerate(iterate(dirac(Lookahead(steps=3, alpha=0.4)), 10), start=1):
        psi -= RATE * theta
        theta += RATE * psi
        if count % 3 == 0:
            slow = slow + 0.4 * (np.array([psi, theta]) - slow)
            psi, theta = slow
        assert_close(point, (psi, theta))


def test_lookahead_converges_where_alternation_does_not():
    point = list(iterate(dirac(Lookahead(steps=20, alpha=0.5)), 400))[-1]
    assert np.linalg.norm(point) < 0.2 * np.linalg.norm((0.7, 1.3))


def test_lookahead_counts_generator_updates():
    state = dirac(Lookahead(steps=2, alpha=0.5), discriminator_steps=2)
    first = dirac(discriminator_steps=2)
    assert next(iterate(state, 1)) == next(iterate(first, 1))
    start, plain = np.array([0.7, 1.3]), next(iterate(first, 1))
    assert_close(next(iterate(state, 1)), start + 0.5 * (plain - start))


# -- averages of weights ---------------------------------------------------------------------------


@pytest.mark.parametrize("warm_up", [0.0, 0.5])
def test_ema(warm_up):
    trick = EMA(half_life_kimg=0.02, warm_up=warm_up)
    state, plain = (dirac(*tricks, discriminator_steps=2) for tricks in ([trick], []))
    average, seen = 1.3, 0
    for point, plain_point in zip(iterate(state, 12), iterate(plain, 12), strict=True):
        assert point == plain_point  # training does not see the average
        seen += 8  # two batches of 4
        half_life = min(20, warm_up * seen) if warm_up else 20
        beta = 0.5 ** (8 / half_life)
        average = beta * average + (1 - beta) * point[1]
        assert_close(state.sampler().generator(torch.zeros(1, 1)).item(), average)
        sample = state.sampler()(3, torch.Generator())
        assert_close(
            sample.images.numpy(), np.full((3, 1), average), rtol=1e-6
        )  # samples are in float32


def test_ema_half_life():
    """After as many images as the half-life, half of the distance to the weights remains."""
    trick = EMA(half_life_kimg=0.4, warm_up=0.0)
    state = dirac(trick)
    nn.init.constant_(state.generator.point, 2.3)
    for _ in range(100):
        state.images_seen += 4
        state.updates["generator"] += 1
        for role in ("generator", "discriminator"):
            trick.after_step(Turn(state, role, batch_at(0.0)))
    average = state.sampler().generator(torch.zeros(1, 1)).item()
    assert_close(average, 1.3 + 0.5 * (2.3 - 1.3), rtol=1e-9)


def test_ema_sees_the_weights_after_lookahead():
    state = dirac(EMA(half_life_kimg=0.0), Lookahead(steps=1, alpha=0.5))
    for _, theta in iterate(state, 3):
        assert state.sampler().generator(torch.zeros(1, 1)).item() == theta


# -- the opponent ----------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("tricks", [[], [R2(weight=0.0)]], ids=len)
def test_unrolled_wasserstein(steps, tricks):
    """psi_k = psi - k eta (theta - c), so d(-psi_k theta)/dtheta = -psi_k + k eta theta."""
    state = dirac(Unrolled(steps=steps, learning_rate=0.03), *tricks)
    update(state, "generator", batch_at(0.4))
    unrolled = 0.7 - steps * 0.03 * (1.3 - 0.4)
    assert_close(players(state), (0.7, 1.3 - RATE * (-unrolled + steps * 0.03 * 1.3)))


def inner_sgd(moments, gradient):
    return -RATE * gradient


def inner_momentum(moments, gradient):
    moments["velocity"] = 0.6 * moments["velocity"] + gradient
    return -RATE * moments["velocity"]


def inner_rmsprop(moments, gradient):
    moments["square"] = 0.9 * moments["square"] + 0.1 * gradient**2
    return -RATE * gradient / (math.sqrt(moments["square"]) + 1e-8)


def inner_adam(moments, gradient):
    rule = Adam()
    rule.count, rule.first, rule.second = (moments[key] for key in ("count", "first", "second"))
    move = rule.move(gradient)
    moments.update(count=rule.count, first=rule.first, second=rule.second)
    return move


def moments_of(state):
    moments = state.optimizers["discriminator"].state[state.discriminator.weight]
    names = {
        "momentum_buffer": "velocity",
        "square_avg": "square",
        "step": "count",
        "exp_avg": "first",
        "exp_avg_sq": "second",
    }
    return {names[key]: value.item() for key, value in moments.items() if value is not None}


@pytest.mark.parametrize(
    ("optimizer", "rule", "move"),
    [
        (SGD, "own", inner_sgd),
        (ADAM, "sgd", inner_sgd),
        (sgd(RATE, momentum=0.6), "own", inner_momentum),
        (rmsprop(RATE, alpha=0.9), "own", inner_rmsprop),
        (ADAM, "own", inner_adam),
    ],
    ids=["sgd", "sgd-for-adam", "momentum", "rmsprop", "adam"],
)
@pytest.mark.parametrize("weights", [(0.0, 0.0, 0.0), (0.5, 0.8, 0.0), (0.5, 0.8, 2.0)], ids=str)
def test_unrolled_against_finite_differences(optimizer, rule, move, weights):
    """Through four steps of the whole objective, from the optimizer's state in mid-training."""
    tricks = (R1(weights[0]), R2(weights[1]), GradientPenalty(weights[2]))
    state = dirac(Unrolled(steps=4, rule=rule), *tricks, loss=non_saturating, optimizer=optimizer)
    for _ in range(3):
        update(state, "discriminator", batch_at(0.4))
    start, before = players(state), moments_of(state)

    def loss(theta):
        psi, moments = start[0], dict(before)
        for _ in range(4):
            slope = field((psi, theta), 0.4)[0] + (weights[0] + weights[1]) * psi
            slope += 2 * weights[2] * (abs(psi) - 1) * np.sign(psi)
            psi += move(moments, slope)
        return np.logaddexp(0, -psi * theta)

    gradients(state, "generator", batch_at(0.4))
    expected = (loss(1.3 + 1e-5) - loss(1.3 - 1e-5)) / 2e-5
    assert_close(state.generator.point.grad.item(), expected, rtol=1e-6)
    assert players(state) == start  # the discriminator itself stays where it was
    assert moments_of(state) == before


@pytest.mark.parametrize("made", range(4))
def test_unrolling_meets_a_lazy_penalty_when_the_discriminator_would(made):
    """Its last weight is that of a discriminator that makes the steps by itself."""
    state, real = (dirac(R1(weight=1.0, every=4), *more) for more in ([Unrolled(steps=6)], []))
    for each in (state, real):
        each.updates["discriminator"] = made
    opponent = Turn(state, "generator", batch_at(0.4)).discriminate
    for _ in range(6):
        update(real, "discriminator", batch_at(0.4))
    assert_close(opponent(torch.ones(1, 1), None).item(), players(real)[0])


def test_unrolling_is_finite_where_a_gradient_vanishes():
    """Adam's square root has no slope at zero."""
    state = dirac(Unrolled(steps=3), theta=[0.0], optimizer=ADAM, loss=non_saturating)
    gradients(state, "generator", batch_at(0.0))
    assert state.generator.point.grad.isfinite().all()


def normalized(_):
    return nn.Sequential(nn.Linear(1, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 1))


def test_unrolling_does_not_move_running_means():
    state = dirac(Unrolled(steps=2), discriminator=normalized)
    before = [buffer.clone() for buffer in state.discriminator.buffers()]
    update(state, "generator", Batch(torch.randn(4, 1)))
    assert all(map(torch.equal, before, state.discriminator.buffers()))


def test_unrolling_refuses_what_cannot_be_differentiated():
    with pytest.raises(ConfigError, match="r1 and r2 in a discriminator with batch norm"):
        dirac(Unrolled(), R1(), R2(), discriminator=normalized)


def test_unrolling_refuses_fakes_that_do_not_respond():
    with pytest.raises(ConfigError, match="replay replaces some"):
        dirac(Unrolled(), Replay())


# -- gradient clipping -----------------------------------------------------------------------------


@pytest.mark.parametrize("norm", [0.2, 1.0, 100.0])
def test_gradient_clipping_shortens_what_is_too_long(norm):
    """On Dirac-GAN in the plane, whose slopes are theta - c for psi, and -psi for theta."""
    psi, theta = np.array([0.7, -0.4]), np.array([1.3, 0.5])
    state, real = dirac(GradientClipping(norm=norm), psi=psi, theta=theta), np.array([0.4, 0.2])
    norms = []

    def clipped(slope):
        norms.append(np.linalg.norm(slope))
        return slope * min(1.0, norm / norms[-1])

    for _ in range(10):
        alternate(state, lambda: Batch(torch.tensor(real).expand(4, 2)))
        psi = psi - RATE * clipped(theta - real)
        theta = theta - RATE * clipped(-psi)
        moved = np.concatenate(weights(state))
        np.testing.assert_allclose(moved, np.concatenate([psi, theta]), rtol=1e-9)
    seen = state.statistics.flush()
    assert seen["gradient-clipping/discriminator"] == pytest.approx(np.mean(norms[::2]), rel=1e-6)
    assert seen["gradient-clipping/generator"] == pytest.approx(np.mean(norms[1::2]), rel=1e-6)


def test_gradient_clipping_leaves_the_sentence_on_missing_gradients_to_the_contract():
    state = dirac(GradientClipping())
    state.generator.forward = lambda latents: state.generator.point.detach().expand(4, 1)
    with pytest.raises(ContractError, match="generator gets no gradient"):
        first_iteration(state, alternate, lambda: batch_at(0.4))


@pytest.mark.parametrize("trick", [Extragradient(), Consensus(weight=1.0)])
def test_gradient_clipping_where_both_players_move_at_once(trick):
    """The clipped gradients are those that move the weights, whatever the rule."""
    state = dirac(GradientClipping(norm=0.2), trick)
    before = np.array(players(state))
    (after,) = iterate(state, 1)
    np.testing.assert_allclose(np.abs(np.array(after) - before), RATE * 0.2, rtol=1e-9)
