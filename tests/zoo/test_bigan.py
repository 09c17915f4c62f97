# SPDX-License-Identifier: MIT
"""BiGAN: the pairs that the discriminator is shown, everywhere, and who learns from them."""

import pytest
import torch
from small_states import state_of
from torch.nn.functional import softplus

from ganbench.config import parse_trick
from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.step import gradients, update
from ganbench.training.build import create
from ganbench.trick_config import make_trick

DATA = DataSpec("points", "1", (2,))
BATCH = Batch(torch.randn(8, 2, generator=torch.Generator().manual_seed(0)))


def bigan(*tricks, precision="fp32", **changes):
    gan = create("bigan", DATA, {"latent_dim": 3})
    recipe = gan.recipe.model_copy(update={"batch_size": 8, **changes})
    tricks = [make_trick(parse_trick(trick)) for trick in tricks]
    return state_of(gan, DATA, tricks, recipe=recipe, precision=precision)


@pytest.fixture
def shown(monkeypatch):
    """Return a function that lists what the hooks let the discriminator of a state see."""

    def watch(state):
        seen = []
        see = state.tricks.see

        def observed(plain, scored, turn):
            changed = see(plain, scored, turn)
            seen.append((scored.kind, changed.images, changed.condition))
            return changed

        monkeypatch.setattr(state.tricks, "see", observed)
        return seen

    return watch


def assert_pairs(state, seen):
    with torch.no_grad():
        for kind, images, codes in seen:
            if kind == "real":
                torch.testing.assert_close(images, BATCH.images)
                torch.testing.assert_close(codes, state.partners["encoder"](BATCH.images))
            elif kind == "fake":
                torch.testing.assert_close(images, state.generator(codes))
                assert codes.abs().max() <= 1


@pytest.mark.parametrize("role", ["discriminator", "generator"])
def test_pairs_are_samples_with_latents_and_images_with_codes(role, shown):
    state = bigan()
    seen = shown(state)
    turn = gradients(state, role, BATCH)
    assert [kind for kind, *_ in seen] == ["real", "fake"] or role == "generator"
    assert sorted(kind for kind, *_ in seen) == ["fake", "real"]
    assert_pairs(state, seen)
    assert turn.fake.seen.condition is turn.latents


def test_pairs_are_the_same_within_the_inner_steps_of_unrolled(shown):
    state = bigan("unrolled:steps=3,rule=sgd")
    seen = shown(state)
    gradients(state, "generator", BATCH)
    assert sorted(kind for kind, *_ in seen) == ["fake"] * 4 + ["real"] * 4
    assert_pairs(state, seen)
    latents = [codes for kind, _, codes in seen if kind == "fake"]
    assert all(codes is latents[0] for codes in latents)


def test_a_gradient_penalty_lies_on_the_line_between_pairs(shown):
    state = bigan("gradient-penalty")
    seen = shown(state)
    gradients(state, "discriminator", BATCH)
    pairs = {kind: torch.cat([images, codes], 1) for kind, images, codes in seen}
    assert set(pairs) == {"real", "fake", "other"}
    # The same share of the way in each of the five coordinates of a pair.
    share = (pairs["other"] - pairs["real"]) / (pairs["fake"] - pairs["real"])
    assert 0 < share.min() < share.max() < 1
    torch.testing.assert_close(share, share[:, :1].expand_as(share), atol=1e-3, rtol=1e-3)


def test_r1_is_the_slope_at_a_fixed_code():
    state = bigan("r1:weight=2")
    turn = gradients(state, "discriminator", BATCH)
    codes = state.partners["encoder"](BATCH.images)
    images = BATCH.images.clone().requires_grad_()
    (slope,) = torch.autograd.grad(state.discriminate(images, codes).sum(), images)
    torch.testing.assert_close(turn.terms["r1/penalty"], slope.square().sum(1).mean())


def test_the_encoder_moves_with_the_generator_against_the_discriminator():
    state = bigan()
    before = [weight.detach().clone() for weight in state.partners["encoder"].parameters()]
    update(state, "discriminator", BATCH)
    after = state.partners["encoder"].parameters()
    assert all(torch.equal(*pair) for pair in zip(before, after, strict=True))
    turn = gradients(state, "generator", BATCH)
    expected = softplus(turn.real.logits).mean() + softplus(-turn.fake.logits).mean()
    torch.testing.assert_close(turn.terms, {"adversarial": expected})
    state.descend(turn)
    after = state.partners["encoder"].parameters()
    assert not any(torch.equal(*pair) for pair in zip(before, after, strict=True))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("role", ["discriminator", "generator"])
def test_the_encoder_computes_in_the_precision_of_the_run(role, precision):
    state = bigan("gradient-penalty", precision=precision)
    formats = []
    state.partners["encoder"].register_forward_hook(
        lambda encoder, inputs, codes: formats.append(codes.dtype)
    )
    turn = gradients(state, role, BATCH)
    assert formats == [torch.bfloat16 if precision == "bf16" else torch.float32]
    assert turn.real.seen.condition.dtype == turn.fake.seen.condition.dtype == torch.float32


def test_latents_of_another_size_are_refused():
    with pytest.raises(ConfigError, match="takes codes of 3 values, and recipe"):
        bigan(latent_dim=4)
