# SPDX-License-Identifier: MIT
"""Building blocks that networks share."""

from ganbench.nn.convolutional import ConvDiscriminator, ConvGenerator
from ganbench.nn.mlp import MLP

__all__ = ["MLP", "ConvDiscriminator", "ConvGenerator"]
