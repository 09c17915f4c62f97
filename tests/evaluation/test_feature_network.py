# SPDX-License-Identifier: MIT
"""The feature-network contract, on a network whose answers are known."""

from __future__ import annotations

import textwrap
from dataclasses import replace

import numpy as np
import pytest
import torch
from fake_card import fake_card
from torch import nn

from ganbench.errors import InputError
from ganbench.evaluation import feature_network
from ganbench.evaluation.extract import NetworkNeeds, extract
from ganbench.evaluation.feature_network import FeatureNetwork, NetworkFacts, distinct
from ganbench.evaluation.protocol import network_protocol
from ganbench.evaluation.reference import Reference
from ganbench.networks.clip import CLIPNetwork
from ganbench.networks.dinov2 import DINOv2Network
from ganbench.networks.inception import InceptionNetwork
from ganbench.networks.vgg16_fc2 import VGG16Network
from ganbench.nn.resize import bicubic_float
from ganbench.runtime.inference import Compute
from ganbench.samples.sample_set import Facts, TensorSamples


class Bright(nn.Module):
    """Mean and maximum of the pixels, and the logits of dark and bright."""

    def __init__(self):
        super().__init__()
        self.dropout = nn.Dropout(0.5)
        self.seen = []

    def forward(self, pixels):
        self.seen.append(len(pixels))
        pixels = self.dropout(pixels)
        mean = pixels.mean(dim=1)
        bright = (mean - 127) / 20
        return torch.stack([mean, pixels.amax(dim=1)], dim=1), torch.stack([-bright, bright], dim=1)


class Brightness(FeatureNetwork):
    """Reads images of any size as their 16 quantiles of brightness."""

    batch_size = 50

    def __init__(self):
        super().__init__(Bright(), NetworkFacts("brightness", 1, "ab" * 32, "none", 2, 2))

    @property
    def seen(self):
        return self.module.seen

    def prepare(self, images):
        return images.float().flatten(1).quantile(torch.linspace(0, 1, 16), dim=1).T


def images(count, channels=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = (count, channels, 4, 4)
    return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)


def test_batches_join_in_order_and_dropout_is_off():
    network, values = Brightness(), images(107)
    features, probabilities = network.extract(values)
    assert network.seen == [50, 50, 7]
    assert network.extract(values, compute=Compute(batch_size=60)).features.equal(features)
    assert network.seen[3:] == [60, 47]
    assert features.dtype == probabilities.dtype == torch.float32
    assert torch.allclose(features[:, 0], values.float().mean(dim=(1, 2, 3)))
    assert torch.allclose(probabilities.sum(dim=1), torch.ones(len(values)))
    assert not features.requires_grad


def test_channels_are_read_one_by_one_and_joined():
    network, values = Brightness(), images(20, channels=3)
    features, probabilities = network.extract(values, channelwise=True)
    assert features.shape == (20, 6)
    assert probabilities.shape == (20, 3, 2)
    for channel in range(3):
        alone = network.extract(values[:, channel : channel + 1])
        assert torch.equal(features[:, 2 * channel : 2 * channel + 2], alone.features)
        assert torch.equal(probabilities[:, channel], alone.probabilities)


def test_equal_channels_are_read_once():
    network = Brightness()
    few = images(5).expand(5, 3, 4, 4).repeat(10, 1, 1, 1)
    extracted = network.extract(few, channelwise=True)
    assert network.seen == [5]
    assert torch.equal(extracted.features[3], extracted.features[48])
    unique, inverse = distinct(few)
    assert torch.equal(unique[inverse], few)


@pytest.mark.parametrize(
    ("shape", "classes", "expected"),
    [((3, 28, 28), 8, True), ((3, 28, 28), 2, False), ((1, 28, 28), 2, False)],
)
def test_channels_are_objects_where_the_classes_multiply(shape, classes, expected):
    assert Brightness().reads_channels(shape[0], classes) is expected


def test_images_of_mixed_sizes_and_channels_keep_their_places():
    network = Brightness()
    small, color = images(3), images(2, channels=3, seed=1)
    large = torch.randint(0, 256, (1, 9, 5), dtype=torch.uint8)
    mixed = [small[0], color[0], large, small[1], color[1], small[2]]
    extracted = network.extract(mixed)
    assert network.seen == [6]
    for index, image in enumerate(mixed):
        assert torch.equal(extracted.features[index], network.extract(image[None]).features[0])
    with pytest.raises(InputError, match="at least one"):
        network.extract([])


def test_the_protocol_names_network_hash_and_preprocessing():
    assert Brightness().facts.protocol == "brightness:abababab/none"


@pytest.mark.parametrize("weights", ["ab" * 32, ""])
def test_numbers_of_two_versions_of_a_network_are_told_apart(weights):
    first = replace(Brightness().facts, weights_sha256=weights, version=1)
    second = replace(first, version=2)
    assert second.protocol.startswith("brightness.v2")
    assert first.protocol != second.protocol
    assert network_protocol(first, Compute()) != network_protocol(second, Compute())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (torch.zeros(2, 1, 4, 4), "uint8"),
        (torch.zeros(2, 2, 4, 4, dtype=torch.uint8), "one or three channels"),
        (torch.zeros(2, 4, 4, dtype=torch.uint8), "one or three channels"),
        (torch.zeros(0, 1, 4, 4, dtype=torch.uint8), "at least one image"),
    ],
)
def test_what_is_no_image_is_refused(values, message):
    with pytest.raises(InputError, match=message):
        Brightness().extract(values)


def test_the_documented_example_is_a_network(tmp_path, noise):
    _, _, rest = feature_network.__doc__.partition("::\n")
    lines = [line for line in rest.splitlines() if line.startswith("    ") or not line.strip()]
    path = tmp_path / "rows.py"
    path.write_text(
        "from torch import Tensor, nn\nfrom torch.nn.functional import interpolate\n"
        "from ganbench import register\n"
        "from ganbench.evaluation.feature_network import FeatureNetwork, NetworkFacts\n"
        + textwrap.dedent("\n".join(lines))
    )
    (measured,) = Reference(noise, metrics=[f"fid@{path}"]).evaluate(noise.values).values()
    assert measured.value == pytest.approx(0, abs=1e-6)
    assert measured.protocol.startswith("fid/v1@rows/32px-area/ddof=1/")


class FarPixels(FeatureNetwork):
    """Pixels at an offset that float32 cannot hold together with them."""

    def __init__(self):
        super().__init__(nn.Identity(), NetworkFacts("far", 1, "", "offset", 0, 0))

    def prepare(self, images):
        return images.double().flatten(1) / 256 + 1e7


def test_features_of_float64_stay_so():
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (40, 1, 2, 2), np.uint8))
    samples = TensorSamples(images, Facts("noise", "", "images"))
    needs = {"far": NetworkNeeds(FarPixels(), frozenset({"moments", "features"}))}
    evidence = extract(samples, needs, compute=Compute())["far"]
    pixels = images.double().flatten(1).numpy() / 256
    np.testing.assert_array_equal(evidence.features - 1e7, pixels)
    np.testing.assert_allclose(evidence.moments.covariance, np.cov(pixels.T), atol=1e-9)


class Sharp(FeatureNetwork):
    """A network whose way of resizing is defined by a program of the CPU."""

    batch_size, cuda_batch_size = 16, 40
    prepared_on_cpu = True

    def __init__(self):
        super().__init__(nn.Flatten(), NetworkFacts("sharp", 1, "", "none", 300, 0))

    def prepare(self, images):
        assert images.device.type == "cpu"
        return bicubic_float(images, (10, 10))


def test_a_card_gets_batches_of_its_own_size_and_the_user_decides():
    compute = Compute(device="cuda:0")
    assert (Sharp().rows(compute), Sharp().rows(Compute())) == (40, 16)
    assert Sharp().rows(Compute(device="cuda:0", batch_size=3)) == 3
    assert Brightness().rows(compute) == Brightness().rows(Compute()) == 50


def test_every_slow_network_gives_a_card_more_than_a_cpu():
    for network in (InceptionNetwork, VGG16Network, CLIPNetwork, DINOv2Network):
        assert network.cuda_batch_size >= 4 * network.batch_size


@pytest.mark.parametrize("mixed", [False, True])
def test_what_the_cpu_resizes_is_sent_once(monkeypatch, mixed):
    values = images(90, channels=3)
    given = [*values[:89], images(1, channels=3)[0, :, :3]] if mixed else values
    expected = Sharp().extract(given).features
    with fake_card(monkeypatch) as card:
        features = Sharp().extract(given, compute=Compute(device="cuda")).features
    assert card.log == ["up", "down"] * 3 + ["wait"] * 3
    assert torch.equal(features, expected)
