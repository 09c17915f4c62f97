# SPDX-License-Identifier: MIT
"""Orthogonal regularization, compared with an update by hand."""

import pytest
import torch
from dirac_gan import RATE, SGD, linear
from small_states import state_of
from torch import nn

from ganbench import registry
from ganbench.config import Recipe
from ganbench.gan import GAN, Batch, DataSpec
from ganbench.losses import wasserstein
from ganbench.step import update
from ganbench.tricks.orthogonal_regularization import OrthogonalRegularization
from ganbench.turn import Turn

pytestmark = pytest.mark.usefixtures("float64")


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1, 1)])
def test_the_update_turns_rows_away_from_each_other(shape):
    """The gradient of |W W^T * (1 - I)|^2 is 4 (W W^T * (1 - I)) W."""
    start = torch.randn(2, 3, generator=torch.Generator().manual_seed(0))

    class Product(nn.Module):
        """G(z) = W z."""

        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(start.clone().reshape(shape))

        def forward(self, latents):
            return latents @ self.weight.reshape(2, 3).T

    gan = GAN(
        generator=lambda _: Product(),
        discriminator=lambda _: linear((0.7, -0.4)),
        loss=wasserstein,
        recipe=Recipe(kimg=1, latent_dim=3, generator_optimizer=SGD, discriminator_optimizer=SGD),
    )
    moved = []
    for tricks in ([OrthogonalRegularization(weight=0.3)], []):
        state = state_of(gan, DataSpec("plane", "1", (2,)), tricks)
        update(state, "generator", Batch(torch.zeros(4, 2)))
        moved.append(state.generator.weight.detach().reshape(2, 3))
    products = start @ start.T
    penalty = 4 * 0.3 * (products - torch.diag(products.diag())) @ start
    torch.testing.assert_close(moved[0], moved[1] - RATE * penalty)


@pytest.mark.parametrize("name", ["stylegan2", "progan"])
def test_weights_with_an_equalized_learning_rate_count_as_they_are_used(name):
    """As stored they are N(0, 1), and their penalty would be a thousand times any loss."""
    data = DataSpec("images", "1", (1, 16, 16))
    trick = OrthogonalRegularization()
    state = state_of(registry.models.get(name)(data), data, [trick])
    turn = Turn(state, "generator", Batch(torch.rand(4, 1, 16, 16)))
    assert 0 < trick.generator_terms(turn)["penalty"] < 1
