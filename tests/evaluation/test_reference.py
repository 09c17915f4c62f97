# SPDX-License-Identifier: MIT
"""Many metrics in one pass: their names, their values, and the errors."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from ganbench.data import open_dataset
from ganbench.data.dataset import Dataset
from ganbench.errors import ConfigError, InputError, MissingDataError, UnknownNameError
from ganbench.evaluation.feature_network import FeatureNetwork
from ganbench.evaluation.reference import Reference
from ganbench.evaluation.requests import MIXTURE_METRICS, OWN_METRICS, POINT_METRICS
from ganbench.gan import DataSpec
from ganbench.samples.sample_set import of_dataset, of_tensor


def evaluate_once(real, fake, **options):
    return Reference(real, **options).evaluate(fake)


def test_real_digits_stand_at_their_floor(digits):
    half = torch.randperm(1000, generator=torch.Generator().manual_seed(1))
    measured = evaluate_once(digits.take(half[:500]), digits.take(half[500:]).values)
    assert list(measured) == ["fid@mnist-cnn", "is@mnist-cnn", "modes", "reverse-kl"]
    noise = evaluate_once(digits, torch.rand(500, 1, 28, 28) * 2 - 1, metrics=["fid@mnist-cnn"])
    fid, score = measured["fid@mnist-cnn"], measured["is@mnist-cnn"]
    assert fid.value < 0.01 * noise["fid@mnist-cnn"].value
    assert fid.value < 5 * fid.floor
    assert 9 < score.low < score.value < score.high <= 10
    assert score.floor == pytest.approx(score.value, abs=0.3)
    assert measured["modes"].value == measured["modes"].floor == 10
    assert measured["reverse-kl"].value < 0.05


def test_a_mixture_is_measured_against_its_density(square):
    values = torch.cat([square.values[:90], torch.full((10, 2), 2.0)])
    measured = evaluate_once(square, values)
    assert tuple(measured) == MIXTURE_METRICS
    assert measured["modes"].value == 4
    assert measured["high-quality"].value <= 0.9
    assert measured["high-quality"].floor >= 0.95
    assert 0 < measured["reverse-kl"].floor < 0.1
    assert measured["modes"].protocol == ("modes/v1/nearest-center<=3sigma/square:v1/n_fake=100")


def test_the_seed_moves_intervals_and_neither_values_nor_protocols(digits):
    reference = Reference(digits)
    first, second = (reference.evaluate(digits.values[:50], seed=seed) for seed in (0, 1))
    again = reference.evaluate(digits.values[:50], seed=0)
    assert again == first
    for name in first:
        assert second[name].value == first[name].value
        assert second[name].floor == first[name].floor
        assert second[name].protocol == first[name].protocol
    assert second["is@mnist-cnn"].low != first["is@mnist-cnn"].low


def test_a_folder_is_named_without_its_place(noise):
    folder = replace(noise, spec=replace(noise.spec, name="/home/someone/photos/"))
    (measured,) = evaluate_once(folder, noise.values, metrics=["fid@pixels"]).values()
    assert "/photos:v3/" in measured.protocol
    assert "someone" not in measured.protocol


def test_stacked_digits_are_read_channel_by_channel(digits):
    spec = DataSpec("stacks", "1", (3, 28, 28), 1000, network="mnist-cnn")
    stacks = Dataset(spec, "train", digits.values[:300].view(100, 3, 28, 28))
    measured = evaluate_once(stacks, stacks.values)
    triples = digits.labels[:300].view(100, 3) @ torch.tensor([100, 10, 1])
    assert measured["modes"].value == pytest.approx(len(triples.unique()), abs=5)
    assert measured["is@mnist-cnn"].value > 50
    assert "/per-channel/" in measured["modes"].protocol
    assert measured["fid@mnist-cnn"].value == pytest.approx(0, abs=1e-6)
    color = replace(stacks, spec=replace(spec, classes=10))
    plain = evaluate_once(color, stacks.values)
    assert plain["modes"].value <= 10
    assert "per-channel" not in plain["modes"].protocol


def test_floats_and_integers_are_the_same_images(noise):
    reference = Reference(noise)
    floats = reference.evaluate(noise.values[:30].float() * (2 / 255) - 1)
    assert floats == reference.evaluate(noise.values[:30])


def test_a_plain_name_means_the_network_of_the_paper(noise, monkeypatch, tmp_path):
    names = ["fid@mnist-cnn", "FID@mnist_cnn", "modes"]
    assert list(evaluate_once(noise, noise.values, metrics=names)) == ["fid@mnist-cnn", "modes"]
    standing_in = evaluate_once(
        noise, noise.values, metrics=["fid", "modes"], network="fashion-cnn"
    )
    assert list(standing_in) == ["fid@fashion-cnn", "modes@fashion-cnn"]
    monkeypatch.setenv("GANBENCH_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("GANBENCH_OFFLINE", "1")
    with pytest.raises(MissingDataError) as raised:
        evaluate_once(noise, noise.values, metrics=["fid"])
    assert "ganbench weights fetch inception" in raised.value.hint


def test_without_names_the_network_of_the_data_measures(noise):
    unknown = replace(noise, spec=replace(noise.spec, network=None))
    assert evaluate_once(unknown, noise.values) == {}
    measured = evaluate_once(unknown, noise.values, network="mnist-cnn")
    assert {name.partition("@")[0] for name in measured} == set(OWN_METRICS)
    named = evaluate_once(unknown, noise.values, metrics=["modes@mnist-cnn"])
    assert list(named) == ["modes@mnist-cnn"]
    with pytest.raises(ConfigError, match="classifier") as raised:
        evaluate_once(unknown, noise.values, metrics=["modes"])
    assert "modes@" in raised.value.hint


def test_unknown_names_suggest_the_nearest(noise):
    with pytest.raises(UnknownNameError, match="Did you mean 'fid'"):
        Reference(noise, metrics=["fidd"])
    with pytest.raises(UnknownNameError, match="mnist-cnn"):
        Reference(noise, metrics=["fid@mnist-cn"])


def test_metrics_that_do_not_suit_the_data_are_refused(noise, square):
    with pytest.raises(ConfigError, match="points"):
        Reference(noise, metrics=["high-quality"])
    for name in ("is", "fid@mnist-cnn", "modes@mnist-cnn", "lpips"):
        with pytest.raises(ConfigError, match="holds points"):
            Reference(square, metrics=[name])
    free = replace(square, spec=replace(square.spec, mixture=None))
    assert list(evaluate_once(free, square.values)) == [f"{name}@points" for name in POINT_METRICS]
    with pytest.raises(ConfigError, match="mixture"):
        Reference(free, metrics=["modes"])


def test_a_diverged_generator_is_named_before_any_network_runs(noise, square, monkeypatch):
    monkeypatch.setattr(FeatureNetwork, "begin", lambda *given, **more: pytest.fail("it ran"))
    fakes = torch.zeros(10, 1, 28, 28)
    fakes[3, 0, 5, 5], fakes[4, 0, 0, 0] = math.nan, math.inf
    with pytest.raises(InputError, match=r"2 of 10 samples .* diverged"):
        evaluate_once(noise, fakes)
    with pytest.raises(InputError, match=r"1 of 2 samples .* diverged"):
        evaluate_once(square, torch.tensor([[0.0, 0.0], [math.nan, 0.0]]))


@pytest.mark.parametrize(
    "fakes",
    [
        torch.zeros(10, 28, 28),
        torch.zeros(10, 3, 28, 28),
        torch.zeros(0, 1, 28, 28),
        torch.zeros(10, 1, 28, 28, dtype=torch.int64),
    ],
)
def test_samples_of_another_kind_are_refused(noise, fakes):
    with pytest.raises(InputError, match=r"must be"):
        evaluate_once(noise, fakes)


def test_points_of_another_kind_are_refused(square):
    for fakes in (torch.zeros(5, 3), torch.zeros(0, 2), torch.zeros(5, 2, dtype=torch.uint8)):
        with pytest.raises(InputError, match="must be"):
            evaluate_once(square, fakes)


def test_one_sample_is_too_few_and_identical_ones_are_said_to_be(noise, square):
    with pytest.raises(InputError, match=r"at least 2 .*samples, not 1"):
        evaluate_once(noise, noise.values[:1])
    identical = evaluate_once(noise, noise.values[:1].expand(50, -1, -1, -1))
    for measurement in identical.values():
        assert math.isfinite(measurement.value)
        assert measurement.low is None
        assert "all samples are identical" in measurement.note
    (single,) = evaluate_once(square, square.values[:1], metrics=["high-quality"]).values()
    assert single.high - single.low > 0.7


def test_a_value_that_does_not_exist_is_recorded_as_none(square):
    lost = evaluate_once(square, torch.full((20, 2), 2.0))["reverse-kl"]
    assert math.isnan(lost.value)
    record = lost.record()
    assert record["value"] is None
    assert list(record) == [
        "value", "low", "high", "n", "n_real", "floor", "bias", "protocol", "better", "unit",
        "note", "warning", "floor_note",
    ]  # fmt: skip


@pytest.fixture
def splits():
    source = open_dataset("mnist5k")
    return of_dataset(source.load("train")), of_dataset(source.load("test"))


def test_the_protocol_names_both_splits(splits, digits):
    training, held_out = splits
    names = [f"{name}@pixels" for name in ("fid-train", "fid-test", "fid-gap", "data-copying")]
    small = of_tensor(digits.values[:200])
    reference = Reference(
        training, metrics=["fid@mnist-cnn", "fid-gap@mnist-cnn"], held_out=held_out
    )
    found = reference.evaluate(small)
    protocol = found["fid-gap@mnist-cnn"].protocol
    version = held_out.facts.version
    assert f"/split=train/n_real=4000/n_fake=200/held-out=mnist5k:v{version}:test" in protocol
    assert protocol.endswith("/n_held=1000")
    assert "held-out" not in found["fid@mnist-cnn"].protocol
    assert found["fid-gap@mnist-cnn"].floor == 0.0
    with pytest.raises(ConfigError, match="compares with held-out real samples, and none"):
        Reference(training, metrics=names)


def test_without_held_out_samples_the_other_metrics_are_measured(splits, digits):
    names = ["fid-gap@mnist-cnn", "fid@mnist-cnn"]
    outcome = Reference(splits[0], metrics=names, partial=True).measure(digits.values[:50])
    assert list(outcome.measured) == ["fid@mnist-cnn"]
    assert "--held-out" in outcome.failed["fid-gap@mnist-cnn"].hint
