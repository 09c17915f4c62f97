# SPDX-License-Identifier: MIT
"""FastGAN's networks: what excites what, noise, and maps from which images are rebuilt."""

import pytest
import torch

from ganbench.nn.fastgan_networks import (
    FastGenerator,
    GatedConvolution,
    HalvingEncoder,
    LearnedNoise,
    MapDecoders,
    SelfSupervisedDiscriminator,
    SkipExcitation,
)


def test_excitation_scales_each_channel_by_a_number_from_the_small_map():
    torch.manual_seed(0)
    excite = SkipExcitation(3, 5)
    small, large = torch.randn(2, 3, 8, 8), torch.randn(2, 5, 32, 20)
    scales = excite(small, large) / large
    assert torch.allclose(scales, scales[:, :, :1, :1].expand_as(scales), atol=1e-5)
    pooled = small.unfold(2, 2, 2).unfold(3, 2, 2).mean((4, 5))  # (2, 3, 4, 4)
    first, second = excite.gate[0].weight, excite.gate[2].weight[:, :, 0, 0]
    hidden = torch.einsum("bcij,ocij->bo", pooled, first)
    hidden = torch.where(hidden > 0, hidden, 0.1 * hidden)
    torch.testing.assert_close(scales[:, :, 0, 0], torch.sigmoid(hidden @ second.T))


def test_a_gate_multiplies_half_of_the_channels_by_the_other():
    torch.manual_seed(0)
    layer = GatedConvolution(2, 3).eval()
    maps = torch.randn(2, 2, 5, 5)
    values = layer.norm(layer.convolution(maps))
    torch.testing.assert_close(layer(maps), values[:, :3] * values[:, 3:].sigmoid())


def test_noise_begins_at_zero_and_is_one_value_for_a_pixel():
    noise, maps = LearnedNoise(), torch.randn(4, 3, 6, 6)
    assert torch.equal(noise(maps), maps)
    noise.strength.data.fill_(2.0)
    added = noise(maps) - maps
    torch.testing.assert_close(added, added[:, :1].expand_as(added), atol=1e-5, rtol=1e-5)
    assert added[:, 0].std().item() == pytest.approx(2, rel=0.3)


@pytest.mark.parametrize(
    ("resolution", "pairs"),
    [(16, [(4, 16)]), (28, [(7, 28)]), (64, [(4, 64)]), (128, [(4, 64), (8, 128)])],
)
def test_a_map_is_excited_by_one_four_doublings_before_or_by_the_innermost(resolution, pairs):
    generator = FastGenerator(8, (1, resolution, resolution), width=2)
    seen = []
    for excitation in generator.excitations:
        excitation.register_forward_hook(
            lambda module, inputs, output: seen.append((inputs[0].shape[2], inputs[1].shape[2]))
        )
    generator(torch.randn(2, 8))
    assert seen == pairs


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 16, 16), (3, 28, 28), (1, 33, 50), (3, 64, 64)])
def test_decoders_rebuild_images_from_the_maps_of_the_discriminator(shape):
    discriminator = SelfSupervisedDiscriminator(shape, width=4)
    logits, (outer, inner) = discriminator(torch.randn(2, *shape))
    assert logits.shape[:2] == (2, 1)
    sizes = (outer.shape[2], inner.shape[2])
    assert sizes[1] == -(-sizes[0] // 2)
    part, whole = MapDecoders(shape, width=4)(outer[:, :, : sizes[0] // 2], inner)
    assert part.shape[:2] == whole.shape[:2] == (2, shape[0])
    assert shape[1] <= whole.shape[2] < 2 * shape[1]
    assert part.abs().max() <= 1


def test_without_normalization_examples_do_not_meet():
    encoder = HalvingEncoder((1, 16, 16), width=4, norm="none")
    images = torch.randn(3, 1, 16, 16)
    for together, alone in zip(encoder(images), encoder(images[:1]), strict=True):
        torch.testing.assert_close(together[:1], alone)
