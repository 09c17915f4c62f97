# SPDX-License-Identifier: MIT
"""MSG-GAN: which pyramid the discriminator is shown with which images."""

import pytest
import torch
from small_states import state_of

from ganbench.config import parse_trick
from ganbench.gan import Batch, DataSpec
from ganbench.nn.pyramid import pyramid_of
from ganbench.step import gradients
from ganbench.training.build import create
from ganbench.trick_config import make_trick

DATA = DataSpec("images", "1", (1, 16, 16))
BATCH = Batch(torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1)


def msggan(*tricks):
    gan = create("msggan", DATA)
    recipe = gan.recipe.model_copy(update={"batch_size": 4, "latent_dim": 3})
    return state_of(gan, DATA, [make_trick(parse_trick(trick)) for trick in tricks], recipe=recipe)


def shown_in(state, role, monkeypatch):
    """Return what the discriminator is shown in a turn: kind, images and pyramid of each pass."""
    seen = []
    see = state.tricks.see

    def observed(plain, scored, turn):
        changed = see(plain, scored, turn)
        seen.append((scored.kind, changed.images, changed.condition))
        return changed

    monkeypatch.setattr(state.tricks, "see", observed)
    turn = gradients(state, role, BATCH)
    return turn, seen


def assert_alike(pyramid, expected):
    for level, wanted in zip(pyramid, expected, strict=True):
        torch.testing.assert_close(level, wanted)


def test_reals_are_reduced_and_fakes_bring_what_was_made(monkeypatch):
    state = msggan()
    turn, seen = shown_in(state, "discriminator", monkeypatch)
    levels = {kind: pyramid for kind, _, pyramid in seen}
    assert_alike(levels["real"], pyramid_of(BATCH.images))
    images, made = state.generator(turn.latents)
    torch.testing.assert_close(turn.fake.images, images)
    assert_alike(levels["fake"], made)
    with pytest.raises(AssertionError):
        assert_alike(levels["fake"], pyramid_of(images))


@pytest.mark.parametrize("side", ["real", "fake"])
def test_r1_and_r2_are_slopes_in_the_largest_image_alone(side):
    trick = {"real": "r1", "fake": "r2"}[side]
    state = msggan(f"{trick}:weight=2")
    turn = gradients(state, "discriminator", BATCH)
    seen = getattr(turn, side).seen
    pyramid = tuple(level.detach() for level in seen.condition)
    images = seen.images.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(state.discriminate(images, pyramid).sum(), images)
    expected = slope.square().flatten(1).sum(1).mean()
    torch.testing.assert_close(turn.terms[f"{trick}/penalty"], expected)


def test_gradients_reach_the_generator_at_each_level(monkeypatch):
    state = msggan()
    _, seen = shown_in(state, "generator", monkeypatch)
    assert [kind for kind, *_ in seen] == ["fake"]
    for to_image in state.generator.to_image:
        assert to_image.weight.grad.any()


def test_interpolates_lie_between_at_each_level(monkeypatch):
    state = msggan("gradient-penalty")
    _, seen = shown_in(state, "discriminator", monkeypatch)
    levels = {kind: (images, *pyramid) for kind, images, pyramid in seen}
    assert set(levels) == {"real", "fake", "other"}
    stream = msggan("gradient-penalty").streams["trick/gradient-penalty"]
    share = torch.rand(4, generator=stream)[:, None, None, None]
    for real, fake, between in zip(levels["real"], levels["fake"], levels["other"], strict=True):
        torch.testing.assert_close(between, real + share * (fake - real))


def test_the_inner_steps_of_unrolled_see_what_was_made(monkeypatch):
    state = msggan("unrolled:steps=2,rule=sgd")
    turn, seen = shown_in(state, "generator", monkeypatch)
    fakes = [pyramid for kind, _, pyramid in seen if kind == "fake"]
    assert len(fakes) == 3
    for pyramid in fakes:
        assert all(level is made for level, made in zip(pyramid, turn.fake.made, strict=True))


def test_samples_are_judged_with_what_was_made_or_their_own_means():
    state = msggan()
    sampler = state.sampler()
    sample = sampler(3, torch.Generator().manual_seed(0))
    expected = state.discriminate(sample.images, sample.made)
    torch.testing.assert_close(sampler.judge(sample), expected)
    expected = state.discriminate(sample.images, pyramid_of(sample.images))
    torch.testing.assert_close(sampler.judge(Batch(sample.images)), expected)


def test_real_logits_are_kept_near_zero():
    state = msggan()
    turn = gradients(state, "discriminator", BATCH)
    square = turn.real.logits.square().mean()
    torch.testing.assert_close(turn.terms["variant/drift"], 0.001 * square)
    assert set(gradients(state, "generator", BATCH).terms) == {"adversarial"}
