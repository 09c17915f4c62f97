# SPDX-License-Identifier: MIT
"""Multilayer perceptrons, for every kind of data."""

from torch import nn

from ganbench.backbone import Backbone
from ganbench.config import Recipe
from ganbench.gan import DataSpec
from ganbench.nn.mlp import MLP
from ganbench.registry import register


@register
def mlp(data: DataSpec, *, width: int = 0, layers: int = 3, slope: float = 0.2) -> Backbone:
    """Multilayer perceptrons with three hidden layers (one less in the discriminator of images).

    Paper: Goodfellow et al., 2014, arXiv:1406.2661

    Args:
        data: Data of any kind.
        width: Units of the narrowest hidden layer; 0 stands for 256 with images, 128 otherwise.
        layers: How many hidden layers; without any, both networks are linear.
        slope: Slope of the LeakyReLU below zero.
    """
    if data.is_image:
        narrow = width or 256
        hidden = [narrow * 2**layer for layer in range(layers)]
        judging, last = hidden[-2::-1], nn.Tanh()
    else:
        hidden = judging = [width or 128] * layers
        last = None
    return Backbone(
        generator=lambda latent_dim: MLP((latent_dim,), hidden, data.shape, slope=slope, last=last),
        network=lambda shape, outputs: MLP(shape, judging, (outputs,), slope=slope),
        recipe=Recipe.preset(data),
    )
