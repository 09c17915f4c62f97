# SPDX-License-Identifier: MIT
"""One pass over samples: what is gathered, in how much memory, for every kind of network."""

from __future__ import annotations

import tracemalloc
from copy import deepcopy

import numpy as np
import pytest
import torch
from fake_card import fake_card
from torch import nn

from ganbench import registry
from ganbench.errors import InputError
from ganbench.evaluation.extract import NetworkNeeds, extract
from ganbench.evaluation.feature_network import FeatureNetwork, NetworkFacts
from ganbench.evaluation.math.moments import moments
from ganbench.evaluation.pair_network import PairNetwork
from ganbench.evaluation.pairing import random_pairs
from ganbench.runtime.inference import Compute
from ganbench.samples.sample_set import Chunk, Facts, Samples, TensorSamples, of_tensor


class Flat(FeatureNetwork):
    """Pixels as features, and their first two as logits."""

    batch_size = 16

    def __init__(self):
        super().__init__(nn.Identity(), NetworkFacts("flat", 1, "cd" * 32, "none", 12, 0))

    def prepare(self, images):
        return images.double().flatten(1)


class Difference(PairNetwork):
    """The mean absolute difference of two images."""

    batch_size = 8
    facts = NetworkFacts("difference", 1, "", "none", 0, 0)

    def distances(self, first, second, *, compute):
        assert len(first) <= self.batch_size
        return (first.double() - second.double()).abs().flatten(1).mean(dim=1)


def images(count, seed=0, shape=(3, 2, 2)):
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, *shape), generator=random, dtype=torch.uint8)


def gather(samples, *needs, network=None, **more):
    need = NetworkNeeds(network or Flat(), frozenset(needs))
    return extract(samples, {"it": need}, compute=Compute(), **more)["it"]


class Holes(Samples):
    """Samples of which some cannot be read."""

    def __init__(self, values, missing):
        self.values, self.missing, self.skipped = values, missing, {}
        self.facts = Facts("holes", "", "images", shape=tuple(values.shape[1:]))

    def __len__(self):
        return len(self.values)

    def chunks(self, size=16):
        for start in range(0, len(self.values), size):
            indices = np.arange(start, min(start + size, len(self.values)))
            indices = indices[~np.isin(indices, self.missing)]
            yield Chunk(list(self.values[indices]), indices)


@pytest.mark.parametrize("size", [1, 16, 17, 1000])
def test_streamed_moments_are_those_of_all_features_at_once(size):
    values = images(203)
    network = Flat()
    network.batch_size = size
    evidence = gather(of_tensor(values), "moments", network=network)
    features = values.double().flatten(1).numpy()
    np.testing.assert_allclose(evidence.moments.covariance, np.cov(features.T), rtol=1e-12)
    np.testing.assert_allclose(evidence.moments.mean, features.mean(axis=0), rtol=1e-12)
    assert 70 < evidence.half.sum() < 133
    assert evidence.features is None
    assert sorted(map(tuple, evidence.probe)) == sorted(map(tuple, features))


def test_rows_are_in_order_and_spilled_rows_are_the_same():
    values = images(100)
    in_memory = gather(of_tensor(values), "features")
    spilled = gather(of_tensor(values), "features", in_memory_bytes=100)
    assert isinstance(spilled.features, np.memmap)
    assert not isinstance(in_memory.features, np.memmap)
    np.testing.assert_array_equal(in_memory.features, values.float().flatten(1).numpy())
    np.testing.assert_array_equal(in_memory.features, spilled.features)


def test_what_cannot_be_read_is_left_out_of_everything():
    values, missing = images(40), [0, 7, 39]
    evidence = gather(Holes(values, missing), "moments", "features")
    rest = np.delete(values.double().flatten(1).numpy(), missing, axis=0)
    assert evidence.count == 37 == len(evidence.half)
    np.testing.assert_array_equal(evidence.features, rest.astype(np.float32))
    np.testing.assert_allclose(evidence.moments.covariance, moments(rest).covariance, rtol=1e-12)


def test_memory_does_not_grow_with_the_number_where_only_moments_are_wanted():
    class Endless(Samples):
        facts = Facts("endless", "", "images", shape=(3, 8, 8))

        def __init__(self, count):
            self.count, self.skipped = count, {}

        def __len__(self):
            return self.count

        def chunks(self, size=16):
            for start in range(0, self.count, size):
                indices = np.arange(start, min(start + size, self.count))
                yield Chunk(images(len(indices), start, (3, 8, 8)), indices)

    def peak(count, *needs):
        tracemalloc.start()
        gather(Endless(count), *needs)
        peak_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak_bytes

    peak(100, "moments")  # so that one-time allocations do not count
    few, many = peak(5_000, "moments"), peak(20_000, "moments")
    assert many < 1.15 * few
    assert peak(20_000, "moments", "features") > many + 10_000_000


def test_few_samples_have_moments_without_halves_and_one_has_none():
    three = gather(of_tensor(images(3)), "moments")
    np.testing.assert_allclose(
        three.moments.covariance, np.cov(images(3).double().flatten(1).numpy().T), rtol=1e-12
    )
    assert gather(of_tensor(images(1)), "moments").moments is None


def test_networks_share_one_reading_of_the_samples():
    class Counting(TensorSamples):
        read = 0

        def chunks(self, size=64):
            type(self).read += 1
            return super().chunks(size)

    base = of_tensor(images(50))
    samples = Counting(base.values, base.facts)
    needs = {
        "flat": NetworkNeeds(Flat(), frozenset({"moments"})),
        "difference": NetworkNeeds(Difference(), frozenset({"pairs"})),
        "digits": NetworkNeeds(registry.networks.get("mnist-cnn")(), frozenset({"probabilities"})),
    }
    evidence = extract(samples, needs, compute=Compute())
    assert samples.read == 1
    assert evidence["flat"].moments.count == 50
    assert len(evidence["difference"].distances) == 25
    assert evidence["digits"].probabilities.shape == (50, 10)


def test_features_that_are_not_finite_are_refused():
    class Broken(Flat):
        def prepare(self, images):
            return images.double().flatten(1) / 0

    with pytest.raises(InputError, match="not finite"):
        gather(of_tensor(images(5)), "moments", network=Broken())


# -- pairs -------------------------------------------------------------------------------------


def test_distances_are_those_of_the_chosen_pairs():
    values = images(90)
    evidence = gather(of_tensor(values), "pairs", network=Difference())
    assert evidence.count == 90
    pairs = random_pairs(90)
    expected = (values[pairs[:, 0]].double() - values[pairs[:, 1]].double()).abs().flatten(1)
    np.testing.assert_allclose(sorted(evidence.distances), sorted(expected.mean(dim=1).numpy()))


def test_pairs_of_gray_and_color_compare_and_of_sizes_do_not():
    gray, color = images(1, shape=(1, 2, 2))[0], images(1)[0]
    mixed = _Listed([gray, color])
    distance = gather(mixed, "pairs", network=Difference()).distances
    expected = (gray.double() - color.double()).abs().mean().item()
    assert distance == pytest.approx([expected])
    with pytest.raises(InputError, match=r"share their size; there are (2x2 and 4x3|4x3 and 2x2)"):
        gather(_Listed([color, images(1, shape=(3, 3, 4))[0]]), "pairs", network=Difference())


class _Listed(Samples):
    """Images that differ in shape."""

    facts = Facts("listed", "", "images")

    def __init__(self, values):
        self.values, self.skipped = values, {}

    def __len__(self):
        return len(self.values)

    def chunks(self, size=16):
        yield Chunk(self.values, np.arange(len(self.values)))


def on(device, network, samples, *needs):
    """Evidence that a network gives on a device, in chunks of 8 images."""
    need = {"it": NetworkNeeds(network, frozenset(needs))}
    return extract(samples, need, compute=Compute(device=device, batch_size=8))["it"]


@pytest.mark.parametrize(
    ("name", "shape"),
    [("mnist-cnn", (1, 28, 28)), ("mnist-cnn", (3, 20, 24)), ("pixels", (3, 8, 8))],
)
def test_a_card_has_its_next_batch_before_the_host_waits_for_the_last(monkeypatch, name, shape):
    samples = of_tensor(images(40, shape=shape))
    network = deepcopy(registry.networks.get(name)())  # the fake card may keep its weights
    expected = on("cpu", network, samples, "moments", "features")
    with fake_card(monkeypatch) as card:
        on("cuda", network, samples, "moments")  # the first time, weights and constants are sent
        card.forget()
        evidence = on("cuda", network, samples, "moments", "features")
    results = ["down", "down"] if name == "mnist-cnn" else ["down"]  # with probabilities
    waits = ["wait"] * len(results)
    batch = ["up", *results]
    assert card.log == [*batch, *4 * (batch + waits), *waits]
    assert np.array_equal(evidence.features, expected.features)
    assert np.array_equal(evidence.moments.covariance, expected.moments.covariance)
    assert (evidence.device, expected.device) == ("cuda", "cpu")


def test_distances_of_pairs_are_fetched_once(monkeypatch):
    samples = of_tensor(images(40, shape=(3, 16, 16)))
    network = registry.networks.get("structure")()
    expected = on("cpu", network, samples, "distances")
    with fake_card(monkeypatch) as card:
        evidence = on("cuda", network, samples, "distances")
    assert card.log == ["up", "up"] * 3 + ["stop"]  # 20 pairs, 8 at once
    assert np.array_equal(evidence.distances, expected.distances)
