# SPDX-License-Identifier: MIT
"""R3GAN's networks: what they compute when training begins, and that nothing is normalized."""

import pytest
import torch
from torch import nn
from torch.nn.functional import leaky_relu

from ganbench.nn.r3gan import InvertedBottleneck, NormFreeDiscriminator, NormFreeGenerator

NORMALIZATIONS = (nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm, nn.InstanceNorm2d)


def test_a_block_begins_as_the_identity_and_each_of_its_layers_acts():
    torch.manual_seed(0)
    block = InvertedBottleneck(8, depth=4)
    maps = torch.randn(2, 8, 5, 5)
    assert torch.equal(block(maps), maps)
    nn.init.normal_(block.contract.weight)
    inner = leaky_relu(nn.functional.conv2d(maps, block.expand.weight), 0.2)
    inner = nn.functional.conv2d(inner, block.grouped.weight, padding=1, groups=1)
    changes = nn.functional.conv2d(leaky_relu(inner, 0.2), block.contract.weight)
    torch.testing.assert_close(block(maps), maps + changes)


@pytest.mark.parametrize("depth", [1, 4, 9])
def test_the_inner_maps_start_with_a_share_of_the_power_that_as_many_blocks_add_up_to_one(depth):
    torch.manual_seed(0)
    block = InvertedBottleneck(128, depth)
    block.requires_grad_(False)
    maps = torch.randn(4, 128, 24, 24)
    inner = leaky_relu(block.expand(maps), 0.2)
    assert float(inner.square().mean()) == pytest.approx(depth**-0.5, rel=0.05)
    inner = leaky_relu(block.grouped(inner), 0.2)[:, :, 1:-1, 1:-1]  # without the padding
    assert float(inner.square().mean()) == pytest.approx(1 / depth, rel=0.1)


@pytest.mark.parametrize(
    ("channels", "groups"), [(4, 1), (8, 1), (16, 2), (64, 8), (768, 96), (25, 1)]
)
def test_groups_have_sixteen_channels_as_in_the_paper_where_they_divide(channels, groups):
    block = InvertedBottleneck(channels, 1)
    assert block.grouped.groups == groups
    assert block.grouped.in_channels == 2 * channels


def test_the_generator_starts_from_a_basis_that_the_latent_weighs():
    torch.manual_seed(0)
    generator = NormFreeGenerator(6, (1, 16, 16), width=4)
    assert generator.basis.shape == (16, 4, 4)
    latents = torch.randn(3, 6)
    with torch.no_grad():
        generator.stages = generator.stages[:1]
        generator.sizes, generator.transitions = generator.sizes[:1], nn.ModuleList()
        generator.to_image = nn.Conv2d(16, 16, 1, bias=False)
        generator.to_image.weight.copy_(torch.eye(16)[:, :, None, None])
        weights = latents @ generator.weigh.weight.T  # (3, 16)
        expected = torch.einsum("bc,chw->bchw", weights, generator.basis)
        torch.testing.assert_close(generator(latents), expected.tanh())


def test_the_discriminator_ends_in_inner_products_with_a_basis():
    torch.manual_seed(0)
    network = NormFreeDiscriminator((8, 8, 8), width=8, outputs=3)
    assert network.basis.shape == (16, 4, 4)
    network.stages, network.transitions = network.stages[:1], nn.ModuleList()
    network.from_image = nn.Identity()
    network.basis, network.head = nn.Parameter(torch.randn(8, 8, 8)), nn.Linear(8, 3, bias=False)
    images = torch.randn(2, 8, 8, 8)
    expected = torch.einsum("bchw,chw,oc->bo", images, network.basis, network.head.weight)
    torch.testing.assert_close(network(images), expected)


def test_signals_keep_their_power_when_training_begins():
    torch.manual_seed(0)
    network = NormFreeDiscriminator((3, 32, 32), width=32, outputs=64)
    images = torch.randn(64, 3, 1, 1).expand(-1, -1, 32, 32)  # halving keeps constants
    with torch.no_grad():
        values = network(images)
    assert float(values.square().mean()) == pytest.approx(1, rel=0.4)


def test_nothing_is_normalized_and_examples_are_judged_alone():
    torch.manual_seed(0)
    generator = NormFreeGenerator(6, (3, 20, 30), width=4, blocks=2)
    network = NormFreeDiscriminator((3, 20, 30), width=4, blocks=2)
    for module in (generator, network):
        for layer in module.modules():
            if isinstance(layer, InvertedBottleneck):
                nn.init.normal_(layer.contract.weight)
        assert not any(isinstance(layer, NORMALIZATIONS) for layer in module.modules())
    images = generator(torch.randn(4, 6))
    torch.testing.assert_close(network(images)[:1], network(images[:1]))


def test_blocks_are_at_every_resolution():
    networks = [
        module(*arguments, width=4, blocks=blocks)
        for blocks in (1, 3)
        for module, arguments in (
            (NormFreeGenerator, (6, (1, 32, 32))),
            (NormFreeDiscriminator, ((1, 32, 32),)),
        )
    ]
    counts = [
        sum(isinstance(layer, InvertedBottleneck) for layer in network.modules())
        for network in networks
    ]
    assert counts == [4, 4, 12, 12]
