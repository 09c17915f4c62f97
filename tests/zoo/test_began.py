# SPDX-License-Identifier: MIT
"""BEGAN: energies, initial weights, the loss under k, and k by its formula in each update."""

import pytest
import torch
from small_states import state_of
from torch import nn

from ganbench import losses
from ganbench.config import parse_trick
from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.step import alternate, gradients, update
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
    logits, rebuilt = began().discriminate(images)
    assert rebuilt.shape == images.shape
    expected = torch.stack(
        [(one - other).abs().mean() for one, other in zip(images, rebuilt, strict=True)]
    )
    torch.testing.assert_close(logits, -expected)  # a higher logit means more real


@pytest.mark.parametrize("tricks", [(), ("unrolled:steps=2,rule=sgd",), ("extragradient",)])
def test_k_follows_its_formula_once_in_each_update(tricks, monkeypatch):
    state = began(*tricks)
    expected, measures, drawn = torch.zeros(()), [], batches()
    after_step = state.tricks.after_step

    def observed(turn):
        nonlocal expected
        if turn.role == "discriminator":
            real, fake = -turn.real.logits.detach().mean(), -turn.fake.logits.detach().mean()
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


def energy_of(scored):
    return (scored.images - scored.extras).abs().mean()


def deviations_after_layers(network, inputs):
    """Return the deviation of what each layer with weights makes of its input."""
    kinds = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
    layers = [layer for layer in network.modules() if isinstance(layer, kinds)]
    deviations = []
    for layer in layers:
        layer.register_forward_hook(lambda layer, inputs, output: deviations.append(output.std()))
    with torch.no_grad():
        network(inputs)
    assert len(deviations) == len(layers) > 2
    return deviations


@pytest.mark.parametrize("resolution", [28, 64])
@pytest.mark.parametrize("part", ["generator", "encoder", "decoder"])
def test_values_keep_their_variance_from_layer_to_layer(part, resolution):
    torch.manual_seed(0)
    gan = create("began", DataSpec("images", "1", (3, resolution, resolution)))
    autoencoder = gan.discriminator((3, resolution, resolution))
    network = gan.generator(64) if part == "generator" else getattr(autoencoder, part)
    size = (3, resolution, resolution) if part == "encoder" else (64,)
    deviations = deviations_after_layers(network, torch.randn(64, *size))
    last = 1 if part == "encoder" else 0.1  # the first images are nearly gray
    expected = [*[1] * (len(deviations) - 1), last]
    assert deviations == pytest.approx(expected, rel=0.2)  # edges sum fewer inputs


def test_k_rises_at_first_because_samples_start_with_less_energy_than_images():
    state = began()
    update(state, "discriminator", next(batches()))
    assert state.memory["variant"]["k"] > 0
    turn = gradients(state, "discriminator", next(batches()))
    assert energy_of(turn.fake) < 0.2 * energy_of(turn.real)


def test_the_losses_are_the_papers():
    state = began()
    state.memory["variant"]["k"] = torch.tensor(0.25)
    batch = next(batches())
    turn = gradients(state, "discriminator", batch)
    expected = energy_of(turn.real) - 0.25 * energy_of(turn.fake)
    torch.testing.assert_close(turn.terms, {"adversarial": expected})
    turn = gradients(state, "generator", batch)
    torch.testing.assert_close(turn.terms, {"adversarial": energy_of(turn.fake)})


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
