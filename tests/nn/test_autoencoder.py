# SPDX-License-Identifier: MIT
"""Energies of autoencoders, compared with their formula."""

import torch

from ganbench.nn import MLP
from ganbench.nn.autoencoder import EnergyAutoencoder


def test_the_logit_is_minus_the_root_of_the_mean_squared_error():
    encoder, decoder = MLP((1, 2, 3), [8], (4,)), MLP((4,), [8], (1, 2, 3))
    images = torch.randn(5, 1, 2, 3)
    logits, codes = EnergyAutoencoder(encoder, decoder)(images)
    torch.testing.assert_close(codes, encoder(images))
    for image, code, logit in zip(images, codes, logits, strict=True):
        error = image - decoder(code[None])[0]
        squares = [value**2 for value in error.flatten()]
        torch.testing.assert_close(logit, -(sum(squares) / 6).sqrt())


def test_an_image_that_is_rebuilt_without_error_has_a_gradient():
    network = EnergyAutoencoder(MLP((2,), [], (2,)), torch.nn.Identity())
    network.encoder.layers[-1].weight.data = torch.eye(2)
    network.encoder.layers[-1].bias.data.zero_()
    images = torch.ones(3, 2, requires_grad=True)
    network(images)[0].sum().backward()
    assert images.grad.isfinite().all()
