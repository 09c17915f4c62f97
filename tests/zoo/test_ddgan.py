# SPDX-License-Identifier: MIT
"""Denoising diffusion GAN: what the generator denoises, and what both players are judged on."""

import pytest
import torch
from small_models import small
from small_states import state_of
from torch.nn.functional import softplus

from ganbench.config import parse_trick
from ganbench.gan import Batch, DataSpec
from ganbench.nn.denoising import Diffusion
from ganbench.step import alternate, gradients
from ganbench.training.trainer import evaluating
from ganbench.trick_config import make_trick
from ganbench.turn import Turn

POINTS = DataSpec("points", "1", (2,))
COUNT = 40_000


def ddgan(*tricks, steps=4, data=POINTS):
    gan = small("ddgan", data, {"steps": steps})
    return state_of(gan, data, [make_trick(parse_trick(trick)) for trick in tricks])


def batch(count=8, value=None):
    random = torch.Generator().manual_seed(0)
    points = torch.randn(count, 2, generator=random) if value is None else None
    return Batch(torch.full((count, 2), value) if points is None else points)


def test_times_are_uniform_and_reals_are_diffused_that_far():
    state = ddgan()
    noisy, times = Turn(state, "discriminator", batch(COUNT, 3.0)).condition
    assert times.bincount(minlength=5)[1:].tolist() == pytest.approx([COUNT / 4] * 4, rel=0.05)
    assert not (times == 0).any()
    for time in range(1, 5):
        kept = Diffusion(4).kept(torch.tensor([time])).item()
        selected = noisy[times == time]
        assert selected.mean().item() == pytest.approx(3 * kept**0.5, abs=0.03)
        assert selected.var().item() == pytest.approx(1 - kept, abs=0.03)


@pytest.mark.parametrize("role", ["discriminator", "generator"])
def test_guesses_and_reals_are_judged_a_step_before_what_they_were_made_from(role):
    state = ddgan()
    turn = gradients(state, role, batch(COUNT))
    given = turn.condition
    guesses, made = state.generator(turn.latents, given)
    torch.testing.assert_close(turn.fake.images, guesses)
    assert turn.fake.made is made is given
    for scored in (turn.fake, turn.real):
        assert scored.seen.condition is given, "both are steps before the same noisy examples"
        mean = Diffusion(4).before(scored.images, given, torch.zeros(COUNT, 2))
        for time in range(1, 5):
            residual = (scored.seen.images - mean)[given[1] == time]
            kept, before = Diffusion(4).kept(torch.tensor([time, time - 1])).tolist()
            variance = (1 - kept / before) * (1 - before) / (1 - kept)
            assert residual.mean().item() == pytest.approx(0, abs=0.03)
            assert residual.var().item() == pytest.approx(variance, abs=0.05)
        logits = state.discriminate(scored.seen.images, given)
        torch.testing.assert_close(scored.logits, logits)


def test_the_discriminator_sees_both_examples_and_the_time():
    state = ddgan()
    images, later = torch.randn(2, 4, 2)
    times = torch.tensor([1, 2, 3, 4])
    logits = state.discriminate(images, (later, times))
    for changed in (
        (images + 1, (later, times)),
        (images, (later + 1, times)),
        (images, (later, times.flip(0))),
    ):
        assert not torch.allclose(state.discriminate(*changed), logits)


def test_the_slope_of_r1_is_that_in_the_clean_example():
    state = ddgan("r1:weight=2")
    turn = gradients(state, "discriminator", batch())
    noisy, times = turn.condition
    kept = Diffusion(4).kept(times), Diffusion(4).kept(times - 1)
    share = kept[1].sqrt() * (1 - kept[0] / kept[1]) / (1 - kept[0])  # of x_0 in x_{t-1}
    images = turn.real.seen.images.detach().requires_grad_()
    (slope,) = torch.autograd.grad(state.discriminate(images, (noisy, times)).sum(), images)
    expected = (share[:, None] * slope).square().sum(1).mean()
    torch.testing.assert_close(turn.terms["r1/penalty"], expected)


def test_the_generator_learns_through_the_step():
    state = ddgan()
    turn = gradients(state, "generator", batch())
    torch.testing.assert_close(turn.terms["adversarial"], softplus(-turn.fake.logits).mean())
    assert all(weight.grad.any() for weight in state.parameters("generator"))


@pytest.mark.parametrize("trick", ["unrolled:steps=2,rule=sgd", "extragradient", "consensus"])
def test_other_orders_of_the_passes_know_what_fakes_were_made_from(trick, monkeypatch):
    state = ddgan(trick)
    see, shown = state.tricks.see, []

    def observed(seen, scored, turn):
        changed = see(seen, scored, turn)
        shown.append((scored, changed))
        return changed

    monkeypatch.setattr(state.tricks, "see", observed)
    state.tricks.step_rule(alternate)(state, batch)
    fakes = [(scored, changed) for scored, changed in shown if scored.kind == "fake"]
    assert len(fakes) >= 2
    assert all(changed.condition is scored.made for scored, changed in fakes)


def test_samples_are_judged_as_they_are():
    state = ddgan()
    with evaluating(state):
        sampler = state.sampler()
        sample = sampler(8, torch.Generator().manual_seed(0))
        assert sample.made is None
        shown = []
        state.discriminator.register_forward_pre_hook(lambda module, inputs: shown.append(inputs))
        assert sampler.judge(sample).shape == (8, 1)
    images, (_, times) = shown[0]
    torch.testing.assert_close(images, sample.images)
    assert times.tolist() == [1] * 8


def test_a_single_step_is_a_plain_gan():
    state = ddgan(steps=1)
    turn = gradients(state, "discriminator", batch())
    torch.testing.assert_close(turn.real.seen.images, turn.real.images)
    torch.testing.assert_close(turn.fake.seen.images, turn.fake.images)
