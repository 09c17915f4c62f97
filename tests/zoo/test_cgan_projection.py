# SPDX-License-Identifier: MIT
"""The projection discriminator in a GAN: its logit, spectrally normalized, and its recipe."""

import pytest
import torch
from small_states import state_of
from torch.nn.utils import parametrize

from ganbench.gan import Batch, DataSpec
from ganbench.step import alternate, gradients
from ganbench.training.build import create

DATA = DataSpec("points", "1", (2,), classes=3)
LABELS = torch.tensor([0, 2, 1, 1, 0, 2])
BATCH = Batch(torch.randn(6, 2, generator=torch.Generator().manual_seed(0)), LABELS)


def test_the_logit_is_psi_plus_the_inner_product_of_normalized_weights():
    gan = create("cgan-projection", DATA)
    state = state_of(gan, DATA, gan.tricks)
    turn = gradients(state, "discriminator", BATCH)
    assert torch.equal(turn.real.seen.condition, LABELS)
    network = state.discriminator.eval()
    features = torch.nn.functional.leaky_relu(network.network(BATCH.images), 0.2)
    expected = network.psi(features) + (network.embed.weight[LABELS] * features).sum(1)[:, None]
    torch.testing.assert_close(network(BATCH.images, LABELS), expected)
    for layer in (network.psi, network.embed, *network.network.layers):
        if hasattr(layer, "weight"):
            assert parametrize.is_parametrized(layer, "weight")
            for _ in range(100):
                layer.train()
                weight = layer.weight
            assert abs(torch.linalg.matrix_norm(weight, 2) - 1) < 1e-4


@pytest.mark.parametrize("data", [DATA, DataSpec("images", "1", (1, 8, 8), classes=3)])
def test_the_inner_product_starts_no_larger_than_a_feature(data):
    gan = create("cgan-projection", data)
    embed = state_of(gan, data, gan.tricks).discriminator.embed
    lengths = embed.parametrizations.weight.original.norm(dim=1)
    assert lengths.max() < 1.25
    assert lengths.min() > 0.75


def test_the_discriminator_makes_five_steps_on_a_hinge():
    gan = create("cgan-projection", DATA)
    recipe = gan.recipe.model_copy(update={"batch_size": 6})
    state = state_of(gan, DATA, gan.tricks, recipe=recipe)
    alternate(state, lambda: BATCH)
    assert state.updates == {"discriminator": 5, "generator": 1}
    turn = gradients(state, "discriminator", BATCH)
    real, fake = turn.real.logits, turn.fake.logits
    expected = (1 - real).relu().mean() + (1 + fake).relu().mean()
    torch.testing.assert_close(turn.terms, {"adversarial": expected})
