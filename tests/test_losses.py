# SPDX-License-Identifier: MIT
"""Losses and what tricks add to them, against textbook formulas and updates made by hand.

Updates are those of Dirac-GAN (arXiv:1801.04406), or of a linear discriminator on the plane.
"""

import numpy as np
import pytest
import torch
from scipy.special import expit as sigmoid
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from ganbench import losses, registry
from ganbench.config import Recipe, sgd
from ganbench.errors import ConfigError, UnknownNameError
from ganbench.gan import GAN, Batch, DataSpec
from ganbench.nn import MLP
from ganbench.step import alternate, update
from ganbench.training.build import build_state
from ganbench.tricks.gradient_penalty import GradientPenalty
from ganbench.tricks.label_smoothing import LabelSmoothing
from ganbench.tricks.r1 import R1
from ganbench.tricks.r2 import R2
from ganbench.tricks.weight_clipping import WeightClipping
from ganbench.turn import Turn

LOSSES = {name: registry.losses.get(name) for name in registry.losses.names()}
RATE = 0.1

SLOPES = {
    "non-saturating": (
        lambda r, f: -sigmoid(-r),
        lambda r, f: sigmoid(f),
        lambda r, f: -sigmoid(-f),
    ),
    "minimax": (lambda r, f: -sigmoid(-r), lambda r, f: sigmoid(f), lambda r, f: -sigmoid(f)),
    "least-squares": (lambda r, f: r - 1, lambda r, f: f, lambda r, f: f - 1),
    "hinge": (
        lambda r, f: -1.0 * (r < 1),
        lambda r, f: 1.0 * (f > -1),
        lambda r, f: -np.ones_like(f),
    ),
    "wasserstein": (
        lambda r, f: -np.ones_like(r),
        lambda r, f: np.ones_like(f),
        lambda r, f: -np.ones_like(f),
    ),
    "relativistic": (
        lambda r, f: -sigmoid(f - r),
        lambda r, f: sigmoid(f - r),
        lambda r, f: -sigmoid(r - f),
    ),
}
"""By hand, for one pair of logits: dL_D/dreal, dL_D/dfake and dL_G/dfake."""


@pytest.fixture(autouse=True)
def float64():
    """Compute in double precision."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


class Constant(nn.Module):
    """A generator that maps latents (B, n) to one learned point, whatever they are."""

    def __init__(self, point):
        super().__init__()
        self.point = nn.Parameter(torch.tensor(list(point)))

    def forward(self, latents):
        return self.point.expand(len(latents), -1)


def linear(weight):
    """Return D(x) = weight . x."""
    layer = nn.Linear(len(weight), 1, bias=False)
    layer.weight.data = torch.tensor([list(weight)])
    return layer


def game(loss, *tricks, psi=(0.7,), theta=(1.3,), **settings):
    """Return Dirac-GAN (arXiv:1801.04406): G(z) = theta and D(x) = psi . x."""
    recipe = Recipe(
        kimg=1,
        latent_dim=1,
        generator_optimizer=sgd(RATE),
        discriminator_optimizer=sgd(RATE),
        **settings,
    )
    gan = GAN(
        generator=lambda _: Constant(theta),
        discriminator=lambda _: linear(psi),
        loss=loss,
        recipe=recipe,
    )
    data = DataSpec("dirac", "1", (len(theta),))
    device = torch.device("cpu")
    return build_state(gan, data, recipe=recipe, tricks=tricks, loss=loss, seed=0, device=device)


def weights(state):
    """Return psi and theta."""
    psi, theta = state.discriminator.weight[0], state.generator.point
    return psi.detach().numpy().copy(), theta.detach().numpy().copy()


def players(state):
    """Return psi and theta as numbers, on the line."""
    psi, theta = weights(state)
    return psi.item(), theta.item()


def at(real):
    """Return a batch of real examples that are all one point of the line."""
    return Batch(torch.full((4, 1), real))


def random_logits(seed=0, count=7):
    generator = torch.Generator().manual_seed(seed)
    r, f = (3 * torch.randn(2, count, generator=generator)).unbind()
    return r.requires_grad_(), f.requires_grad_()


def test_every_loss_has_a_formula_here():
    assert set(SLOPES) == set(LOSSES)


@pytest.mark.parametrize("name", LOSSES)
def test_slopes(name):
    r, f = random_logits()
    loss, (real, fake, generator) = LOSSES[name], SLOPES[name]
    arguments = (r.detach().numpy(), f.detach().numpy())
    got = torch.autograd.grad(loss.discriminator(r, f), (r, f))
    np.testing.assert_allclose(got[0] * len(r), real(*arguments), rtol=1e-12)
    np.testing.assert_allclose(got[1] * len(r), fake(*arguments), rtol=1e-12)
    (got,) = torch.autograd.grad(loss.generator(r, f), f)
    np.testing.assert_allclose(got * len(r), generator(*arguments), rtol=1e-12)


def test_logistic_losses_are_cross_entropies():
    r, f = random_logits(1)
    one, zero = torch.ones_like(r), torch.zeros_like(r)
    value = cross_entropy(r, one) + cross_entropy(f, zero)
    torch.testing.assert_close(losses.non_saturating.discriminator(r, f), value)
    torch.testing.assert_close(losses.minimax.discriminator(r, f), value)
    torch.testing.assert_close(losses.non_saturating.generator(r, f), cross_entropy(f, one))
    torch.testing.assert_close(losses.minimax.generator(r, f), -cross_entropy(f, zero))
    torch.testing.assert_close(losses.relativistic.discriminator(r, f), cross_entropy(r - f, one))
    torch.testing.assert_close(losses.relativistic.generator(r, f), cross_entropy(f - r, one))


def test_values_of_the_others():
    r, f = torch.tensor([2.0, 0.5]), torch.tensor([-3.0, 0.5])
    assert losses.least_squares.discriminator(r, f).item() == 0.5 * (0.625 + 4.625)
    assert losses.least_squares.generator(r, f).item() == 0.5 * 8.125
    assert losses.hinge.discriminator(r, f).item() == 0.25 + 0.75
    assert losses.hinge.generator(r, f).item() == 1.25
    assert losses.wasserstein.discriminator(r, f).item() == -1.25 - 1.25
    assert losses.wasserstein.generator(r, f).item() == 1.25


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("scale", [1e2, 1e4])
def test_extreme_logits_stay_finite(name, scale):
    r = torch.tensor([scale, -scale], dtype=torch.float32, requires_grad=True)
    f = torch.tensor([-scale, scale], dtype=torch.float32, requires_grad=True)
    for function in (LOSSES[name].discriminator, LOSSES[name].generator):
        value = function(r, f)
        slopes = torch.autograd.grad(value, (r, f), allow_unused=True)
        assert value.isfinite()
        assert all(slope is None or slope.isfinite().all() for slope in slopes)


@pytest.mark.parametrize("name", LOSSES)
def test_declared_structure(name):
    """What a loss says of itself holds: its parts, and whether it looks at the real logits."""
    loss, (r, f) = LOSSES[name], random_logits(2)
    if loss.real_part is not None:
        parts = loss.real_part(r).mean() + loss.fake_part(f).mean()
        torch.testing.assert_close(loss.discriminator(r, f), parts)
    else:
        assert loss.paired
    other = random_logits(3)[0]
    same = torch.equal(loss.generator(r, f), loss.generator(other, f))
    assert same is not loss.paired
    if not loss.paired:
        assert torch.equal(loss.generator(f.new_empty(0), f), loss.generator(r, f))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(("psi", "theta", "real"), [(0.7, 1.3, 0.4), (-2.0, 0.5, 1.5)])
def test_dirac_gan(name, psi, theta, real):
    """One step of each player on Dirac-GAN with data at ``real``; G moves after D has."""
    state = game(LOSSES[name], psi=[psi], theta=[theta])
    batch = at(real)
    slope_real, slope_fake, slope_generator = SLOPES[name]

    r, f = np.array(psi * real), np.array(psi * theta)
    psi_next = psi - RATE * (slope_real(r, f) * real + slope_fake(r, f) * theta)
    update(state, "discriminator", batch)
    np.testing.assert_allclose(weights(state), [[psi_next], [theta]], rtol=1e-12)

    r, f = np.array(psi_next * real), np.array(psi_next * theta)
    theta_next = theta - RATE * slope_generator(r, f) * psi_next
    update(state, "generator", batch)
    np.testing.assert_allclose(weights(state), [[psi_next], [theta_next]], rtol=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_linear_discriminator(name):
    """One iteration with D(x) = w . x on the plane, with several steps of D: sums over a batch."""
    state = game(LOSSES[name], psi=[0.3, -0.8], theta=[1.1, 0.6], discriminator_steps=2)
    reals = [torch.randn(5, 2, generator=torch.Generator().manual_seed(seed)) for seed in (4, 5)]
    batches = iter([Batch(real) for real in reals])
    psi, theta = weights(state)
    alternate(state, lambda: next(batches))

    slope_real, slope_fake, slope_generator = SLOPES[name]
    for real in reals:
        x = real.numpy()
        r, f = x @ psi, np.full(5, theta @ psi)
        slope = slope_real(r, f)[:, None] * x + slope_fake(r, f)[:, None] * theta
        psi = psi - RATE * slope.mean(0)
    r, f = x @ psi, np.full(5, theta @ psi)
    theta = theta - RATE * slope_generator(r, f).mean() * psi
    np.testing.assert_allclose(weights(state), [psi, theta], rtol=1e-12)
    assert state.updates == {"discriminator": 2, "generator": 1}


def test_unknown_name():
    assert registry.losses.get("hinge") is losses.hinge
    with pytest.raises(UnknownNameError, match="wasserstein") as caught:
        registry.losses.get("waserstein")
    assert "relativistic" in caught.value.hint


# -- what tricks add -------------------------------------------------------------------------------


@pytest.mark.parametrize("psi", [0.7, -1.6])
@pytest.mark.parametrize(
    ("tricks", "added"),
    [
        ([R1(weight=0.6)], lambda psi: 0.6 * psi),
        ([R2(weight=0.8)], lambda psi: 0.8 * psi),
        ([R2(weight=0.8), R1(weight=0.6)], lambda psi: 1.4 * psi),
        ([GradientPenalty(weight=3.0)], lambda psi: 6 * (abs(psi) - 1) * np.sign(psi)),
        ([GradientPenalty(weight=3.0, target=0.0)], lambda psi: 6 * psi),
        ([GradientPenalty(weight=3.0, target=2.0)], lambda psi: 6 * (abs(psi) - 2) * np.sign(psi)),
        (
            [GradientPenalty(weight=3.0, one_sided=True)],
            lambda psi: 6 * max(0.0, abs(psi) - 1) * np.sign(psi),
        ),
    ],
    ids=["r1", "r2", "r1-r2", "gp", "gp-zero", "gp-two", "gp-one-sided"],
)
def test_penalties(tricks, added, psi):
    """Each adds its own slope in psi to that of the Wasserstein loss, theta - c."""
    state = game(losses.wasserstein, *tricks, psi=[psi])
    update(state, "discriminator", at(0.4))
    np.testing.assert_allclose(players(state), (psi - RATE * (1.3 - 0.4 + added(psi)), 1.3))
    psi = players(state)[0]
    update(state, "generator", at(0.4))  # the generator does not feel them
    np.testing.assert_allclose(players(state), (psi, 1.3 + RATE * psi))


@pytest.mark.parametrize("kind", [R1, R2])
def test_lazy_regularization(kind):
    state, psi = game(losses.wasserstein, kind(weight=0.6, every=3)), 0.7
    for count in range(5):
        update(state, "discriminator", at(0.4))
        psi -= RATE * (1.3 - 0.4 + (3 * 0.6 * psi if count % 3 == 0 else 0))
        np.testing.assert_allclose(players(state)[0], psi)


def test_penalties_of_a_nonlinear_discriminator():
    """Against the gradients of single examples that ``torch.func`` computes."""
    state = game(losses.wasserstein)
    state.discriminator = MLP((3,), (8, 8), (1,))
    step = Turn(state, "discriminator", Batch(torch.randn(4, 3)), fakes=torch.randn(4, 3))
    slopes = torch.func.vmap(torch.func.grad(lambda x: state.discriminator(x[None]).squeeze()))
    square = slopes(step.real.images).square().sum(1).mean()
    torch.testing.assert_close(R1(weight=0.6).discriminator_terms(step)["r1"], 0.3 * square)
    square = slopes(step.fake.images).square().sum(1).mean()
    torch.testing.assert_close(R2(weight=0.6).discriminator_terms(step)["r2"], 0.3 * square)

    stream = game(losses.wasserstein).streams["trick/gradient-penalty"]
    between = torch.lerp(step.real.images, step.fake.images, torch.rand(4, 1, generator=stream))
    distance = (slopes(between).norm(dim=1) - 1).square().mean()
    (term,) = GradientPenalty(weight=2.0).discriminator_terms(step).values()
    torch.testing.assert_close(term, 2 * distance)


def test_a_flat_discriminator_has_a_penalty_without_nan():
    """The norm has no slope at zero."""
    state = game(losses.wasserstein, GradientPenalty(weight=3.0), psi=[0.0])
    update(state, "discriminator", at(0.4))
    np.testing.assert_allclose(players(state)[0], -RATE * (1.3 - 0.4))


@pytest.mark.parametrize(("real", "fake"), [(0.9, 0.0), (0.8, 0.3)])
def test_label_smoothing(real, fake):
    """dL/dlogit is sigmoid(logit) - target for the logistic loss, logit - target for squares."""
    responses = {losses.non_saturating: sigmoid, losses.least_squares: lambda logit: logit}
    for loss, response in responses.items():
        state = game(loss, LabelSmoothing(real=real, fake=fake))
        update(state, "discriminator", at(0.4))
        moved = (response(0.7 * 0.4) - real) * 0.4 + (response(0.7 * 1.3) - fake) * 1.3
        np.testing.assert_allclose(players(state)[0], 0.7 - RATE * moved)

        plain = game(loss, psi=[players(state)[0]])  # the generator's loss stays as it is
        update(plain, "generator", at(0.4))
        update(state, "generator", at(0.4))
        assert players(state) == players(plain)


def test_label_smoothing_needs_targets():
    with pytest.raises(ConfigError, match="not 'relativistic'") as caught:
        game(losses.relativistic, LabelSmoothing())
    assert "--set loss=" in caught.value.hint


def test_weight_clipping():
    state = game(losses.wasserstein, WeightClipping(limit=0.5), psi=[0.45], theta=[-1.3])
    update(state, "discriminator", at(0.4))  # psi would go to 0.45 + 0.17
    assert players(state) == (0.5, -1.3)
    update(state, "generator", at(0.4))
    np.testing.assert_allclose(players(state), (0.5, -1.3 + RATE * 0.5))
