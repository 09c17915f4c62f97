# SPDX-License-Identifier: MIT
"""SNGAN's residual networks: how often the discriminator halves an image."""

import pytest
import torch

from ganbench.nn.resnet import ResidualDiscriminator


@pytest.mark.parametrize(
    ("size", "innermost"),
    [
        ((8, 8), (4, 4)),
        ((12, 12), (6, 6)),
        ((14, 14), (7, 7)),
        ((15, 15), (7, 7)),
        ((16, 16), (8, 8)),
        ((24, 24), (12, 12)),
        ((28, 28), (7, 7)),
        ((32, 32), (8, 8)),
        ((33, 50), (8, 12)),
        ((50, 33), (12, 8)),
        ((64, 64), (8, 8)),
        ((75, 75), (9, 9)),
        ((128, 128), (8, 8)),
    ],
)
def test_an_image_is_halved_down_to_about_seven_pixels(size, innermost):
    network = ResidualDiscriminator((1, *size), width=2)
    maps = []
    network.blocks.register_forward_hook(lambda _, inputs, output: maps.append(output))
    assert network(torch.zeros(1, 1, *size)).shape == (1, 1)
    assert maps[0].shape[2:] == innermost


def test_two_blocks_do_not_halve():
    blocks = ResidualDiscriminator((1, 28, 28), width=2).blocks
    assert [block.halve for block in blocks] == [True, True, False, False]
