# SPDX-License-Identifier: MIT
"""U-Nets and patch discriminators: shapes, what a patch sees, dropout as noise."""

import pytest
import torch

from ganbench.nn.translation import PatchDiscriminator, UNet


@pytest.mark.parametrize("resolution", [16, 28, 32, 64])
def test_a_source_becomes_an_image_of_its_size(resolution):
    network = UNet((1, resolution, resolution), (3, resolution, resolution), width=2)
    source = torch.rand(2, 1, resolution, resolution)
    images = network(torch.zeros(2, 1), source)
    assert images.shape == (2, 3, resolution, resolution)
    assert images.abs().max() <= 1


def test_dropout_is_the_noise_in_evaluation_mode_too():
    source, latents = torch.rand(1, 1, 16, 16), torch.zeros(1, 1)
    network = UNet((1, 16, 16), (1, 16, 16), width=4).eval()
    torch.manual_seed(0)
    first, other = network(latents, source), network(latents, source)
    assert not torch.equal(first, other)
    torch.manual_seed(0)
    assert torch.equal(network(latents, source), first)
    still = UNet((1, 16, 16), (1, 16, 16), width=4, drop=0.0)
    assert torch.equal(still(latents, source), still(latents, source))


def test_the_decoder_gets_the_encoders_maps_of_its_size():
    """Without the innermost map, an image still depends on its source, through the others."""
    network = UNet((1, 16, 16), (1, 16, 16), width=4, drop=0.0)
    torch.nn.init.zeros_(network.decoder[0].weight)
    latents = torch.zeros(1, 1)
    assert not torch.equal(
        network(latents, torch.zeros(1, 1, 16, 16)), network(latents, torch.rand(1, 1, 16, 16))
    )


@pytest.mark.parametrize(("halvings", "patch"), [(1, 16), (2, 34), (3, 70)])
def test_a_logit_judges_a_patch_of_that_many_pixels(halvings, patch):
    network = PatchDiscriminator((1, 128, 128), (1, 128, 128), width=1, halvings=halvings)
    for layer in network.layers:
        if isinstance(layer, torch.nn.InstanceNorm2d):  # which mixes all pixels
            layer.forward = lambda maps: maps
        if hasattr(layer, "weight") and not isinstance(layer, torch.nn.InstanceNorm2d):
            torch.nn.init.ones_(layer.weight)
    images = torch.rand(1, 1, 128, 128, requires_grad=True)
    source = torch.rand(1, 1, 128, 128, requires_grad=True)
    logits = network(images, source)
    assert logits.shape[:2] == (1, 1)
    middle = logits.shape[2] // 2
    for seen in torch.autograd.grad(logits[0, 0, middle, middle], (images, source)):
        rows = seen[0, 0].abs().sum(1).nonzero()
        assert rows.max() - rows.min() + 1 == patch
