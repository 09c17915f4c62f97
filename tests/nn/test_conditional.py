# SPDX-License-Identifier: MIT
"""Labels and heads around plain networks, compared with their formulas."""

import torch
from torch import nn

from ganbench.nn import MLP
from ganbench.nn.conditional import LabeledGenerator, ProjectionDiscriminator, TwoHeads


def test_a_label_is_a_one_hot_vector_after_the_latent():
    plain = nn.Linear(5, 2)
    latents, labels = torch.randn(4, 2), torch.tensor([0, 2, 1, 2])
    expected = plain(torch.cat([latents, torch.eye(3)[labels]], 1))
    torch.testing.assert_close(LabeledGenerator(plain, 3)(latents, labels), expected)


def test_the_first_output_is_the_logit():
    plain, images = MLP((1, 4, 4), [8], (6,)), torch.randn(3, 1, 4, 4)
    logits, values = TwoHeads(plain)(images)
    assert torch.equal(torch.cat([logits, values], 1), plain(images))
    assert logits.shape == (3, 1)


def test_a_projection_is_an_inner_product_with_the_embedded_label():
    plain, images = MLP((2,), [8], (5,)), torch.randn(4, 2)
    network = ProjectionDiscriminator(plain, 5, nn.Embedding(3, 5))
    labels = torch.tensor([2, 0, 1, 2])
    for image, label, logit in zip(images, labels, network(images, labels), strict=True):
        features = plain(image[None])[0]
        features = torch.where(features > 0, features, 0.2 * features)
        inner = network.embed.weight[label] @ features
        expected = network.psi.weight[0] @ features + network.psi.bias[0] + inner
        torch.testing.assert_close(logit[0], expected)
    shift = network(images, labels) - network(images, labels.flip(0))
    assert shift.abs().max() > 1e-3
