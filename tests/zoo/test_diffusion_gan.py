# SPDX-License-Identifier: MIT
"""Diffusion-GAN: how times are drawn, what noise they mean, and how T moves."""

import pytest
import torch
from small_states import state_of

from ganbench.config import parse_trick
from ganbench.gan import Batch, DataSpec
from ganbench.step import alternate, gradients
from ganbench.training.build import create
from ganbench.training.trainer import evaluating
from ganbench.trick_config import make_trick
from ganbench.turn import Turn

DATA = DataSpec("points", "1", (2,))
COUNT = 4000
BATCH = Batch(torch.randn(8, 2, generator=torch.Generator().manual_seed(0)))


def diffusion_gan(*tricks, **parameters):
    gan = create("diffusion-gan", DATA, {"shortest": 4, "longest": 10, **parameters})
    recipe = gan.recipe.model_copy(update={"batch_size": 8})
    return state_of(gan, DATA, [make_trick(parse_trick(trick)) for trick in tricks], recipe=recipe)


@pytest.mark.parametrize(
    ("distribution", "expected"), [("uniform", [1, 1, 1, 1]), ("priority", [1, 2, 3, 4])]
)
def test_half_of_the_times_are_zero_and_the_others_reach_up_to_t(distribution, expected):
    state = diffusion_gan(times=distribution)
    times = state.tricks.variant.draw_times(COUNT, Turn(state, "discriminator", BATCH))
    counts = times.bincount(minlength=11) / COUNT
    shares = torch.tensor(expected) / sum(expected) / 2
    torch.testing.assert_close(counts[:5], torch.tensor([0.5, *shares]), atol=0.03, rtol=0)
    assert not counts[5:].any()
    state.memory["variant"]["position"] = torch.tensor(0.5)
    times = state.tricks.variant.draw_times(COUNT, Turn(state, "discriminator", BATCH))
    assert times.max() == 7


@pytest.mark.parametrize("kind", ["real", "fake"])
def test_images_are_diffused_by_the_time_that_the_discriminator_is_told(kind):
    state = diffusion_gan()
    state.memory["variant"]["position"] = torch.tensor(1.0)
    batch = Batch(torch.full((COUNT, 2), 3.0))
    turn = Turn(state, "discriminator", batch, fakes=batch)
    seen = getattr(turn, kind).seen
    times = (seen.condition[:, 0] * 10).round().int()
    betas = [1e-4 + (0.02 - 1e-4) * index / 9 for index in range(10)]
    for time in range(11):
        images = seen.images[times == time]
        kept = torch.tensor([1 - beta for beta in betas[:time]]).prod()
        torch.testing.assert_close(images.mean(), kept.sqrt() * 3, atol=5e-3, rtol=0)
        expected = 0.05 * (1 - kept).sqrt()
        torch.testing.assert_close(images.std(), expected, atol=1e-6, rtol=0.25)
    logits = state.discriminate(seen.images, seen.condition)
    assert torch.equal(getattr(turn, kind).logits, logits)


@pytest.mark.parametrize("tricks", [(), ("unrolled:steps=2,rule=sgd",), ("extragradient",)])
@pytest.mark.parametrize("target", [-1.5, 0.1, 1.5])
def test_t_moves_by_its_formula_after_every_fourth_update(tricks, target, monkeypatch):
    state = diffusion_gan(*tricks, target=target, adjust_kimg=0.16)  # a fifth of the way each time
    move = 0.4 if tricks == ("extragradient",) else 0.2  # which shows two batches in an update
    signs, position = [], 0.0 if target < 1 else 0.7
    state.memory["variant"]["position"] = torch.tensor(position)
    after_step = state.tricks.after_step

    def observed(turn):
        nonlocal position
        if turn.role == "discriminator":
            signs.append(turn.real.logits.detach().sign().mean())
        after_step(turn)
        if turn.role == "discriminator" and len(signs) % 4 == 0:
            statistic = torch.stack(signs[-4:]).mean()
            position = min(1.0, max(0.0, position + (move if statistic > target else -move)))
        assert state.memory["variant"]["position"].item() == pytest.approx(position)
        assert state.tricks.variant.steps(state) == 4 + round(position * 6)

    monkeypatch.setattr(state.tricks, "after_step", observed)

    def next_batch():
        state.images_seen += len(BATCH)
        return BATCH

    for _ in range(12):
        state.tricks.step_rule(alternate)(state, next_batch)
    assert len(signs) == 12
    ends = {-1.5: min(1, 3 * move), 1.5: max(0, 0.7 - 3 * move)}
    assert position == pytest.approx(ends.get(target, position))


def test_the_generator_learns_through_the_noise():
    state = diffusion_gan()
    turn = gradients(state, "generator", BATCH)
    assert not torch.equal(turn.fake.seen.images, turn.fake.images)
    assert all(weight.grad.any() for weight in state.parameters("generator"))


def test_nothing_is_diffused_in_evaluation():
    state = diffusion_gan()
    with evaluating(state):
        sampler = state.sampler()
        sample = sampler(8, torch.Generator().manual_seed(0))
        expected = state.discriminate(sample.images, torch.zeros(8, 1))
        assert torch.equal(sampler.judge(sample), expected)
