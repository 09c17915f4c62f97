# SPDX-License-Identifier: MIT
"""BEGAN: energies, the loss under k, and k by its formula, once for each update."""

import pytest
import torch
from small_states import state_of

from ganbench import losses
from ganbench.config import parse_trick
from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.step import alternate, gradients
from ganbench.training.build import build_state, create
from ganbench.trick_config import make_trick

DATA = DataSpec("images", "1", (1, 8, 8))
RATE, RATIO = 0.05, 2.5


def began(*tricks, steps=1):
    gan = create("began", DATA, {"rate": RATE, "ratio": RATIO})
    recipe = gan.recipe.model_copy(
        update={"batch_size": 4, "latent_dim": 3, "discriminator_steps": steps}
    )
    return state_of(gan, DATA, [make_trick(parse_trick(trick)) for trick in tricks], recipe=recipe)


def batches():
    stream = torch.Generator().manual_seed(0)
    while True:
        yield Batch(torch.rand(4, 1, 8, 8, generator=stream) * 2 - 1)


def test_energies_are_mean_distances_to_what_the_autoencoder_rebuilt():
    images = next(batches()).images
    energies, rebuilt = began().discriminate(images)
    assert rebuilt.shape == images.shape
    expected = torch.stack(
        [(one - other).abs().mean() for one, other in zip(images, rebuilt, strict=True)]
    )
    torch.testing.assert_close(energies, expected)


@pytest.mark.parametrize("tricks", [(), ("unrolled:steps=2,rule=sgd",), ("extragradient",)])
def test_k_follows_its_formula_once_in_each_update(tricks, monkeypatch):
    state = began(*tricks)
    expected, measures, drawn = torch.zeros(()), [], batches()
    after_step = state.tricks.after_step

    def observed(turn):
        nonlocal expected
        if turn.role == "discriminator":
            real, fake = turn.real.logits.detach().mean(), turn.fake.logits.detach().mean()
            expected = (expected + RATE * (RATIO * real - fake)).clamp(0, 1)
            measures.append(real + (RATIO * real - fake).abs())
        after_step(turn)
        assert torch.equal(state.memory["variant"]["k"], expected)

    monkeypatch.setattr(state.tricks, "after_step", observed)
    for _ in range(4):
        state.tricks.step_rule(alternate)(state, lambda: next(drawn))
    assert len(measures) == state.updates["discriminator"] == 4
    assert 0 < expected < 1, "the bounds would hide a formula that is wrong"
    means = state.statistics.flush()
    assert means["variant/convergence"] == pytest.approx(float(torch.stack(measures).mean()))
    assert means["variant/k"] > 0


def test_the_losses_are_the_papers():
    state = began()
    state.memory["variant"]["k"] = torch.tensor(0.25)
    batch = next(batches())
    turn = gradients(state, "discriminator", batch)
    expected = turn.real.logits.mean() - 0.25 * turn.fake.logits.mean()
    torch.testing.assert_close(turn.terms, {"adversarial": expected})
    turn = gradients(state, "generator", batch)
    torch.testing.assert_close(turn.terms, {"adversarial": turn.fake.logits.mean()})


def test_another_loss_is_refused():
    gan = create("began", DATA)
    with pytest.raises(ConfigError, match="trained on energies, and the loss hinge takes logits"):
        build_state(
            gan,
            DATA,
            recipe=gan.recipe,
            tricks=[],
            loss=losses.hinge,
            seed=0,
            device=torch.device("cpu"),
        )
