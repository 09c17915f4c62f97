# SPDX-License-Identifier: MIT
"""Backbones by name: what auto stands for, users' files, and what a run records of them."""

import pytest
import torch
from small_models import OWN_BACKBONE

from ganbench import registry
from ganbench.backbone import build_backbone
from ganbench.config import RunConfig
from ganbench.errors import ConfigError
from ganbench.gan import DataSpec
from ganbench.harness.plan import plan
from ganbench.nn.mlp import MLP
from ganbench.nn.resnet import ResidualGenerator

IMAGES = DataSpec("images", "1", (1, 16, 16), classes=2)


def test_auto_stands_for_perceptrons_of_points_and_what_the_variant_names_for_images():
    points = build_backbone("auto", DataSpec("points", "1", (2,)))
    assert isinstance(points.generator(2), MLP)
    images = build_backbone("auto:width=4", IMAGES, images="resnet")
    generator = images.generator(8)
    assert isinstance(generator, ResidualGenerator)
    assert generator.to_image.in_channels == 4


def test_a_variant_forbids_batch_normalization_and_a_user_insists():
    def layers(name):
        network = build_backbone(name, IMAGES, batch_norm=False).discriminator(IMAGES.shape)
        return [type(layer).__name__ for layer in network.modules()]

    assert "BatchNorm2d" not in layers("dcgan")
    assert "BatchNorm2d" in layers("dcgan:batch_norm=true")
    layers("resnet")  # which has no such parameter


def test_a_users_file_is_a_backbone_and_its_source_is_part_of_the_identity(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(OWN_BACKBONE)
    settings = {"model.backbone": f"{path}:width=5"}
    first = plan("lsgan", "ring8", settings=settings)
    assert first.gan.generator(3).layers[1].out_features == 5
    assert len(first.config.backbone_source) == 16
    path.write_text(OWN_BACKBONE + "\n# changed\n")
    second = plan("lsgan", "ring8", settings=settings)
    assert first.config.identity != second.config.identity


def test_ganbenchs_own_backbones_leave_the_identity_to_the_parameters():
    config = plan("lsgan", "ring8").config
    assert config.parameters == {"backbone": "auto"}
    assert config.backbone_source == ""
    stored = config.model_dump(mode="json")
    del stored["backbone_source"]  # as recorded before backbones were named
    assert RunConfig.model_validate(stored).identity == config.identity
    other = plan("lsgan", "ring8", settings={"model.backbone": "mlp:width=8"}).config
    assert other.identity != config.identity


def test_what_is_no_backbone_is_said(tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text("from ganbench import register\n\n@register\ndef wrong(data):\n    return 3\n")
    with pytest.raises(ConfigError, match="returned int, not a Backbone"):
        build_backbone(str(path), IMAGES)


def test_heads_share_the_network():
    backbone = build_backbone("dcgan:width=4", IMAGES)
    images = torch.randn(3, *IMAGES.shape)
    logits, values = backbone.two_heads(6)(IMAGES.shape)(images)
    assert (logits.shape, values.shape) == ((3, 1), (3, 6))
    assert backbone.encoder(7, IMAGES.shape)(images).shape == (3, 7)
    labels = torch.tensor([0, 1, 1])
    assert backbone.labeled_generator(2)(10)(torch.randn(3, 10), labels).shape == images.shape
    assert backbone.projection(2)(IMAGES.shape)(images, labels).shape == (3, 1)


def test_models_and_backbones_of_a_notebook_are_told_apart():
    def net(data: DataSpec) -> "Backbone":  # noqa: F821
        return None

    def model(data: DataSpec):
        return None

    assert registry.backbones._fits(net)
    assert not registry.models._fits(net)
    assert registry.models._fits(model)
    assert not registry.backbones._fits(model)
