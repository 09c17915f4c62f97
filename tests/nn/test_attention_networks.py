# SPDX-License-Identifier: MIT
"""SAGAN's and BigGAN's networks: where attention stands, and what latents and classes modulate."""

import pytest
import torch
from torch import nn

from ganbench.errors import ConfigError
from ganbench.nn.attention_networks import (
    AttentionDiscriminator,
    AttentionGenerator,
    ChunkGenerator,
)
from ganbench.nn.residual import ConditionalBatchNorm2d
from ganbench.nn.self_attention import SelfAttention2d


def attended_size(network, *inputs):
    """Return the height and width of the maps that attend to themselves."""
    sizes = []
    (layer,) = [layer for layer in network.modules() if isinstance(layer, SelfAttention2d)]
    layer.register_forward_hook(lambda _, given, output: sizes.append(output.shape[2:]))
    network(*inputs)
    return tuple(sizes[0])


@pytest.mark.parametrize(
    ("shape", "size"), [((1, 28, 28), (14, 14)), ((3, 64, 64), (16, 16)), ((3, 48, 64), (12, 16))]
)
def test_a_map_in_the_middle_attends_to_itself_in_both_networks(shape, size):
    for kind in (AttentionGenerator, ChunkGenerator):
        assert attended_size(kind(12, shape, width=4), torch.randn(2, 12)) == size
    images = torch.randn(2, *shape)
    assert attended_size(AttentionDiscriminator(shape, width=4), images) == size


def test_every_block_has_a_part_of_the_latent_of_its_own():
    torch.manual_seed(0)
    generator = ChunkGenerator(11, (1, 32, 32), width=4).eval()
    layers = [layer for layer in generator.modules() if isinstance(layer, ConditionalBatchNorm2d)]
    assert generator.body.project.in_features == 3  # 11 values in four parts: 3, 3, 3, 2
    assert [layer.gain.in_features for layer in layers] == [3, 3, 3, 3, 2, 2]
    seen = {}
    for index, block in enumerate(generator.body.blocks):
        block.register_forward_hook(lambda _, given, output, at=index: seen.update({at: given[1]}))
    latents = torch.randn(2, 11)
    generator(latents)
    for index, (start, stop) in enumerate([(3, 6), (6, 9), (9, 11)]):
        assert torch.equal(seen[index], latents[:, start:stop])


def test_all_blocks_share_the_embedding_of_a_class():
    torch.manual_seed(0)
    generator = ChunkGenerator(8, (1, 16, 16), width=4, classes=3).eval()
    seen = []
    for block in generator.body.blocks:
        block.register_forward_hook(lambda _, given, output: seen.append(given[1]))
    labels = torch.tensor([2, 0])
    latents = torch.randn(2, 8)
    generator(latents, labels)
    embeddings = [layer for layer in generator.modules() if isinstance(layer, nn.Embedding)]
    assert len(embeddings) == 1
    for condition, part in zip(seen, (latents[:, 3:6], latents[:, 6:]), strict=True):
        assert torch.equal(condition, torch.cat([part, embeddings[0].weight[labels]], 1))


def test_a_class_chooses_gains_and_biases_in_sagan_and_the_latent_the_first_map():
    torch.manual_seed(0)
    generator = AttentionGenerator(8, (1, 16, 16), width=4, classes=3).eval()
    seen = []
    for block in generator.body.blocks:
        block.register_forward_hook(lambda _, given, output: seen.append(given[1]))
    generator(torch.randn(2, 8), torch.tensor([2, 0]))
    assert generator.body.project.in_features == 8
    assert all(condition.tolist() == [2, 0] for condition in seen)


@pytest.mark.parametrize("classes", [0, 3])
def test_a_channel_can_learn_gains_and_biases_that_all_images_share(classes):
    """By a constant term; with classes by the embedding, to which all rows can add a vector."""
    generator = ChunkGenerator(8, (1, 16, 16), width=4, classes=classes)
    layers = [layer for layer in generator.modules() if isinstance(layer, ConditionalBatchNorm2d)]
    assert len(layers) == 4
    for layer in (part for each in layers for part in (each.gain, each.bias)):
        assert (layer.bias is None) == bool(classes)
        assert classes or not layer.bias.any()


def test_weights_start_orthogonal_in_biggan():
    torch.manual_seed(0)
    networks = [
        ChunkGenerator(8, (1, 16, 16), width=4, classes=3),
        AttentionDiscriminator((1, 16, 16), width=4, orthogonal=True),
    ]
    for network in networks:
        for layer in network.modules():
            if isinstance(layer, nn.Linear | nn.Conv2d | nn.Embedding):
                values = torch.linalg.svdvals(layer.weight.flatten(1))
                torch.testing.assert_close(values, torch.ones_like(values), atol=1e-5, rtol=0)


def test_a_latent_must_have_a_value_for_every_part():
    with pytest.raises(
        ConfigError, match="A latent of 2 values cannot be split into 4 parts"
    ) as raised:
        ChunkGenerator(2, (1, 32, 32), width=4)
    assert raised.value.hint == "For example: --set latent_dim=80"
