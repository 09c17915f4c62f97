# SPDX-License-Identifier: MIT
"""LPIPS: the numbers of the package ``lpips`` on the same backbone."""

from __future__ import annotations

from importlib.util import find_spec

import lpips
import pytest
import torch
from torch.nn.functional import interpolate

from ganbench import open_dataset
from ganbench import weights as store
from ganbench.errors import InputError
from ganbench.evaluation.feature_network import NetworkFacts
from ganbench.networks import lpips as subject
from ganbench.runtime.inference import Compute

pytestmark = pytest.mark.filterwarnings("ignore:.*weight:UserWarning:torchvision")
NETS = {"alexnet": "alex", "vgg16": "vgg"}


def backbone(name, seed=0):
    """Random convolutions by torchvision's names."""
    import torchvision

    with torch.device("meta"):
        features = getattr(torchvision.models, name)().features
    generator = torch.Generator().manual_seed(seed)
    return {
        f"features.{key}": torch.randn(tensor.shape, generator=generator)
        * (0.1 if tensor.ndim == 1 else (2 / tensor[0].numel()) ** 0.5)
        for key, tensor in features.state_dict().items()
    }


@pytest.fixture(scope="module")
def theirs():
    """``lpips.LPIPS`` with a given backbone and its own heads."""
    models = {}

    def reference(name, tensors):
        if name not in models:
            with torch.device("meta"):  # its random initial weights would take seconds
                model = lpips.LPIPS(net=NETS[name], pnet_rand=True, pretrained=False, verbose=False)
            model.to_empty(device="cpu")
            model.scaling_layer = lpips.ScalingLayer()
            path = f"{lpips.__path__[0]}/weights/v0.1/{NETS[name]}.pth"
            heads = torch.load(path, map_location="cpu", weights_only=True)
            model.load_state_dict(heads, strict=False)
            models[name] = model.eval()
        layers = {
            f"features.{index}.": layer
            for part in ("slice1", "slice2", "slice3", "slice4", "slice5")
            for index, layer in getattr(models[name].net, part).named_children()
        }
        for prefix, layer in layers.items():
            layer.load_state_dict(
                {
                    key.removeprefix(prefix): tensor
                    for key, tensor in tensors.items()
                    if prefix in key
                }
            )
        return models[name]

    return reference


def network(name, tensors):
    facts = NetworkFacts(name, 1, "", subject._PREPROCESSING, 0, 0)
    return subject.LpipsNetwork(subject.assemble_lpips(name, tensors), facts)


def images(count, channels=3, height=70, width=65, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = (count, channels, height, width)
    return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)


def scaled(values):
    return (values.float() / 127.5 - 1).expand(-1, 3, -1, -1)


@pytest.mark.parametrize("name", ["alexnet", "vgg16"])
def test_distances_are_those_of_lpips(name, theirs):
    tensors = backbone(name)
    first, second = images(3), images(3, seed=1)
    with torch.no_grad():
        expected = theirs(name, tensors)(scaled(first), scaled(second)).flatten()
    distances = network(name, tensors).distances(first, second, compute=Compute())
    assert distances.shape == (3,)
    assert torch.allclose(distances, expected, rtol=1e-5, atol=1e-6)
    assert expected.min() > 1e-3
    assert expected.max() - expected.min() > 1e-4


def test_small_images_are_enlarged_to_64_pixels(theirs):
    tensors = backbone("alexnet")
    first, second = images(2, 1, 28, 32), images(2, 1, 28, 32, seed=1)
    large = [
        interpolate(scaled(values), (64, 73), mode="bilinear", align_corners=False)
        for values in (first, second)
    ]
    with torch.no_grad():
        expected = theirs("alexnet", tensors)(*large).flatten()
    distances = network("alexnet", tensors).distances(first, second, compute=Compute())
    assert torch.allclose(distances, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((28, 28), (64, 64)), ((64, 80), (64, 80)), ((300, 32), (600, 64)), ((1, 1), (64, 64))],
)
def test_sizes_at_which_images_are_compared(size, expected):
    assert subject.enlarged(*size) == expected


def test_equal_images_are_at_no_distance_and_order_does_not_matter():
    compared = network("alexnet", backbone("alexnet"))
    first, second = images(2), images(2, seed=1)
    assert compared.distances(first, first, compute=Compute()).eq(0).all()
    forward = compared.distances(first, second, compute=Compute())
    backward = compared.distances(second, first, compute=Compute())
    assert torch.allclose(forward, backward, rtol=1e-6)


def test_a_pair_does_not_depend_on_its_batch():
    compared = network("alexnet", backbone("alexnet"))
    first, second = images(5), images(5, seed=1)
    together = compared.distances(first, second, compute=Compute())
    for size in (1, 2):
        parts = compared.distances(first, second, compute=Compute(batch_size=size))
        assert torch.allclose(parts, together, rtol=1e-5)


def test_gray_is_three_equal_channels():
    compared = network("alexnet", backbone("alexnet"))
    first, second = images(2, 1), images(2, 1, seed=1)
    gray = compared.distances(first, second, compute=Compute())
    color = compared.distances(
        first.repeat(1, 3, 1, 1), second.repeat(1, 3, 1, 1), compute=Compute()
    )
    assert torch.equal(gray, color)


@pytest.mark.skipif(
    find_spec("openvino") is None, reason='needs OpenVINO: pip install "ganbench[openvino]"'
)
def test_openvino_gives_the_same_distances_for_any_number_of_pairs_and_any_size():
    compared = network("alexnet", backbone("alexnet"))
    for count, height in ((2, 70), (3, 70), (1, 64)):
        first, second = images(count, height=height), images(count, height=height, seed=1)
        expected = compared.distances(first, second, compute=Compute())
        distances = compared.distances(first, second, compute=Compute(engine="openvino"))
        assert torch.allclose(distances, expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (images(2), images(3), "others of the same shape"),
        (images(2), images(2, 1), "others of the same shape"),
        (images(2).float(), images(2), "uint8"),
    ],
)
def test_what_cannot_be_compared_is_refused(first, second, message):
    with pytest.raises(InputError, match=message):
        network("alexnet", backbone("alexnet")).distances(first, second, compute=Compute())


def test_tensors_of_another_network_are_refused():
    with pytest.raises(InputError, match="another network than vgg16"):
        subject.assemble_lpips("vgg16", backbone("alexnet"))


@pytest.mark.weights
@pytest.mark.parametrize("name", ["alexnet", "vgg16"])
def test_published_weights_give_the_distances_of_lpips(name, weights, theirs):
    weights(name)
    digits = open_dataset("mnist5k").load("test").values
    first, second = digits[:4], digits[4:8]
    large = [
        interpolate(scaled(values), (64, 64), mode="bilinear", align_corners=False)
        for values in (first, second)
    ]
    with torch.no_grad():
        expected = theirs(name, store.load(name))(*large).flatten()
    compared = getattr(subject, name)()
    distances = compared.distances(first, second, compute=Compute())
    assert torch.allclose(distances, expected, rtol=0, atol=1e-5)
    assert compared.facts.protocol.startswith(f"{name}:{store.identity(name)[:8]}/lpips0.1")


def test_images_that_differ_by_less_than_a_level_have_distances(theirs):
    tensors = backbone("vgg16")
    first = scaled(images(2))
    second = first + 1e-3 * torch.randn(first.shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = theirs("vgg16", tensors)(first, second).flatten()
    distances = network("vgg16", tensors).fine_distances(first, second, compute=Compute())
    assert torch.allclose(distances, expected, rtol=1e-3, atol=0)
    assert expected.min() > 0
