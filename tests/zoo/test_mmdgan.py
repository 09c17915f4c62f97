# SPDX-License-Identifier: MIT
"""MMD-GAN: its losses on features, compared with sums over pairs."""

import itertools
from math import exp

import pytest
import torch
from small_models import small
from small_states import state_of

from ganbench import losses
from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.step import gradients

DATA = DataSpec("points", "1", (2,))
BATCH = Batch(torch.randn(5, 2, generator=torch.Generator().manual_seed(0)))


def kernel(x, y):
    square = sum((a - b) ** 2 for a, b in zip(x.tolist(), y.tolist(), strict=True))
    return sum(exp(-square / (2 * width**2)) for width in (1, 2, 4, 8, 16))


def mean_kernel(xs, ys):
    """Return the mean over all pairs, or over pairs of different rows of one set."""
    pairs = itertools.permutations(xs, 2) if xs is ys else itertools.product(xs, ys)
    values = [kernel(*pair) for pair in pairs]
    return sum(values) / len(values)


@pytest.mark.parametrize("repulsive", [True, False])
def test_the_losses_are_means_over_pairs(repulsive):
    loss = small("mmdgan", DATA, {"repulsive": repulsive}).loss
    random = torch.Generator().manual_seed(1)
    real, fake = 2 * torch.randn(2, 4, 3, generator=random, dtype=torch.float64)
    fake = fake[:3]
    real_pairs, fake_pairs = mean_kernel(real, real), mean_kernel(fake, fake)
    discrepancy = real_pairs - 2 * mean_kernel(real, fake) + fake_pairs
    assert loss.generator(real, fake).item() == pytest.approx(discrepancy, rel=1e-5)
    expected = real_pairs - fake_pairs if repulsive else -discrepancy
    assert loss.discriminator(real, fake).item() == pytest.approx(expected, rel=1e-5)


def test_equal_distributions_have_no_discrepancy_on_average():
    loss = small("mmdgan", DATA).loss
    random = torch.Generator().manual_seed(2)
    values = [loss.generator(*torch.randn(2, 8, 3, generator=random)) for _ in range(200)]
    values = torch.stack(values)
    assert values.mean().abs() < 3 * values.std() / 200**0.5
    real, fake = torch.randn(2, 8, 3, generator=random)
    assert loss.generator(real, fake + 3) > 1


def test_the_critic_gives_features_to_both_players():
    gan = small("mmdgan", DATA)
    assert not gan.loss.mean, "pairs of a part of the batch are not those of the batch"
    state = state_of(gan, DATA, gan.tricks)
    for role, expected in (
        ("discriminator", gan.loss.discriminator),
        ("generator", gan.loss.generator),
    ):
        turn = gradients(state, role, BATCH)
        assert turn.real.logits.shape == turn.fake.logits.shape == (5, 16)
        torch.testing.assert_close(
            turn.terms, {"adversarial": expected(turn.real.logits, turn.fake.logits)}
        )


@pytest.mark.parametrize("loss", [losses.hinge, losses.relativistic_average])
def test_losses_of_logits_are_refused(loss):
    with pytest.raises(ConfigError, match=f"features, and the loss {loss.name} takes logits"):
        state_of(small("mmdgan", DATA), DATA, loss=loss)
