# SPDX-License-Identifier: MIT
"""Perceptrons of as many layers as asked for; without hidden layers they are linear."""

import pytest
import torch
from torch import nn

from ganbench.backbone import build_backbone
from ganbench.gan import DataSpec

POINTS = DataSpec("points", "1", (2,))
IMAGES = DataSpec("images", "1", (1, 8, 8))


def widths(network):
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
    return [layer.out_features for layer in layers]


@pytest.mark.parametrize(
    ("data", "text", "generator", "discriminator"),
    [
        (POINTS, "mlp", [128, 128, 128, 2], [128, 128, 128, 1]),
        (POINTS, "mlp:width=4,layers=1", [4, 2], [4, 1]),
        (POINTS, "mlp:layers=0", [2], [1]),
        (IMAGES, "mlp", [256, 512, 1024, 64], [512, 256, 1]),
        (IMAGES, "mlp:width=4,layers=2", [4, 8, 64], [4, 1]),
        (IMAGES, "mlp:layers=0", [64], [1]),
    ],
)
def test_layers_have_the_widths_asked_for(data, text, generator, discriminator):
    backbone = build_backbone(text, data)
    assert widths(backbone.generator(3)) == generator
    assert widths(backbone.discriminator(data.shape)) == discriminator


def test_without_hidden_layers_the_mean_of_outputs_is_the_output_of_the_mean():
    torch.manual_seed(0)
    backbone = build_backbone("mlp:layers=0", POINTS)
    latents = torch.randn(50, 3)
    for network, inputs in (
        (backbone.generator(3), latents),
        (backbone.discriminator((2,)), latents[:, :2]),
    ):
        mean = network(inputs.mean(0, keepdim=True))
        torch.testing.assert_close(network(inputs).mean(0, keepdim=True), mean)
