# SPDX-License-Identifier: MIT
"""Weight normalization, against its closed form for a linear discriminator."""

import pytest
import torch
from dirac_gan import RATE, dirac
from torch import nn

from ganbench.errors import ConfigError
from ganbench.gan import Batch
from ganbench.step import update
from ganbench.tricks.spectral_norm import SpectralNorm
from ganbench.tricks.weight_norm import WeightNorm

pytestmark = pytest.mark.usefixtures("float64")


def test_the_update_of_lengths_and_directions():
    """For the slope s in w, the slope in g is s . v / |v|, in v it is g / |v| (s - (s . e) e)."""
    state = dirac(WeightNorm(), psi=(0.6, -0.8), theta=(1.3, 0.5))
    parametrization = state.discriminator.parametrizations.weight
    length, direction = parametrization.original0, parametrization.original1
    torch.testing.assert_close(length.item(), 1.0)
    torch.testing.assert_close(direction[0].tolist(), [0.6, -0.8])
    slope = torch.tensor([1.3 - 0.4, 0.5 - 0.2])  # of D(fake) - D(real)
    unit = torch.tensor([0.6, -0.8])
    update(state, "discriminator", Batch(torch.tensor([[0.4, 0.2]] * 4)))
    torch.testing.assert_close(length.detach().squeeze(), 1 - RATE * slope @ unit)
    expected = unit - RATE * (slope - (slope @ unit) * unit)
    torch.testing.assert_close(direction.detach()[0], expected)
    torch.testing.assert_close(
        state.discriminator.weight.detach()[0], length.detach()[0] * expected / expected.norm()
    )


class Layers(nn.Module):
    """One layer of each kind, whose weights are read; it is never called."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(5, 7)
        self.convolution = nn.Conv2d(3, 4, 3)
        self.transposed = nn.ConvTranspose2d(3, 4, 3)


def test_each_output_has_a_length_and_the_initial_weights_stay():
    torch.manual_seed(0)
    plain = Layers()
    torch.manual_seed(0)
    network = WeightNorm().wrap_discriminator(lambda shape: Layers(), None)((5,))
    lengths = {
        name: getattr(network, name).parametrizations.weight.original0
        for name in ("linear", "convolution", "transposed")
    }
    assert {name: length.numel() for name, length in lengths.items()} == {
        "linear": 7,
        "convolution": 4,
        "transposed": 4,
    }
    for name in lengths:
        torch.testing.assert_close(getattr(network, name).weight, getattr(plain, name).weight)


def test_what_has_no_direction_or_is_normalized_is_refused():
    def zero(shape):
        layer = nn.Linear(3, 2)
        nn.init.zeros_(layer.weight[1])
        return layer

    with pytest.raises(ConfigError, match="begin at zero"):
        WeightNorm().wrap_discriminator(zero, None)((3,))
    with pytest.raises(ConfigError, match="not normalized already") as error:
        dirac(SpectralNorm(), WeightNorm())
    assert error.value.hint.endswith("--trick weight-norm:off")
