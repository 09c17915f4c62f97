# SPDX-License-Identifier: MIT
"""DOT, compared with gradient steps on its cost that are written out."""

import pytest
import torch
from dirac_gan import dirac
from line_samplers import build, draw

from ganbench.errors import ConfigError
from ganbench.tricks.dot import DOT
from ganbench.tricks.metropolis_hastings import MetropolisHastings


def bent(points):
    """Return a logit with a slope that varies, (B, 1)."""
    return (points[:, :1] - 0.4 * points[:, 1:] ** 2) * 3


@pytest.mark.parametrize("prior", ["normal", "uniform"])
def test_the_steps_are_those_of_its_cost(prior):
    state = build(DOT(steps=4, rate=0.2, pairs=50), score=bent, size=2, prior=prior)
    sampler = state.sampler()
    stream = torch.Generator().manual_seed(3)
    start = latents = state.prior(6, stream)
    first, second = state.prior(50, stream), state.prior(50, stream)
    constant = ((bent(first) - bent(second)).abs()[:, 0] / (first - second).norm(dim=1)).max()
    for _ in range(4):
        latents = latents.clone().requires_grad_()
        cost = (latents - start + 0.001).norm(dim=1) - bent(latents)[:, 0] / constant
        (gradient,) = torch.autograd.grad(cost.sum(), latents)
        latents = latents.detach()
        if prior == "normal":
            along = torch.einsum("nd,nd->n", gradient, latents)
            gradient = gradient - along[:, None] * latents / latents.square().sum(1)[:, None]
        latents = latents - 0.2 * gradient
        if prior == "uniform":
            latents = latents.clamp(-1, 1)
    drawn = sampler(6, torch.Generator().manual_seed(3))
    torch.testing.assert_close(drawn.images, latents)
    assert (drawn.images - start).norm(dim=1).min() > 0.03
    kept = sampler.draw.constant
    sampler(6, stream)
    assert sampler.draw.constant is kept


@pytest.mark.parametrize("size", [2, 3, 128])
def test_normal_latents_keep_their_length(size):
    state = build(DOT(pairs=50), score=bent, size=size)
    start = state.prior(400, torch.Generator().manual_seed(3))
    moved = state.sampler()(400, torch.Generator().manual_seed(3)).images
    assert not torch.equal(moved, start)
    far = start.norm(dim=1) > 1
    lengths = moved.norm(dim=1)[far] / start.norm(dim=1)[far]
    # Steps at right angles lengthen a latent z by rate² |g|² / 2 |z| each.
    torch.testing.assert_close(lengths, torch.ones_like(lengths), atol=0.02, rtol=0)


def test_samples_look_more_real():
    plain, moved = (
        draw(build(*tricks, score=bent, size=2, prior="uniform"), 500)
        for tricks in ([], [DOT(rate=0.05, pairs=2)])
    )
    assert bent(moved).mean() > bent(plain).mean() + 0.2


def test_a_flat_discriminator_moves_samples_nowhere_in_particular():
    flat = build(DOT(steps=3, rate=0.01), score=lambda points: 0 * points, prior="uniform")
    plain = draw(build(prior="uniform"), 400)
    assert draw(flat, 400).isfinite().all()
    assert (draw(flat, 400).mean() - plain.mean()).abs() < 0.2


def test_what_it_does_not_work_with_is_refused():
    with pytest.raises(ConfigError, match="some of whose values may be codes"):
        build(DOT(), own_prior=lambda count, size, stream: torch.ones(count, size))
    with pytest.raises(ConfigError, match="would correct them a second time"):
        build(DOT(), MetropolisHastings())
    with pytest.raises(ConfigError, match="generator ignores them"):
        draw(dirac(DOT()), 3)
