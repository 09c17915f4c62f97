# SPDX-License-Identifier: MIT
"""GAT's networks: images at several depths, and what the tokens of both networks know."""

import torch

from ganbench.nn.transformer_networks import TransformerDiscriminator, TransformerGenerator


def generator_of(**options):
    torch.manual_seed(0)
    return TransformerGenerator(6, (1, 16, 16), width=8, **options)


def test_the_last_level_is_the_image_and_each_adds_to_the_one_before():
    generator = generator_of(depth=4)
    images, levels = generator(torch.randn(3, 6))
    assert levels.shape == (3, 4, 1, 16, 16)
    assert torch.equal(levels[:, -1], images)
    with torch.no_grad():
        for layer in generator.to_patches[2:]:
            layer.project.weight.zero_()
    _, levels = generator(torch.randn(3, 6))
    assert not torch.allclose(levels[:, 0], levels[:, 1])
    assert torch.equal(levels[:, 1], levels[:, 2])
    assert torch.equal(levels[:, 1], levels[:, 3])


def test_there_are_as_many_levels_as_blocks_up_to_four_evenly_spread():
    assert generator_of(depth=2).depths == [1, 2]
    assert generator_of(depth=8).depths == [2, 4, 6, 8]
    assert generator_of(depth=6).depths == [1, 3, 4, 6]


def test_a_latent_changes_the_image_by_its_direction_alone_and_a_class_changes_it():
    generator = generator_of(classes=3)
    latents, labels = torch.randn(3, 6), torch.tensor([0, 1, 2])
    images, _ = generator(latents, labels)
    torch.testing.assert_close(generator(3 * latents, labels)[0], images)
    assert not torch.allclose(images[0], images[1])
    assert not torch.allclose(generator(latents, labels.flip(0))[0][0], images[0])


def test_the_discriminator_knows_where_a_patch_is_and_sees_every_pixel():
    torch.manual_seed(0)
    network = TransformerDiscriminator((1, 20, 18), width=8, depth=2)
    images = torch.randn(2, 1, 20, 18, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(images).sum(), images)
    assert gradient.abs().gt(0).all()
    side = network.side
    exchanged = images.detach().clone()
    exchanged[:, :, :side, :side] = images[:, :, :side, side : 2 * side].detach()
    exchanged[:, :, :side, side : 2 * side] = images[:, :, :side, :side].detach()
    assert not torch.allclose(network(exchanged), network(images))
    with torch.no_grad():
        network.codes.zero_()
    torch.testing.assert_close(network(exchanged), network(images))


def test_places_are_not_saved_and_follow_from_the_shape():
    assert "codes" not in generator_of().state_dict()
