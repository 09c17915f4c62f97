# SPDX-License-Identifier: MIT
"""The whole way from files to numbers against torch-fidelity and lpips, with the real weights.

torch-fidelity reads the same folders with the same weights, through a checkpoint written here
that gets a random final layer in place of the official one: both libraries must compute the same
from it, whatever it is.
"""

from __future__ import annotations

import lpips
import numpy as np
import pytest
import torch
import torch_fidelity
from PIL import Image

from ganbench import evaluate
from ganbench import weights as store
from ganbench.metrics.inception_score import split_scores
from ganbench.runtime.inference import Compute

COUNT = 24


def write_folder(folder, values):
    folder.mkdir()
    for index, image in enumerate(values):
        Image.fromarray(image).save(folder / f"{index:03d}.png")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two folders of small color images: shapes on noise, and the same with more noise."""
    random = np.random.default_rng(0)
    paths = []
    for side, spread in (("real", 20), ("fake", 60)):
        values = random.normal(128, spread, (COUNT, 40, 40, 3))
        for image in values:
            x, y = random.integers(0, 20, 2)
            image[y : y + 20, x : x + 20] += random.normal(0, 80, 3)
        folder = tmp_path_factory.mktemp("parity") / side
        write_folder(folder, values.clip(0, 255).astype(np.uint8))
        paths.append(folder)
    return paths


@pytest.fixture
def final_layer(weights, monkeypatch, tmp_path):
    """Give Inception a random final layer, here and in a checkpoint for torch-fidelity."""
    weights("inception")
    random = torch.Generator().manual_seed(0)
    whole = {
        **store.load("inception"),
        "fc.weight": torch.randn(1008, 2048, generator=random) * 0.05,
        "fc.bias": torch.randn(1008, generator=random),
    }
    monkeypatch.setattr(store, "load", lambda name, *, whole=False, _all=whole: _all)
    monkeypatch.setattr(store, "have", lambda name, *, whole=False: True)
    monkeypatch.setattr(store, "identity", lambda name: "fc" * 32)
    checkpoint = tmp_path / "inception.pth"
    torch.save(whole, checkpoint)
    return checkpoint


@pytest.mark.weights
def test_fid_kid_is_and_precision_agree_with_torch_fidelity(folders, final_layer):
    real, fake = folders
    theirs = torch_fidelity.calculate_metrics(
        input1=str(fake),
        input2=str(real),
        feature_extractor="inception-v3-compat",
        feature_extractor_weights_path=str(final_layer),
        fid=True,
        kid=True,
        isc=True,
        prc=True,
        kid_subset_size=COUNT,
        samples_shuffle=True,
        cuda=False,
        verbose=False,
        cache=False,
    )
    names = ["fid", "kid", "is", "precision", "recall"]
    ours = evaluate(real=real, fake=fake, metrics=names)["metrics"]
    assert ours["fid"]["value"] == pytest.approx(theirs["frechet_inception_distance"], abs=1e-3)
    assert ours["kid"]["value"] == pytest.approx(theirs["kernel_inception_distance_mean"], abs=1e-6)
    for name in ("precision", "recall"):  # theirs is a float32
        assert ours[name]["value"] == pytest.approx(theirs[name], abs=1e-7)
    ten = ours["is"]["note"]
    assert f"{theirs['inception_score_mean']:.4g}" in ten
    assert ours["fid"]["value"] > 50
    assert 0 < ours["precision"]["value"] < 1 or 0 < ours["recall"]["value"] < 1


@pytest.mark.weights
def test_the_inception_score_agrees_with_torch_fidelitys_splits(folders, final_layer):
    from ganbench import registry
    from ganbench.samples import open_samples

    network = registry.networks.get("inception")()
    (chunk,) = open_samples(folders[1]).chunks(COUNT)
    probabilities = network.extract(chunk.values, compute=Compute()).probabilities.numpy()
    mean, deviation = split_scores(probabilities, splits=10)
    theirs = torch_fidelity.calculate_metrics(
        input1=str(folders[1]),
        feature_extractor="inception-v3-compat",
        feature_extractor_weights_path=str(final_layer),
        isc=True,
        cuda=False,
        verbose=False,
        cache=False,
    )
    assert mean == pytest.approx(theirs["inception_score_mean"], abs=1e-4)
    assert deviation == pytest.approx(theirs["inception_score_std"], abs=1e-4)


@pytest.mark.weights
@pytest.mark.parametrize(("network", "theirs"), [("alexnet", "alex"), ("vgg16", "vgg")])
def test_paired_lpips_agrees_with_lpips(folders, weights, tmp_path, network, theirs):
    weights(network)
    large = []
    for folder in folders:  # at 64 pixels nothing is enlarged on the way
        target = tmp_path / folder.name
        target.mkdir()
        for path in sorted(folder.iterdir())[:8]:
            Image.open(path).resize((64, 64)).save(target / path.name)
        large.append(target)
    ours = evaluate(real=large[0], fake=large[1], metrics=[f"lpips-paired@{network}"])["metrics"]
    (measured,) = ours.values()

    judge = lpips.LPIPS(net=theirs, pnet_rand=True, verbose=False)
    tensors = store.load(network)
    state = {
        name: tensors[f"features.{name.split('.')[-2]}.{name.split('.')[-1]}"]
        for name in judge.net.state_dict()
    }
    judge.net.load_state_dict(state)

    def opened(path):
        pixels = torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1)[None]
        return pixels.float() / 127.5 - 1

    with torch.no_grad():
        expected = [
            judge(opened(large[0] / path.name), opened(path)).item()
            for path in sorted(large[1].iterdir())
        ]
    assert measured["value"] == pytest.approx(np.mean(expected), abs=1e-5)
    assert measured["n"] == 8
