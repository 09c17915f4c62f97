# SPDX-License-Identifier: MIT
"""Tricks that differentiate through gradients, compared with closed forms and with autograd."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from dirac_gan import RATE, batch_at, dirac, players
from small_states import state_of
from torch import nn
from torch.nn.functional import avg_pool2d, softplus

from ganbench import registry
from ganbench.config import Recipe, sgd
from ganbench.errors import ConfigError
from ganbench.gan import GAN, Batch, DataSpec
from ganbench.losses import non_saturating
from ganbench.nn import MLP
from ganbench.step import alternate, gradients, update
from ganbench.training.build import create
from ganbench.trick import Hooks
from ganbench.tricks.consensus import Consensus
from ganbench.tricks.extragradient import Extragradient
from ganbench.tricks.gradient_penalty import GradientPenalty
from ganbench.tricks.lecam import LeCam
from ganbench.tricks.logan import LOGAN
from ganbench.tricks.r1 import R1
from ganbench.tricks.r2 import R2
from ganbench.tricks.replay import Replay
from ganbench.tricks.unrolled import Unrolled

pytestmark = pytest.mark.usefixtures("float64")


def iterate(state, count, real):
    """Yield (psi, theta) after each of some iterations with real examples at one point."""
    step = state.tricks.step_rule(alternate)
    for _ in range(count):
        step(state, lambda: batch_at(real))
        yield players(state)


# -- consensus optimization ------------------------------------------------------------------------


@pytest.mark.parametrize("weight", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("penalty", [0.0, 0.6])
def test_consensus_is_its_linear_map(weight, penalty):
    """F = (theta - c + penalty * psi, -psi), and the gradient of |F|^2 / 2 is its Jacobian^T F."""
    tricks = [Consensus(weight=weight), *([R1(weight=penalty)] if penalty else [])]
    jacobian = np.array([[penalty, 1.0], [-1.0, 0.0]])
    point, center = np.array([0.7, 1.3]), np.array([0.0, 0.4])
    for moved in iterate(dirac(*tricks), 50, real=0.4):
        field = jacobian @ (point - center)
        point = point - RATE * (field + weight * jacobian.T @ field)
        np.testing.assert_allclose(moved, point, rtol=1e-9, atol=1e-12)


def test_consensus_converges_where_simultaneous_descent_leaves():
    def distances(weight):
        return np.linalg.norm(list(iterate(dirac(Consensus(weight=weight)), 300, 0.0)), axis=1)

    assert distances(0.0)[-1] > 2
    assert distances(1.0)[-1] < 1e-6


def test_consensus_of_a_nonlinear_game():
    """Against the Hessian-vector products of the non-saturating game, from torch.func."""

    def field(point):
        psi, theta = point

        def of_discriminator(psi):
            return softplus(-psi * 0.4) + softplus(psi * theta)

        def of_generator(theta):
            return softplus(-psi * theta)

        slope = torch.func.grad
        return torch.stack([slope(of_discriminator)(psi), slope(of_generator)(theta)])

    point = torch.tensor([0.7, 1.3])
    for moved in iterate(dirac(Consensus(weight=2.0), loss=non_saturating), 20, real=0.4):
        push = torch.func.grad(lambda at: 0.5 * field(at).square().sum())(point)
        point = point - RATE * (field(point) + 2.0 * push)
        np.testing.assert_allclose(moved, point, rtol=1e-9)


def test_consensus_counts_one_update_of_each_player_and_records_its_term():
    state = dirac(Consensus(weight=2.0))
    list(iterate(state, 1, real=0.4))
    assert state.updates == {"discriminator": 1, "generator": 1}
    seen = state.statistics.flush()
    expected = 2.0 * 0.5 * (0.9**2 + 0.7**2)
    for role in state.updates:
        assert seen[f"loss/{role}/consensus/penalty"] == pytest.approx(expected)


@pytest.mark.parametrize("other", [Extragradient(), Replay()])
def test_consensus_refuses_what_changes_its_game(other):
    with pytest.raises(ConfigError, match=f"which {registry.name_of(other)} would change"):
        dirac(Consensus(), other)
    with pytest.raises(ConfigError, match="not 5 and 1"):
        dirac(Consensus(), discriminator_steps=5)


def normalized(shape):
    """Return a discriminator with batch normalization."""
    return nn.Sequential(nn.Linear(shape[0], 4), nn.BatchNorm1d(4), nn.Linear(4, 1))


@pytest.mark.parametrize("other", [R1(), Unrolled(steps=1)])
def test_consensus_refuses_third_derivatives_of_batch_normalization(other):
    with pytest.raises(ConfigError, match="third derivative"):
        dirac(Consensus(), other, discriminator=normalized)
    state = dirac(Consensus(), discriminator=normalized)
    state.tricks.step_rule(alternate)(state, lambda: Batch(torch.randn(4, 1)))
    assert all(weight.isfinite().all() for weight in state.discriminator.parameters())


class Penalizing(Hooks):
    """A variant whose terms differentiate the discriminator, or do not."""

    def __init__(self, differentiates):
        self.differentiates = differentiates

    def discriminator_terms(self, turn):
        if self.differentiates:
            return {"slope": turn.real.gradients.square().mean()}
        return {"level": turn.real.logits.square().mean()}


@pytest.mark.parametrize("trick", [Consensus(), Unrolled(steps=1)])
def test_only_terms_that_differentiate_are_refused_with_batch_normalization(trick):
    name = registry.name_of(trick)
    state = plane(trick, LeCam(), hooks=Penalizing(False), discriminator=normalized)
    state.tricks.step_rule(alternate)(state, lambda: Batch(torch.randn(6, 2)))
    assert all(weight.isfinite().all() for weight in state.discriminator.parameters())
    with pytest.raises(ConfigError, match=f"{name} cannot .* through this model in a") as error:
        plane(trick, hooks=Penalizing(True), discriminator=normalized)
    assert error.value.hint == f"Remove the trick: --trick {name}:off"
    with pytest.raises(ConfigError, match=f"{name} cannot .* through r1 in a") as error:
        plane(trick, R1(), hooks=Penalizing(False), discriminator=normalized)
    assert error.value.hint == f"Remove one of them: --trick {name}:off or --trick r1:off"
    plane(trick, hooks=Penalizing(True))


@pytest.mark.parametrize("penalty", [R1(), R2(), GradientPenalty()])
def test_what_differentiates_the_discriminator_says_so(penalty):
    assert penalty.differentiates
    with pytest.raises(ConfigError, match="third derivative"):
        dirac(Consensus(), penalty, discriminator=normalized)


def test_consensus_refuses_a_model_that_changes_its_game():
    class Replacing(Hooks):
        def fakes(self, batch, turn):
            return batch

    with pytest.raises(ConfigError, match="which this model would change") as error:
        plane(Consensus(), hooks=Replacing())
    assert error.value.hint == "Remove the trick: --trick consensus:off"


SQUARES = DataSpec("squares", "1", (1, 8, 8))


def squares(model, *tricks):
    """Return the state of a model of the zoo on small images."""
    gan = create(model, SQUARES)
    recipe = gan.recipe.model_copy(update={"batch_size": 4})
    return state_of(gan, SQUARES, tricks, recipe=recipe)


def test_consensus_judges_what_the_generator_made_in_both_turns():
    """Both players' gradients depend on the generator through all images of its pyramids."""
    state = squares("msggan", Consensus())
    shown, discriminate = [], state.discriminate

    def recording(images, condition):
        shown.append((images, condition))
        return discriminate(images, condition)

    state.discriminate = recording
    state.tricks.step_rule(alternate)(state, lambda: Batch(torch.rand(4, 1, 8, 8)))
    _, (fakes, made), (fakes_again, made_again) = shown  # real, then fake in either turn
    assert fakes_again is fakes
    assert len(made) == 1
    assert made_again[0] is made[0]
    assert made[0].requires_grad
    assert not torch.equal(made[0], avg_pool2d(fakes, 2))


# -- latent optimization ---------------------------------------------------------------------------

PLANE = DataSpec("plane", "1", (2,))


def smooth(shape):
    """Return a discriminator with derivatives of any order."""
    return nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 1))


def plane(*tricks, generator=None, discriminator=smooth, hooks=None, data=PLANE, **recipe):
    """Return the state of a small smooth game."""
    gan = GAN(
        generator=generator or (lambda latent_dim: nn.Sequential(MLP((latent_dim,), (5,), (2,)))),
        discriminator=discriminator,
        loss=non_saturating,
        hooks=hooks,
        recipe=Recipe(
            kimg=1,
            batch_size=6,
            latent_dim=3,
            generator_optimizer=sgd(RATE),
            discriminator_optimizer=sgd(RATE),
            **recipe,
        ),
    )
    return state_of(gan, data, tricks, seed=1)


def optimized(state, latents, rate, damping):
    """Return latents after rate * (g g^T + damping * I)^-1 g, by solving the linear systems."""
    latents = latents.detach().requires_grad_()
    scores = state.discriminator(state.generator(latents))
    (slopes,) = torch.autograd.grad(scores.sum(), latents, create_graph=True)
    fisher = slopes[:, :, None] * slopes[:, None, :] + damping * torch.eye(3)
    return latents + rate * torch.linalg.solve(fisher, slopes)


@pytest.mark.parametrize("role", ["discriminator", "generator"])
@pytest.mark.parametrize(("rate", "damping"), [(0.9, 5.0), (3.0, 0.02)])
def test_logan_is_its_step_and_both_players_differentiate_through_it(role, rate, damping):
    state, plain = plane(LOGAN(rate=rate, damping=damping)), plane()
    real = Batch(torch.randn(6, 2))
    turn = gradients(state, role, real)
    drawn = plain.draw_latents(6)
    expected = optimized(plain, drawn, rate, damping)
    torch.testing.assert_close(turn.latents, expected)
    assert (expected - drawn).norm(dim=1).min() > 1e-3

    logits = (plain.discriminator(real.images), plain.discriminator(plain.generator(expected)))
    loss = getattr(non_saturating, role)(*logits)
    by_hand = torch.autograd.grad(loss, plain.parameters(role), retain_graph=True)
    for weight, gradient in zip(state.parameters(role), by_hand, strict=True):
        torch.testing.assert_close(weight.grad, gradient)

    fakes = plain.generator(expected.detach())
    fixed = getattr(non_saturating, role)(logits[0], plain.discriminator(fakes))
    at_fixed_latents = torch.autograd.grad(fixed, plain.parameters(role))
    assert not torch.allclose(by_hand[0], at_fixed_latents[0], rtol=1e-3)


@pytest.mark.parametrize("model", ["bigan", "msggan"])
def test_logan_follows_all_that_the_discriminator_is_shown(model):
    """The latents themselves next to their image, or its pyramid."""
    state, plain = squares(model, LOGAN(rate=0.9, damping=5.0)), squares(model)
    drawn = plain.draw_latents(4).requires_grad_()
    images, made = plain.generate(drawn)
    scores = plain.discriminate(images, drawn if model == "bigan" else made)
    (slopes,) = torch.autograd.grad(scores.sum(), drawn)
    moved = drawn + 0.9 / (5.0 + slopes.square().sum(1, keepdim=True)) * slopes
    expected = moved.clamp(-1, 1) if model == "bigan" else moved  # whose prior is uniform
    for role in state.updates:
        turn = gradients(state, role, Batch(torch.rand(4, 1, 8, 8)))
        if role == "generator":
            torch.testing.assert_close(turn.latents, expected)
            assert (slopes != 0).all()


def test_logan_refuses_codes_and_latents_that_are_ignored():
    with pytest.raises(ConfigError, match="some values may be codes") as error:
        squares("infogan", LOGAN())
    assert error.value.hint == "Remove the trick: --trick logan:off"
    pairs = replace(SQUARES, source=(1, 8, 8))
    gan = create("pix2pix", pairs, {"width": 4})
    batch = Batch(torch.rand(4, 1, 8, 8), source=torch.rand(4, 1, 8, 8))
    for state in (state_of(gan, pairs, [LOGAN()]), dirac(LOGAN())):
        for role in state.updates:
            with pytest.raises(ConfigError, match="this model's generator ignores them") as error:
                update(state, role, batch if state.data is pairs else batch_at(0.4))
            assert error.value.hint == "Remove the trick: --trick logan:off"


def test_logan_stays_within_a_uniform_prior():
    state = plane(LOGAN(rate=500.0), prior="uniform")
    latents = gradients(state, "generator", Batch(torch.randn(6, 2))).latents
    assert latents.abs().max() == 1


def test_logan_leaves_sampling_alone():
    states = plane(LOGAN()), plane()
    first, second = (state.sampler()(5, torch.Generator().manual_seed(0)) for state in states)
    assert torch.equal(first.images, second.images)
    assert not first.images.requires_grad


def test_logan_in_simultaneous_moves():
    """Both turns of extragradient share the latents, and their graph."""
    state = plane(LOGAN(), Extragradient())
    state.tricks.step_rule(alternate)(state, lambda: Batch(torch.randn(6, 2)))
    assert state.updates == {"discriminator": 1, "generator": 1}


@pytest.mark.parametrize("other", [Unrolled(steps=1), Consensus()])
def test_logan_refuses_third_derivatives_of_batch_normalization(other):
    def generator(latent_dim):
        return nn.Sequential(nn.Linear(latent_dim, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))

    with pytest.raises(ConfigError, match="third derivative"):
        plane(LOGAN(), other, generator=generator)
    update(plane(LOGAN(), generator=generator), "generator", Batch(torch.randn(6, 2)))
