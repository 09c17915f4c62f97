# SPDX-License-Identifier: MIT
"""Discriminators that are autoencoders: what they cannot rebuild is not real."""

from __future__ import annotations

from math import sqrt

import torch
from torch import Tensor, nn


class EnergyAutoencoder(nn.Module):
    """An autoencoder as a discriminator (Zhao et al., 2017, arXiv:1609.03126, equation 3).

    Maps examples x (B, *shape) to logits (B,), which are the energies ``||x - Dec(Enc(x))||`` with
    a minus sign, and to the codes ``Enc(x)`` (B, codes) as extras. The norm is divided by the root
    of the number of values, so that energies of small and large images are alike.

    Args:
        encoder: Maps (B, *shape) to (B, codes).
        decoder: Maps (B, codes) to (B, *shape).
    """

    logit_layer = None

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, examples: Tensor) -> tuple[Tensor, Tensor]:
        """Map (B, *shape) to logits (B,) and codes (B, codes)."""
        codes = self.encoder(examples)
        errors = (examples - self.decoder(codes)).flatten(1)
        return -torch.linalg.vector_norm(errors, dim=1) / sqrt(errors.shape[1]), codes
