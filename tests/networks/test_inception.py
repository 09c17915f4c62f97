# SPDX-License-Identifier: MIT
"""Inception: the numbers of torch-fidelity's extractor on the same weights and images."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
import torch
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from ganbench import open_dataset
from ganbench import weights as store
from ganbench.errors import InputError, MissingDataError
from ganbench.networks import inception as subject
from ganbench.runtime.inference import Compute
from ganbench.weights.convert import inception_convolutions

OPENVINO = pytest.mark.skipif(
    find_spec("openvino") is None, reason='needs OpenVINO: pip install "ganbench[openvino]"'
)


@pytest.fixture(scope="module")
def tensors():
    """Random weights by torch-fidelity's names, with all that batch normalization adds."""
    generator = torch.Generator().manual_seed(0)
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in subject._trunk().state_dict().items()}
    random_tensors = {}
    for name, shape in shapes.items():
        if name.endswith("conv.weight"):
            fan_in = shape[1] * shape[2] * shape[3]
            random_tensors[name] = torch.randn(shape, generator=generator) * (2 / fan_in) ** 0.5
        elif name.endswith(("bn.weight", "bn.running_var")):
            random_tensors[name] = torch.rand(shape, generator=generator) + 0.5
        elif name.endswith(("bn.bias", "bn.running_mean")):
            random_tensors[name] = torch.randn(shape, generator=generator) / 5
    random_tensors["fc.weight"] = torch.randn(1008, 2048, generator=generator) / 10
    random_tensors["fc.bias"] = torch.randn(1008, generator=generator)
    return random_tensors


@pytest.fixture
def stored(tensors, monkeypatch):
    """Make the store hold random weights: ``stored(whole=True)``."""

    def put(*, whole):
        trunk = {name: tensor for name, tensor in tensors.items() if not name.startswith("fc.")}
        has_final_layer = whole

        def load(name, *, whole=False):
            if whole and not has_final_layer:
                raise MissingDataError("The final layer is not here.", "ganbench weights import")
            return dict(tensors) if whole else trunk

        monkeypatch.setattr(store, "load", load)
        monkeypatch.setattr(store, "have", lambda name, *, whole=False: has_final_layer)
        monkeypatch.setattr(store, "identity", lambda name: "ab" * 32)
        subject._loaded.cache_clear()

    yield put
    subject._loaded.cache_clear()


def torch_fidelity(tensors, path, images):
    """Features and unbiased logits by torch-fidelity's own extractor."""
    final = {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    torch.save(final | dict(tensors), path)
    extractor = FeatureExtractorInceptionV3(
        "inception-v3-compat",
        ["2048", "logits_unbiased"],
        feature_extractor_weights_path=str(path),
    )
    return extractor(images)


def images(count, channels=3, height=40, width=32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = (count, channels, height, width)
    return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)


def deviation(actual, expected):
    return float((actual - expected).abs().max() / expected.abs().max())


def test_features_and_probabilities_are_torch_fidelitys(tensors, stored, tmp_path):
    stored(whole=True)
    network = subject.inception()
    values = images(2)
    features, logits = torch_fidelity(tensors, tmp_path / "inception.pth", values)
    extracted = network.extract(values)
    assert network.facts.classes == 1008
    assert extracted.features.shape == (2, 2048)
    assert deviation(extracted.features, features) < 1e-5
    assert deviation(network.module(network.prepare(values))[1], logits) < 1e-5
    assert (extracted.probabilities - logits.softmax(dim=1)).abs().max() < 1e-5
    # Far from all alike, so that agreement says much.
    assert deviation(features[0], features[1]) > 0.01
    assert extracted.probabilities.max() > 0.01


def test_an_image_does_not_depend_on_its_batch(stored):
    stored(whole=False)
    network, values = subject.inception(), images(3)
    together = network.extract(values, compute=Compute(batch_size=3)).features
    alone = network.extract(values, compute=Compute(batch_size=1)).features
    assert deviation(alone, together) < 1e-5


def test_gray_images_are_three_equal_channels(stored):
    stored(whole=False)
    gray = images(1, channels=1)
    for network in (subject.inception(), subject.inception_clean()):
        color = gray.repeat(1, 3, 1, 1)
        assert torch.equal(network.prepare(gray), network.prepare(color))


def test_pixels_are_scaled_to_minus_one_to_one(stored):
    stored(whole=False)
    levels = torch.tensor([0, 128, 255], dtype=torch.uint8).view(3, 1, 1, 1).expand(3, 1, 9, 9)
    for network in (subject.inception(), subject.inception_clean()):
        prepared = network.prepare(levels)
        assert prepared.shape == (3, 3, 299, 299)
        assert prepared[0].eq(-1).all()
        assert prepared[1].eq(0).all()
        assert prepared[2].eq(127 / 128).all()


def test_without_the_final_layer_there_are_no_classes(stored):
    stored(whole=False)
    network = subject.inception()
    assert network.facts.classes == 0
    assert network.extract(images(1)).probabilities is None
    assert isinstance(network.without_classes(), MissingDataError)
    assert "final layer" in network.without_classes().message


def test_both_ways_of_resizing_share_the_module_and_not_the_protocol(stored):
    stored(whole=False)
    plain, clean = subject.inception(), subject.inception_clean()
    assert plain.module is clean.module
    assert plain.facts.protocol == "inception:abababab/299px-bilinear-tf1"
    assert clean.facts.protocol == "inception-clean:abababab/299px-bicubic-pil-float"


def test_what_is_read_again_follows_the_store(stored):
    stored(whole=False)
    before = subject.inception()
    stored(whole=True)
    assert before.facts.classes == 0
    assert subject.inception().facts.classes == 1008


def test_building_draws_no_random_numbers(tensors):
    before = torch.get_rng_state()
    subject.Inception(tensors)
    assert torch.equal(torch.get_rng_state(), before)


def test_tensors_of_another_network_are_refused(tensors):
    lacking = {name: tensor for name, tensor in tensors.items() if "Mixed_7c" not in name}
    with pytest.raises(InputError, match="lacks 45 tensors, such as Mixed_7c"):
        subject.Inception(lacking)
    with pytest.raises(InputError, match="another network"):
        subject.Inception(tensors | {"Conv2d_1a_3x3.conv.weight": torch.zeros(1)})


def test_the_trunk_has_the_94_convolutions_of_the_store():
    with torch.device("meta"):
        names = [name for name in subject._trunk().state_dict() if name.endswith(".conv.weight")]
    assert [name.removesuffix(".conv.weight") for name in names] == inception_convolutions()


@pytest.mark.weights
@pytest.mark.parametrize("engine", ["torch", pytest.param("openvino", marks=OPENVINO)])
def test_published_weights_give_torch_fidelitys_features(weights, tmp_path, engine):
    weights("inception")
    digits = open_dataset("mnist5k").load("test").values[:4].repeat(1, 3, 1, 1)
    path = tmp_path / "inception.pth"
    features, _ = torch_fidelity(store.load("inception"), path, digits)
    actual = subject.inception().extract(digits, compute=Compute(engine=engine)).features
    assert deviation(actual, features) < 1e-5


def test_spatial_features_are_those_of_torch_fidelitys_layers(tensors, stored):
    """``mixed_6/conv`` of the TensorFlow graph is the first branch of Mixed_6d."""
    stored(whole=False)
    network, values = subject.inception_spatial(), images(2)
    layers = subject._trunk().eval()
    layers.load_state_dict(
        {name: tensors[name] for name in tensors if "fc." not in name}, strict=False
    )
    with torch.no_grad():
        maps = network.prepare(values)
        for name, layer in layers.named_children():
            if name == "Mixed_6d":
                break
            maps = layer(maps)
        expected = layers.Mixed_6d.branch1x1(maps)[:, :7].flatten(1)
    features = network.extract(values).features
    assert features.shape == (2, 2023) == (2, network.facts.feature_size)
    assert deviation(features, expected) < 1e-5
    assert deviation(expected[0], expected[1]) > 0.01
    assert network.facts.classes == 0
