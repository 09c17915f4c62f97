# SPDX-License-Identifier: MIT
"""The mapping network, compared with its layers written out."""

import math

import pytest
import torch

from ganbench.nn.mapping import Mapping, scaled_leaky_relu, unit_mean_square


def test_values_are_scaled_to_unit_mean_square():
    values = 7 * torch.randn(3, 2, 5)
    scaled = unit_mean_square(values)
    torch.testing.assert_close(scaled.square().mean(2), torch.ones(3, 2))
    torch.testing.assert_close(scaled, unit_mean_square(values / 100), rtol=1e-4, atol=1e-4)


def test_the_activation_keeps_the_mean_square():
    torch.manual_seed(0)
    values = torch.randn(100_000)
    expected = (1 + 0.2**2) / 2 * 2  # half of the values are scaled by 0.2, and all by sqrt(2)
    assert float(scaled_leaky_relu(values).square().mean()) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("classes", [0, 3])
def test_styles_are_linear_layers_of_the_scaled_latent_and_the_scaled_embedding(classes):
    torch.manual_seed(0)
    mapping = Mapping(4, 6, layers=2, classes=classes)
    latents = torch.randn(5, 4)
    labels = torch.tensor([0, 2, 1, 1, 0]) if classes else None
    values = latents / latents.square().mean(1, keepdim=True).sqrt()
    if classes:
        embedded = mapping.embed.weight[labels]
        embedded = embedded / embedded.square().mean(1, keepdim=True).sqrt()
        values = torch.cat([values, embedded], 1)
    for layer in mapping.layers:
        weight = layer.weight * 0.01 / math.sqrt(values.shape[1])
        values = values @ weight.T + 0.01 * layer.bias
        values = math.sqrt(2) * torch.where(values > 0, values, 0.2 * values)
    styles = mapping(latents, labels)
    assert styles.shape == (5, 6)
    torch.testing.assert_close(styles, values)


def test_layers_learn_a_hundred_times_slower():
    """Their weights begin a hundred times larger, and are scaled down when used."""
    torch.manual_seed(0)
    for layer in Mapping(64, layers=2).layers:
        assert float(layer.weight.detach().std()) == pytest.approx(100, rel=0.05)
        assert layer.scale == pytest.approx(0.01 / 8)
