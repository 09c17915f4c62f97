# SPDX-License-Identifier: MIT
"""Path lengths of linear generators, whose expectation is known, and what has no paths."""

from __future__ import annotations

import pytest
import torch

from ganbench.errors import ConfigError, GanbenchError
from ganbench.evaluation import path_distances, requests
from ganbench.evaluation.feature_network import NetworkFacts
from ganbench.evaluation.pair_network import PairNetwork
from ganbench.evaluation.path_distances import EPSILON, extract_path_distances
from ganbench.evaluation.reference import Reference
from ganbench.progress import SILENT
from ganbench.runtime.inference import Compute
from ganbench.samples.latent_paths import PathKind
from ganbench.samples.sample_set import of_tensor


class MeanSquare(PairNetwork):
    """The mean squared difference of two images."""

    facts = NetworkFacts("mean-square", 1, "", "plain", 0, 0)

    def distances(self, first, second, *, compute):
        raise AssertionError("images of paths are no uint8 images")

    def fine_distances(self, first, second, *, compute):
        return (first.double() - second.double()).square().mean(dim=(1, 2, 3))


class Lines:
    """Paths of a generator that maps latents linearly, in double precision."""

    def __init__(self, weights, side=4):
        self.weights, self.side, self.asked = weights, side, []

    def steps(self, kind, count, *, epsilon):
        self.asked.append((kind, epsilon))
        random = torch.Generator().manual_seed(0)
        for size in (count // 2, count - count // 2):
            first, second = torch.randn(2, size, len(self.weights), generator=random).double()
            images = [
                (first.lerp(second, share) @ self.weights).view(-1, 1, self.side, self.side)
                for share in (0.5, 0.5 + epsilon)
            ]
            yield images[0], images[1]


def noise_of(count, paths=None):
    random = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (count, 1, 8, 8), generator=random, dtype=torch.uint8)
    samples = of_tensor(images)
    samples.paths = paths
    return samples


@pytest.fixture
def mean_square(monkeypatch):
    usual = requests.find_network
    networks = {"mean-square": MeanSquare()}
    monkeypatch.setattr(requests, "find_network", lambda name: networks.get(name) or usual(name))
    return "mean-square"


def extracted(samples, need="w-paths", compute=Compute()):  # noqa: B008 - frozen
    return extract_path_distances(samples, need, MeanSquare(), compute=compute, progress=SILENT)


def test_a_linear_generator_has_the_length_of_its_weights():
    weights = torch.randn(300, 16, generator=torch.Generator().manual_seed(2)).double()
    paths = Lines(weights)
    evidence = extracted(noise_of(3000, paths))
    expected = 2 * weights.square().sum().item() / 16  # E |z1 - z0|^2 = 2 for each latent
    assert evidence.count == len(evidence.distances) == 3000
    assert evidence.distances.mean() / EPSILON**2 == pytest.approx(expected, rel=0.03)
    assert paths.asked == [(PathKind("w"), 1e-4)]


def test_each_need_asks_for_its_paths():
    for need, kind in path_distances.PATH_NEEDS.items():
        paths = Lines(torch.eye(16).double())
        extracted(noise_of(4, paths), need)
        assert paths.asked[0][0] == kind


def test_large_images_are_averaged_down_to_256_pixels():
    images = torch.arange(512.0 * 512).view(1, 1, 512, 512)
    shrunk = path_distances._shrunk(images)
    assert shrunk.shape == (1, 1, 256, 256)
    assert shrunk[0, 0, 0, 0] == images[0, 0, :2, :2].mean()
    assert path_distances._shrunk(images[..., :400, :400]).shape == (1, 1, 400, 400)


def test_samples_alone_and_coarse_numbers_are_refused():
    with pytest.raises(ConfigError, match="need a generator and its latents, and samples holds"):
        extracted(noise_of(4))
    paths = Lines(torch.eye(16).double())
    with pytest.raises(ConfigError, match="too small for bf16"):
        extracted(noise_of(4, paths), compute=Compute(precision="bf16"))


def test_a_network_of_whole_levels_is_refused():
    samples = noise_of(40, Lines(torch.eye(64).double(), side=8))
    reference = Reference(noise_of(50), metrics=["ppl-z@structure"])
    with pytest.raises(GanbenchError, match="structure compares images in 256 levels"):
        reference.evaluate(samples)


def test_it_is_measured_next_to_other_metrics(mean_square):
    paths = Lines(torch.randn(300, 64).double(), side=8)
    reference = Reference(noise_of(50), metrics=["fid@pixels", f"ppl-w@{mean_square}"])
    outcome = reference.measure(noise_of(40, paths))
    measured = outcome.measured[f"ppl-w@{mean_square}"]
    assert measured.protocol == "ppl-w/v1@mean-square/plain/epsilon=1e-4/kept=1-99%/n_fake=40"
    assert measured.low < measured.value < measured.high
    assert (measured.floor, measured.n) == (None, 40)
    assert "no latents" in measured.floor_note
    outcome = reference.measure(noise_of(40))
    assert list(outcome.measured) == ["fid@pixels"]
    assert "need a generator" in outcome.failed[f"ppl-w@{mean_square}"].message
