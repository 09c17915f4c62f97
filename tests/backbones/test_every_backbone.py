# SPDX-License-Identifier: MIT
"""Every registered backbone, on images of every form that it must take; found by the registry."""

import itertools

import pytest
import torch

from ganbench import registry
from ganbench.backbone import build_backbone
from ganbench.errors import ConfigError
from ganbench.gan import DataSpec

SHAPES = {
    "gray-16": (1, 16, 16),
    "color-28": (3, 28, 28),
    "gray-50": (1, 50, 50),
    "color-48x64": (3, 48, 64),
    "color-64x24": (3, 64, 24),
    "color-150": (3, 150, 150),
    "color-256": (3, 256, 256),
    "points": (2,),
}
BACKBONES = registry.backbones.names()
CASES = list(itertools.product(BACKBONES, SHAPES))


def tiny(name):
    return f"{name}:width=4"


def narrow(name, kind, **options):
    """Return a narrow backbone, and its data; those for images alone are skipped with others."""
    data = DataSpec(kind, "1", SHAPES[kind], classes=3)
    try:
        return build_backbone(tiny(name), data, **options), data
    except ConfigError as error:
        if data.is_image or not error.hint:
            raise
        pytest.skip(error.message)


@pytest.fixture(params=CASES, ids=map("-".join, CASES))
def built(request):
    """Return a narrow backbone, and its data."""
    return narrow(*request.param)


def first(output):
    return output[0] if isinstance(output, tuple) else output


def test_shapes_ranges_and_a_gradient_for_every_weight(built):
    backbone, data = built
    torch.manual_seed(0)
    generator = backbone.generator(backbone.recipe.latent_dim)
    network = backbone.network(data.shape, 5)
    examples = first(generator(torch.randn(4, backbone.recipe.latent_dim)))
    assert examples.shape == (4, *data.shape)
    if data.is_image:
        assert examples.abs().max() <= 1
    values = network(examples)
    assert values.shape == (4, 5)
    (values * torch.randn(4, 5)).sum().backward()
    for module in (generator, network):
        missing = [name for name, weight in module.named_parameters() if weight.grad is None]
        assert not missing
    assert backbone.discriminator(data.shape)(examples.detach()).shape == (4, 1)


def test_examples_differ_and_a_class_changes_them(built):
    backbone, data = built
    if data.size > 10_000:
        pytest.skip("as with smaller images")
    torch.manual_seed(0)
    size = backbone.recipe.latent_dim
    generator = backbone.labeled_generator(3)(size).eval()
    # Weights that begin at zero hide what they act on.
    for weight in generator.parameters():
        torch.nn.init.normal_(weight, 0, 0.1) if not weight.any() else None
    latents = torch.randn(2, size)
    torch.manual_seed(1)
    plain = first(generator(latents, torch.tensor([0, 0])))
    torch.manual_seed(1)
    other = first(generator(latents, torch.tensor([0, 2])))
    assert plain.shape == (2, *data.shape)
    assert not torch.allclose(plain[0], plain[1])
    torch.testing.assert_close(plain[0], other[0])
    assert not torch.allclose(plain[1], other[1])
    judge = backbone.projection(3)(data.shape).eval()
    logits = judge(plain.detach(), torch.tensor([0, 1]))
    assert logits.shape == (2, 1)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_without_batch_normalization_examples_are_judged_alone(name, kind):
    backbone, data = narrow(name, kind, batch_norm=False)
    network = backbone.network(data.shape, 1)
    kinds = (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)
    assert not any(isinstance(layer, kinds) for layer in network.modules())


def test_a_parameter_in_the_name_reaches_the_networks():
    data = DataSpec("images", "1", (1, 16, 16))
    for name in BACKBONES:
        sizes = [
            sum(weight.numel() for weight in build_backbone(text, data).generator(8).parameters())
            for text in (tiny(name), f"{name}:width=8")
        ]
        assert sizes[0] < sizes[1], name


def test_errors_are_sentences():
    data = DataSpec("images", "1", (1, 16, 16))
    with pytest.raises(ConfigError, match="Unknown backbone 'resnit'"):
        build_backbone("resnit", data)
    with pytest.raises(ConfigError, match=r"Unknown key 'resnet\.wdth'"):
        build_backbone("resnet:wdth=3", data)
    with pytest.raises(ConfigError, match="4 x 4 pixels"):
        build_backbone("resnet", DataSpec("small", "1", (1, 4, 4))).generator(8)
