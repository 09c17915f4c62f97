# SPDX-License-Identifier: MIT
"""f-GAN: each divergence from its definition, and what each player minimizes."""

import math

import pytest
import torch
from small_models import small
from small_states import state_of

from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.step import gradients

DATA = DataSpec("points", "1", (2,))
BATCH = Batch(torch.randn(6, 2, generator=torch.Generator().manual_seed(0)))
LOG = math.log
GENERATORS = {
    "kl": lambda u: u * LOG(u),
    "reverse-kl": lambda u: -LOG(u),
    "pearson": lambda u: (u - 1) ** 2,
    "neyman": lambda u: (1 - u) ** 2 / u,
    "squared-hellinger": lambda u: (math.sqrt(u) - 1) ** 2,
    "jensen-shannon": lambda u: -(u + 1) * LOG((1 + u) / 2) + u * LOG(u),
    "gan": lambda u: u * LOG(u) - (u + 1) * LOG(u + 1),
    "total-variation": lambda u: abs(u - 1) / 2,
}
"""The function f of each divergence, a mean of f(p/q) over samples."""


def loss_of(divergence, **parameters):
    return small("fgan", DATA, {"divergence": divergence, **parameters}).loss


@pytest.mark.parametrize("divergence", GENERATORS)
@pytest.mark.parametrize(("p", "q"), [(0.2, 0.7), (0.6, 0.5), (0.9, 0.1), (0.3, 0.3)])
def test_the_best_discriminator_reaches_the_divergence(divergence, p, q):
    """At an example of density p and q, the least cost of a logit is -q f(p/q)."""
    loss = loss_of(divergence)
    logits = torch.linspace(-20, 20, 400_001, dtype=torch.float64)
    least = (p * loss.real_part(logits) + q * loss.fake_part(logits)).min().item()
    assert least == pytest.approx(-q * GENERATORS[divergence](p / q), abs=1e-6)


@pytest.mark.parametrize("divergence", GENERATORS)
def test_a_higher_logit_means_more_real(divergence):
    loss = loss_of(divergence)
    logits = torch.linspace(-3, 3, 601, dtype=torch.float64)
    assert (loss.real_part(logits).diff() < 0).all()
    p, q = torch.tensor([[0.2], [0.8]]), torch.tensor([[0.8], [0.2]])
    lower, higher = logits[(p * loss.real_part(logits) + q * loss.fake_part(logits)).argmin(1)]
    assert lower < higher


@pytest.mark.parametrize("divergence", GENERATORS)
@pytest.mark.parametrize("saturating", [False, True])
def test_the_generator_minimizes_one_of_two_costs(divergence, saturating):
    gan = small("fgan", DATA, {"divergence": divergence, "saturating": saturating})
    assert gan.loss.name == f"f-gan-{divergence}"
    state = state_of(gan, DATA)
    turn = gradients(state, "generator", BATCH)
    fake = turn.fake.logits
    expected = -gan.loss.fake_part(fake) if saturating else gan.loss.real_part(fake)
    torch.testing.assert_close(turn.terms, {"adversarial": expected.mean()})


def test_an_unknown_divergence_is_refused():
    with pytest.raises(ConfigError, match="divergence"):
        loss_of("hellinger")
