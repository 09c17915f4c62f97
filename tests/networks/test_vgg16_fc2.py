# SPDX-License-Identifier: MIT
"""VGG-16's fc2: the numbers of torch-fidelity's extractor on the same weights and images."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch_fidelity.feature_extractor_vgg16 import FeatureExtractorVGG16

from ganbench import weights as store
from ganbench.errors import InputError
from ganbench.evaluation.feature_network import NetworkFacts
from ganbench.networks import vgg16_fc2 as subject


@pytest.fixture(scope="module")
def tensors():
    """Random weights by torchvision's names."""
    generator = torch.Generator().manual_seed(0)
    with torch.device("meta"):
        shapes = {
            name: tensor.shape for name, tensor in torchvision.models.vgg16().state_dict().items()
        }
    return {
        name: torch.randn(shape, generator=generator)
        * (0.1 if len(shape) == 1 else (2 / shape[1:].numel()) ** 0.5)
        for name, shape in shapes.items()
        if "classifier.6" not in name
    }


def images(count, channels=3):
    generator = torch.Generator().manual_seed(1)
    shape = (count, channels, 30, 50)
    return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)


def test_features_are_torch_fidelitys(tensors):
    network = subject.VGG16Network(
        subject.assemble_vgg16_fc2(tensors), NetworkFacts("vgg16-fc2", 1, "", "any", 4096, 0)
    )
    with torch.device("meta"):  # its constructor would download
        extractor = FeatureExtractorVGG16.__new__(FeatureExtractorVGG16)
        torch.nn.Module.__init__(extractor)
        extractor.model = torchvision.models.vgg16()
    extractor.features_list = ["fc2_relu"]
    extractor.feature_extractor_internal_dtype = torch.float32
    extractor.model.classifier = extractor.model.classifier[:4]
    extractor.model.load_state_dict(tensors, assign=True)
    extractor.eval().requires_grad_(False)
    values = images(2)
    (expected,) = extractor(values)
    features = network.extract(values).features
    assert features.shape == (2, 4096)
    assert (features - expected).abs().max() / expected.abs().max() < 1e-5
    assert (features[0] - features[1]).abs().max() / expected.abs().max() > 1e-2


def test_it_needs_the_linear_layers(tensors, monkeypatch):
    convolutions = {name: tensor for name, tensor in tensors.items() if name.startswith("features")}
    with pytest.raises(InputError, match="another network"):
        subject.assemble_vgg16_fc2(convolutions)
    loaded = []
    monkeypatch.setattr(store, "identity", lambda name: "ef" * 32)

    def load(name, *, whole=False):
        loaded.append((name, whole))
        return tensors

    monkeypatch.setattr(store, "load", load)
    assert subject.vgg16_fc2().facts.feature_size == 4096
    assert loaded == [("vgg16", True)]
    subject._loaded.cache_clear()
