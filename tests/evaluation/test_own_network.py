# SPDX-License-Identifier: MIT
"""Networks in users' files: the numbers of their features, and a sentence for each mistake."""

import numpy as np
import pytest
import torch
from torch import nn

import ganbench
from ganbench.errors import GanbenchError, InputError, MissingDataError, UnknownNameError
from ganbench.evaluation.own_network import check_network, find_network

FUNCTIONS = '''
"""Feature networks without a plug-in."""

import torch


def means(images):
    """Return the mean of each quarter of the first channel (B, 4), in 0..255."""
    assert images.dtype == torch.uint8 and images.shape[1] == 3
    return torch.nn.functional.adaptive_avg_pool2d(images[:, 0].double(), 2).flatten(1)


def classifies(images):
    """Return features (B, 1) and logits (B, 2)."""
    mean = images.float().mean(dim=(1, 2, 3))[:, None]
    return mean, torch.cat([mean - 128, 128 - mean], dim=1)


def wrong(images):
    return images.float().mean(dim=(1, 2, 3))


def fails(images):
    raise ValueError("no such layer")
'''


class Quarters(nn.Module):
    """What ``means`` computes, as a module."""

    def forward(self, images):
        return torch.nn.functional.adaptive_avg_pool2d(images[:, 0].double(), 2).flatten(1)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(FUNCTIONS)
    return path


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "quarters.pt"
    torch.jit.trace(Quarters(), torch.zeros(2, 3, 8, 8, dtype=torch.uint8)).save(str(path))
    return path


@pytest.fixture
def images():
    random = np.random.default_rng(0)
    return [random.integers(0, high, (120, 16, 16, 3), np.uint8) for high in (256, 200)]


def test_a_function_and_an_archive_give_the_metrics_of_their_features(file, archive, images):
    real, fake = images
    for name, network in (("means", f"{file}:means"), ("quarters", str(archive))):
        names = ["fid", "kid-full", "precision", "recall", "density", "coverage", "mind", "vendi"]
        result = ganbench.evaluate(
            fake=fake, real=real, metrics=names, network=network, progress=False
        )
        features = [
            image[..., 0]
            .reshape(120, 2, 8, 2, 8)
            .mean(axis=(2, 4), dtype=np.float64)
            .reshape(120, 4)
            for image in images
        ]
        expected = ganbench.evaluate(
            fake=features[1], real=features[0], metrics=["fid", "precision"], progress=False
        )
        metrics = result["metrics"]
        assert set(metrics) == {f"{metric}@{name}" for metric in names}
        for metric in ("fid", "precision"):
            value = expected["metrics"][f"{metric}@points"]["value"]
            assert metrics[f"{metric}@{name}"]["value"] == pytest.approx(value, rel=1e-9)
        assert f"{name}:" in metrics[f"fid@{name}"]["protocol"]


def test_the_protocol_pins_the_file(file):
    first = find_network(f"{file}:means").facts
    file.write_text(FUNCTIONS.replace("first channel", "very first channel"))
    second = find_network(f"{file}:means").facts
    assert first.weights_sha256 != second.weights_sha256
    assert (first.feature_size, first.classes) == (4, 0)


def test_logits_are_classes(file, images):
    result = ganbench.evaluate(
        fake=images[0], real=images[1], metrics=["is"], network=f"{file}:classifies", progress=False
    )
    assert 1 <= result["metrics"]["is@classifies"]["value"] <= 2
    assert find_network(f"{file}:classifies").facts.classes == 2


def test_gray_images_have_three_equal_channels(file):
    gray = torch.arange(64, dtype=torch.uint8).reshape(1, 1, 8, 8).repeat(2, 1, 1, 1)
    features = find_network(f"{file}:means").extract(gray).features
    assert features[0].tolist() == [13.5, 17.5, 45.5, 49.5]


def test_a_network_named_as_a_registered_one_is_told_apart(tmp_path, archive):
    other = archive.rename(tmp_path / "inception.pt")
    assert find_network(str(other)).facts.name == "own-inception"


def test_a_registered_network_in_a_file_stays_one(tmp_path):
    path = tmp_path / "plugin.py"
    path.write_text(
        "from ganbench import register\nfrom ganbench.networks.pixels import pixels as own\n\n\n"
        '@register("mine")\ndef mine():\n    """Pixels."""\n    return own()\n'
    )
    assert find_network(f"{path}:mine").facts.name == "pixels"


def test_mistakes_are_sentences(file, tmp_path):
    with pytest.raises(UnknownNameError, match="Did you mean 'inception'"):
        check_network("incepton")
    with pytest.raises(MissingDataError, match="to read a feature network from"):
        check_network(str(tmp_path / "nowhere.pt"))
    with pytest.raises(GanbenchError, match="defines no function 'mean'"):
        find_network(f"{file}:mean")
    with pytest.raises(InputError, match=r"returned \(2,\) for 2 images; features \(B, d\)"):
        find_network(f"{file}:wrong")
    with pytest.raises(InputError, match="The network fails failed: ValueError: no such layer"):
        find_network(f"{file}:fails")
    (tmp_path / "weights.pt").write_bytes(b"no archive")
    with pytest.raises(InputError, match="is no TorchScript archive"):
        find_network(str(tmp_path / "weights.pt"))
