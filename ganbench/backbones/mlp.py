# SPDX-License-Identifier: MIT
"""Multilayer perceptrons, for every kind of data."""

from torch import nn

from ganbench.backbone import Backbone
from ganbench.config import Recipe
from ganbench.gan import DataSpec
from ganbench.nn.mlp import MLP
from ganbench.registry import register


@register
def mlp(data: DataSpec, *, width: int = 0, slope: float = 0.2) -> Backbone:
    """Multilayer perceptrons with three hidden layers (two in the discriminator of images).

    Paper: Goodfellow et al., 2014, arXiv:1406.2661

    Args:
        data: Data of any kind.
        width: Units of the narrowest hidden layer; 0 stands for 256 with images, 128 otherwise.
        slope: Slope of the LeakyReLU below zero.
    """
    if data.is_image:
        narrow = width or 256
        hidden, judging, last = [narrow, 2 * narrow, 4 * narrow], [2 * narrow, narrow], nn.Tanh()
    else:
        hidden = judging = [width or 128] * 3
        last = None
    return Backbone(
        generator=lambda latent_dim: MLP((latent_dim,), hidden, data.shape, slope=slope, last=last),
        network=lambda shape, outputs: MLP(shape, judging, (outputs,), slope=slope),
        recipe=Recipe.preset(data),
    )
