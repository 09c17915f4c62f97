# SPDX-License-Identifier: MIT
"""Losses against textbook formulas and updates made by hand.

Updates are those of Dirac-GAN (arXiv:1801.04406), or of a linear discriminator on the plane.
"""

import numpy as np
import pytest
import torch
from dirac_gan import RATE, batch_at, dirac, weights
from scipy.special import expit as sigmoid
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from ganbench import losses, registry
from ganbench.errors import UnknownNameError
from ganbench.gan import Batch
from ganbench.step import alternate, update

pytestmark = pytest.mark.usefixtures("float64")

LOSSES = {name: registry.losses.get(name) for name in registry.losses.names()}

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
    "relativistic-average": (
        lambda r, f: -sigmoid(f.mean() - r) - sigmoid(f - r.mean()).mean(),
        lambda r, f: sigmoid(f - r.mean()) + sigmoid(f.mean() - r).mean(),
        lambda r, f: -sigmoid(r.mean() - f) - sigmoid(r - f.mean()).mean(),
    ),
}
"""Slopes by hand, times the number of pairs: dL_D/dreal, dL_D/dfake and dL_G/dfake."""


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
    slopes = torch.autograd.grad(loss.discriminator(r, f), (r, f))
    np.testing.assert_allclose(slopes[0] * len(r), real(*arguments), rtol=1e-12)
    np.testing.assert_allclose(slopes[1] * len(r), fake(*arguments), rtol=1e-12)
    (slope,) = torch.autograd.grad(loss.generator(r, f), f)
    np.testing.assert_allclose(slope * len(r), generator(*arguments), rtol=1e-12)


def test_logistic_losses_are_cross_entropies():
    r, f = random_logits(1)
    ones, zeros = torch.ones_like(r), torch.zeros_like(r)
    value = cross_entropy(r, ones) + cross_entropy(f, zeros)
    torch.testing.assert_close(losses.non_saturating.discriminator(r, f), value)
    torch.testing.assert_close(losses.minimax.discriminator(r, f), value)
    torch.testing.assert_close(losses.non_saturating.generator(r, f), cross_entropy(f, ones))
    torch.testing.assert_close(losses.minimax.generator(r, f), -cross_entropy(f, zeros))
    torch.testing.assert_close(losses.relativistic.discriminator(r, f), cross_entropy(r - f, ones))
    torch.testing.assert_close(losses.relativistic.generator(r, f), cross_entropy(f - r, ones))
    average = losses.relativistic_average
    value = cross_entropy(r - f.mean(), ones) + cross_entropy(f - r.mean(), zeros)
    torch.testing.assert_close(average.discriminator(r, f), value)
    torch.testing.assert_close(average.generator(r, f), average.discriminator(f, r))


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
    """A loss has the parts that it declares, and looks at real logits only if it says so."""
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
    """One step of each player on Dirac-GAN with data at ``real``; G moves after D."""
    state = dirac(loss=LOSSES[name], psi=[psi], theta=[theta])
    batch = batch_at(real)
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
    state = dirac(loss=LOSSES[name], psi=[0.3, -0.8], theta=[1.1, 0.6], discriminator_steps=2)
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
    with pytest.raises(UnknownNameError, match="wasserstein") as raised:
        registry.losses.get("waserstein")
    assert "relativistic" in raised.value.hint
