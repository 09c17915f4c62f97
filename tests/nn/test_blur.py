# SPDX-License-Identifier: MIT
"""Bilinear doubling and halving: constants, energy, and no shift."""

import pytest
import torch

from ganbench.nn.blur import BlurHalve, blur_doubled

SIZES = [(8, 8), (7, 7), (5, 12), (6, 9)]


def impulse(row, column, size=12):
    maps = torch.zeros(1, 1, size, size, dtype=torch.float64)
    maps[0, 0, row, column] = 1.0
    return maps


def center(maps):
    """Return the center of mass (row, column) of a map (1, 1, H, W), in pixels."""
    weights = maps[0, 0] / maps.sum()
    rows, columns = (torch.arange(length, dtype=maps.dtype) for length in weights.shape)
    return float((weights.sum(1) * rows).sum()), float((weights.sum(0) * columns).sum())


@pytest.mark.parametrize("size", SIZES)
def test_a_constant_stays_what_it_is(size):
    maps = torch.full((2, 3, *size), 0.7)
    halved = BlurHalve()(maps)
    assert halved.shape == (2, 3, -(-size[0] // 2), -(-size[1] // 2))
    torch.testing.assert_close(halved, torch.full_like(halved, 0.7))
    back = blur_doubled(halved, size)
    torch.testing.assert_close(back, maps)


@pytest.mark.parametrize("place", [(5, 6), (6, 5), (4, 4), (7, 7)])
def test_an_impulse_keeps_its_mass_and_its_place(place):
    """Pixel p covers p to p + 1, so its middle p + 1/2 goes to half or twice that."""
    halved = BlurHalve()(impulse(*place))
    assert float(halved.sum()) == pytest.approx(1 / 4)
    assert center(halved) == pytest.approx([(p + 0.5) / 2 - 0.5 for p in place])
    doubled = blur_doubled(impulse(*place), (24, 24))
    assert float(doubled.sum()) == pytest.approx(4)
    assert center(doubled) == pytest.approx([2 * (p + 0.5) - 0.5 for p in place])


def test_a_ramp_stays_a_ramp():
    ramp = torch.arange(8.0).expand(1, 1, 8, 8)
    expected = (torch.arange(16.0) + 0.5) / 2 - 0.5
    torch.testing.assert_close(blur_doubled(ramp, (16, 16))[0, 0, 5, 1:-1], expected[1:-1])
    torch.testing.assert_close(BlurHalve()(ramp)[0, 0, 2, 1:-1], torch.tensor([2.5, 4.5]))


def test_halving_is_a_quarter_of_the_adjoint_of_doubling():
    torch.manual_seed(0)
    small = torch.nn.functional.pad(torch.randn(1, 2, 4, 4, dtype=torch.float64), (1, 1, 1, 1))
    large = torch.randn(1, 2, 12, 12, dtype=torch.float64)
    large[..., [0, -1], :] = large[..., [0, -1]] = 0  # where edges are repeated
    doubled = (blur_doubled(small, (12, 12)) * large).sum()
    torch.testing.assert_close(doubled, 4 * (small * BlurHalve()(large)).sum())


def test_gradients_of_gradients_are_right():
    maps = torch.randn(1, 1, 5, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda m: BlurHalve()(m).square(), maps)
    assert torch.autograd.gradgradcheck(lambda m: blur_doubled(m, (9, 8)).square(), maps)
