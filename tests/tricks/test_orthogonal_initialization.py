# SPDX-License-Identifier: MIT
"""Orthogonal initialization: the products of the weights with themselves."""

import pytest
import torch
from small_states import state_of
from torch import nn

from ganbench.config import Recipe
from ganbench.errors import ConfigError
from ganbench.gan import GAN, DataSpec
from ganbench.losses import non_saturating
from ganbench.nn import ConvDiscriminator, ConvGenerator
from ganbench.tricks.orthogonal_initialization import OrthogonalInitialization
from ganbench.tricks.spectral_norm import SpectralNorm

IMAGES = DataSpec("images", "1", (1, 16, 16))


def build(*tricks, seed=0):
    gan = GAN(
        generator=lambda latent_dim: ConvGenerator(latent_dim, IMAGES.shape, width=4),
        discriminator=lambda shape: ConvDiscriminator(shape, width=4),
        loss=non_saturating,
        recipe=Recipe(kimg=1, batch_size=4, latent_dim=5),
    )
    return state_of(gan, IMAGES, tricks, seed=seed)


@pytest.mark.parametrize("gain", [1.0, 0.3])
def test_rows_or_columns_are_orthogonal(gain):
    state, plain = build(OrthogonalInitialization(gain=gain)), build()
    count = 0
    for network in (state.generator, state.discriminator):
        for layer in network.modules():
            if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                outputs = 1 if isinstance(layer, nn.ConvTranspose2d) else 0
                matrix = layer.weight.transpose(0, outputs).flatten(1)
                matrix = matrix if len(matrix) <= matrix.shape[1] else matrix.T
                torch.testing.assert_close(
                    matrix @ matrix.T, gain**2 * torch.eye(len(matrix)), rtol=0, atol=1e-5
                )
                count += 1
    assert count == 6
    for name, value in plain.discriminator.state_dict().items():
        if value.ndim < 2:  # biases, gains, and running statistics
            assert torch.equal(value, state.discriminator.state_dict()[name])


def test_biases_begin_at_zero():
    """Else the kinks of a layer of two inputs would lie outside of the data."""
    drawn = OrthogonalInitialization().wrap_discriminator(
        lambda shape: nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1, bias=False)), None
    )((2,))
    assert not drawn[0].bias.any()
    assert drawn[0].weight.any()


def test_the_seed_decides():
    first, again, other = (build(OrthogonalInitialization(), seed=seed) for seed in (0, 0, 1))
    weights = [state.generator.project.weight for state in (first, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_it_comes_before_spectral_normalization():
    """A single singular value of 1 is what spectral normalization leaves as it is."""
    state = build(OrthogonalInitialization(), SpectralNorm())
    layer = state.discriminator.layers[0]
    matrix = layer.parametrizations.weight.original.flatten(1)
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(4), rtol=0, atol=1e-5)


def test_weights_that_begin_at_zero_stay_and_a_network_of_none_is_refused():
    def closed(shape):
        layers = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))
        nn.init.zeros_(layers[1].weight)
        return layers

    drawn = OrthogonalInitialization().wrap_discriminator(closed, None)((3,))
    assert not drawn[1].weight.any()
    with pytest.raises(ConfigError, match="in the discriminator whose weights"):
        OrthogonalInitialization().wrap_discriminator(lambda shape: nn.PReLU(), None)((3,))
