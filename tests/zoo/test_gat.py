# SPDX-License-Identifier: MIT
"""GAT in a GAN: what the discriminator sees of each level, its noise, and the penalties."""

import pytest
import torch
from small_models import small
from small_states import state_of

from ganbench.gan import Batch, DataSpec
from ganbench.step import gradients
from ganbench.training.build import create
from ganbench.turn import Turn

DATA = DataSpec("images", "1", (1, 16, 16), classes=3)
LABELS = torch.tensor([0, 2, 1, 1])
IMAGES = torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
BATCH = Batch(IMAGES, LABELS)
SHARES = [1 - 0.125, 1 - 0.125 ** (2 / 3), 1 - 0.125 ** (1 / 3), 0.0]


def state():
    gan = small("gat", DATA)
    recipe = gan.recipe.model_copy(update={"batch_size": 4})
    return state_of(gan, DATA, gan.tricks, recipe=recipe)


def without_noise(trained, monkeypatch):
    """Let the variant blend with noise of zero."""
    zeros = lambda shape, generator, device: torch.zeros(shape, device=device)  # noqa: E731
    monkeypatch.setattr("ganbench.zoo.gat.torch.randn", zeros)
    return trained


def test_the_shares_of_noise_are_the_papers():
    shares = state().tricks.variant.noise_shares()
    torch.testing.assert_close(shares, torch.tensor(SHARES) + 0.01)


def test_the_noise_of_a_level_is_that_of_the_finer_one_and_more():
    hooks = state().tricks.variant
    stream = torch.Generator().manual_seed(0)
    noise = hooks.noisy(torch.zeros(64, 4, 1, 32, 32), stream).flatten(2)  # (64, 4, 1024)
    shares = hooks.noise_shares().tolist()
    for level, share in enumerate(shares):
        assert float(noise[:, level].std()) == pytest.approx(share, rel=0.02)
    for coarse, fine in ((0, 1), (1, 2), (0, 2)):
        covariance = float((noise[:, coarse] * noise[:, fine]).mean())
        expected = shares[fine] ** 2 * (1 - shares[coarse]) / (1 - shares[fine])
        assert covariance == pytest.approx(expected, abs=0.008)  # four standard errors


def test_a_real_image_is_seen_at_every_level_and_a_fake_as_it_was_made(monkeypatch):
    trained = without_noise(state(), monkeypatch)
    turn = gradients(trained, "discriminator", BATCH)
    signals = 1 - trained.tricks.variant.noise_shares()
    real = turn.real.seen.images.view(4, 4, 1, 16, 16)
    fake = turn.fake.seen.images.view(4, 4, 1, 16, 16)
    for level, signal in enumerate(signals):
        torch.testing.assert_close(real[:, level], signal * IMAGES)
        torch.testing.assert_close(fake[:, level], signal * turn.fake.made[:, level])
    assert torch.equal(turn.fake.made[:, -1], turn.fake.images)
    assert torch.equal(turn.fake.seen.condition, LABELS)


def test_the_slope_is_that_of_a_shift_of_all_levels(monkeypatch):
    trained = without_noise(state(), monkeypatch)
    turn = gradients(trained, "discriminator", BATCH)
    signals = 1 - trained.tricks.variant.noise_shares()
    for scored in (turn.real, turn.fake):
        seen = scored.seen.images.detach().requires_grad_()
        logits = trained.discriminator(seen, LABELS)
        (slopes,) = torch.autograd.grad(logits.sum(), seen)
        expected = (slopes.view(4, 4, -1) * signals[:, None]).sum(1)
        torch.testing.assert_close(scored.gradients, expected, rtol=1e-4, atol=1e-6)
    terms = turn.terms
    for name, scored in (("r1/penalty", turn.real), ("r2/penalty", turn.fake)):
        square = scored.gradients.square().sum(1).mean()
        torch.testing.assert_close(terms[name], 0.5 * 0.1 * square)
    pairs = turn.fake.logits - turn.real.logits
    expected = torch.nn.functional.softplus(pairs).mean()
    torch.testing.assert_close(terms["adversarial"], expected)


def test_every_level_teaches_the_generator(monkeypatch):
    trained = without_noise(state(), monkeypatch)
    turn = Turn(trained, "generator", BATCH)
    (slopes,) = torch.autograd.grad(turn.fake.logits.sum(), turn.fake.made)
    seen = turn.fake.seen.images.detach().requires_grad_()
    (direct,) = torch.autograd.grad(trained.discriminator(seen, LABELS).sum(), seen)
    signals = (1 - trained.tricks.variant.noise_shares()).view(1, 4, 1)
    # What reaches the last level directly, through the image, is not counted here.
    expected = (signals * direct.view(4, 4, -1))[:, :-1]
    torch.testing.assert_close(slopes.flatten(2)[:, :-1], expected, rtol=1e-4, atol=1e-6)


def test_evaluation_takes_nothing_from_the_stream_and_repeats_itself():
    trained = state()
    trained.discriminator.eval()
    before = trained.streams["trick/variant"].get_state()
    logits = [trained.sampler().judge(BATCH) for _ in range(2)]
    assert torch.equal(*logits)
    assert torch.equal(trained.streams["trick/variant"].get_state(), before)


def test_the_learning_rate_is_in_inverse_proportion_to_the_width():
    rates = [
        create("gat", DATA, {"width": width}).recipe.generator_optimizer.learning_rate
        for width in (768, 384, 96)
    ]
    assert rates == pytest.approx([2e-4, 4e-4, 1e-3])
