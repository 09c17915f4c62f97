# SPDX-License-Identifier: MIT
"""DINOv2 and CLIP: one layer with random weights, against transformers written out here.

The published weights are gigabytes. These tests check that tensors by the authors' names become
the authors' network, and that images reach it as they should.
"""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d, gelu, layer_norm, linear, normalize

from ganbench import weights as store
from ganbench.errors import InputError, MissingDataError
from ganbench.evaluation.feature_network import NetworkFacts
from ganbench.networks import clip, dinov2
from ganbench.nn.resize import IMAGENET

WIDTH, HEADS = 1024, 16


def draw(shapes, scale=0.02):
    """Random tensors by name; the scales of normalizations are near one."""
    generator = torch.Generator().manual_seed(0)
    return {
        name: torch.randn(shape, generator=generator) * scale
        + (name.endswith(("norm1.weight", "norm2.weight", "norm.weight")) or "ln_" in name)
        * name.endswith("weight")
        for name, shape in shapes.items()
    }


def attention(values, qkv_weight, qkv_bias, out_weight, out_bias):
    """Self-attention of values (T, d), head by head."""
    queries, keys, answers = linear(values, qkv_weight, qkv_bias).chunk(3, dim=1)
    size = values.shape[1] // HEADS
    heads = []
    for start in range(0, values.shape[1], size):
        own = slice(start, start + size)
        mixing = (queries[:, own] @ keys[:, own].T / size**0.5).softmax(dim=1)
        heads.append(mixing @ answers[:, own])
    return linear(torch.cat(heads, dim=1), out_weight, out_bias)


def norm(values, weights, name, eps):
    return layer_norm(values, (WIDTH,), weights[f"{name}.weight"], weights[f"{name}.bias"], eps)


def patches(image, kernel, bias=None):
    """Patches (T, d) of a standardized image (3, H, W)."""
    return conv2d(image[None], kernel, bias, stride=14)[0].flatten(1).T


DINOV2 = {
    "cls_token": (1, 1, WIDTH),
    "pos_embed": (1, 1 + 37 * 37, WIDTH),
    "mask_token": (1, WIDTH),
    "patch_embed.proj.weight": (WIDTH, 3, 14, 14),
    "patch_embed.proj.bias": (WIDTH,),
    "blocks.0.norm1.weight": (WIDTH,),
    "blocks.0.norm1.bias": (WIDTH,),
    "blocks.0.attn.qkv.weight": (3 * WIDTH, WIDTH),
    "blocks.0.attn.qkv.bias": (3 * WIDTH,),
    "blocks.0.attn.proj.weight": (WIDTH, WIDTH),
    "blocks.0.attn.proj.bias": (WIDTH,),
    "blocks.0.ls1.gamma": (WIDTH,),
    "blocks.0.norm2.weight": (WIDTH,),
    "blocks.0.norm2.bias": (WIDTH,),
    "blocks.0.mlp.fc1.weight": (4 * WIDTH, WIDTH),
    "blocks.0.mlp.fc1.bias": (4 * WIDTH,),
    "blocks.0.mlp.fc2.weight": (WIDTH, 4 * WIDTH),
    "blocks.0.mlp.fc2.bias": (WIDTH,),
    "blocks.0.ls2.gamma": (WIDTH,),
    "norm.weight": (WIDTH,),
    "norm.bias": (WIDTH,),
}


def naive_dinov2(image, weights):
    """The class token (d,) of a standardized image, as DINOv2's code computes it."""
    seen = patches(image, weights["patch_embed.proj.weight"], weights["patch_embed.proj.bias"])
    values = torch.cat([weights["cls_token"][0], seen]) + dinov2.scale_positions(
        weights["pos_embed"], 16
    ).squeeze(0)
    block = {name.removeprefix("blocks.0."): tensor for name, tensor in weights.items()}
    attended = attention(
        norm(values, block, "norm1", 1e-6),
        block["attn.qkv.weight"],
        block["attn.qkv.bias"],
        block["attn.proj.weight"],
        block["attn.proj.bias"],
    )
    values = values + block["ls1.gamma"] * attended
    hidden = linear(
        norm(values, block, "norm2", 1e-6), block["mlp.fc1.weight"], block["mlp.fc1.bias"]
    )
    answer = linear(gelu(hidden), block["mlp.fc2.weight"], block["mlp.fc2.bias"])
    values = values + block["ls2.gamma"] * answer
    return norm(values, weights, "norm", 1e-6)[0]


CLIP = {
    "visual.class_embedding": (WIDTH,),
    "visual.positional_embedding": (577, WIDTH),
    "visual.proj": (WIDTH, 768),
    "visual.conv1.weight": (WIDTH, 3, 14, 14),
    "visual.ln_pre.weight": (WIDTH,),
    "visual.ln_pre.bias": (WIDTH,),
    "visual.transformer.resblocks.0.ln_1.weight": (WIDTH,),
    "visual.transformer.resblocks.0.ln_1.bias": (WIDTH,),
    "visual.transformer.resblocks.0.attn.in_proj_weight": (3 * WIDTH, WIDTH),
    "visual.transformer.resblocks.0.attn.in_proj_bias": (3 * WIDTH,),
    "visual.transformer.resblocks.0.attn.out_proj.weight": (WIDTH, WIDTH),
    "visual.transformer.resblocks.0.attn.out_proj.bias": (WIDTH,),
    "visual.transformer.resblocks.0.ln_2.weight": (WIDTH,),
    "visual.transformer.resblocks.0.ln_2.bias": (WIDTH,),
    "visual.transformer.resblocks.0.mlp.c_fc.weight": (4 * WIDTH, WIDTH),
    "visual.transformer.resblocks.0.mlp.c_fc.bias": (4 * WIDTH,),
    "visual.transformer.resblocks.0.mlp.c_proj.weight": (WIDTH, 4 * WIDTH),
    "visual.transformer.resblocks.0.mlp.c_proj.bias": (WIDTH,),
    "visual.ln_post.weight": (WIDTH,),
    "visual.ln_post.bias": (WIDTH,),
}


def naive_clip(image, weights):
    """The embedding (768,) of a standardized image, as CLIP's code computes it, length one."""
    own = {name.removeprefix("visual."): tensor for name, tensor in weights.items()}
    block = {name.removeprefix("transformer.resblocks.0."): tensor for name, tensor in own.items()}
    values = torch.cat([own["class_embedding"][None], patches(image, own["conv1.weight"])])
    values = norm(values + own["positional_embedding"], own, "ln_pre", 1e-5)
    values = values + attention(
        norm(values, block, "ln_1", 1e-5),
        block["attn.in_proj_weight"],
        block["attn.in_proj_bias"],
        block["attn.out_proj.weight"],
        block["attn.out_proj.bias"],
    )
    hidden = linear(
        norm(values, block, "ln_2", 1e-5), block["mlp.c_fc.weight"], block["mlp.c_fc.bias"]
    )
    quick = hidden * torch.sigmoid(1.702 * hidden)
    values = values + linear(quick, block["mlp.c_proj.weight"], block["mlp.c_proj.bias"])
    return normalize(norm(values[:1], own, "ln_post", 1e-5) @ own["proj"], dim=1)[0]


def images(count, channels=3, height=50, width=70):
    generator = torch.Generator().manual_seed(0)
    shape = (count, channels, height, width)
    return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)


def test_dinov2_computes_what_its_authors_do():
    pytest.importorskip("timm", reason='needs timm: pip install "ganbench[dinov2]"')
    tensors = draw(DINOV2)
    module = dinov2.assemble_dinov2(tensors, layers=1)
    network = dinov2.DINOv2Network(module, NetworkFacts("dinov2", 1, "", "any", 1024, 0))
    values = images(2)
    features = network.extract(values).features
    expected = torch.stack([naive_dinov2(image, tensors) for image in network.prepare(values)])
    assert (features - expected).abs().max() / expected.abs().max() < 1e-5
    assert (features[0] - features[1]).abs().max() > 1e-3


def cubic(places):
    """Keys' kernel with a = -3/4, which is torch's."""
    x = np.abs(places)
    near = 1.25 * x**3 - 2.25 * x**2 + 1
    far = -0.75 * x**3 + 3.75 * x**2 - 6 * x + 3
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def test_dinov2_positions_are_scaled_with_the_authors_offset():
    embedding = torch.randn(1, 1 + 37 * 37, 3, generator=torch.Generator().manual_seed(0))
    matrix = np.zeros((16, 37))
    for row in range(16):
        place = (row + 0.5) * 37 / 16.1 - 0.5
        for near in range(int(np.floor(place)) - 1, int(np.floor(place)) + 3):
            matrix[row, np.clip(near, 0, 36)] += cubic(place - near)
    square = embedding[0, 1:].view(37, 37, 3).double().numpy()
    expected = np.einsum("ij,kl,jlc->ikc", matrix, matrix, square).reshape(256, 3)
    scaled = dinov2.scale_positions(embedding, 16)
    assert torch.equal(scaled[:, 0], embedding[:, 0])
    assert np.abs(scaled[0, 1:].numpy() - expected).max() < 1e-5


def test_clip_computes_what_its_authors_do():
    pytest.importorskip("open_clip", reason='needs open_clip: pip install "ganbench[clip]"')
    tensors = {name: tensor.half() for name, tensor in draw(CLIP).items()}
    module = clip.assemble_clip(tensors, layers=1)
    network = clip.CLIPNetwork(module, NetworkFacts("clip", 1, "", "any", 768, 0))
    values = images(2, 1)
    features = network.extract(values).features
    exact = {name: tensor.float() for name, tensor in tensors.items()}
    expected = torch.stack([naive_clip(image, exact) for image in network.prepare(values)])
    assert (features - expected).abs().max() / expected.abs().max() < 1e-5
    assert torch.allclose(features.norm(dim=1), torch.ones(2))


def blank_network(kind, name):
    return kind(torch.nn.Identity(), NetworkFacts(name, 1, "", "any", 0, 0))


def test_images_reach_dinov2_stretched_and_clip_cut_to_a_square():
    wide = torch.zeros(1, 1, 10, 30, dtype=torch.uint8)
    wide[..., 10:20] = 255
    whole = blank_network(dinov2.DINOv2Network, "dinov2").prepare(wide)
    square = blank_network(clip.CLIPNetwork, "clip").prepare(wide)
    assert whole.shape == (1, 3, 224, 224)
    assert square.shape == (1, 3, 336, 336)
    for channel in range(3):
        black, white = ((value - IMAGENET[0][channel]) / IMAGENET[1][channel] for value in (0, 1))
        assert float(whole[0, channel].min()) == pytest.approx(black, abs=1e-5)
        assert float(whole[0, channel].max()) == pytest.approx(white, abs=1e-5)
        white = (1 - clip.CLIP_STATISTICS[0][channel]) / clip.CLIP_STATISTICS[1][channel]
        assert torch.allclose(square[0, channel], torch.tensor(white), atol=1e-5)


@pytest.mark.parametrize(
    ("assemble", "package"),
    [(dinov2.assemble_dinov2, "timm"), (clip.assemble_clip, "open_clip")],
)
def test_tensors_of_another_network_are_refused(assemble, package):
    pytest.importorskip(package, reason=f"needs {package}")
    with pytest.raises(InputError, match="another network"):
        assemble({"visual.proj": torch.zeros(3, 3)}, layers=1)


@pytest.mark.parametrize(
    ("network", "package", "extra"),
    [(dinov2.dinov2, "timm", "dinov2"), (clip.clip, "open_clip", "clip")],
)
def test_what_is_missing_is_said_with_the_command(network, package, extra, monkeypatch):
    with pytest.raises(MissingDataError) as caught:
        network()
    assert "ganbench weights" in caught.value.hint
    monkeypatch.setattr(store, "identity", lambda name: "cd" * 32)
    monkeypatch.setattr(store, "load", lambda name, *, whole=False: {})
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDataError, match="not installed") as caught:
        network()
    assert caught.value.hint == f'pip install "ganbench[{extra}]"'
