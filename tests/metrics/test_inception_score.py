# SPDX-License-Identifier: MIT
"""The Inception Score against closed forms, torch-fidelity, and the delta method."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench.errors import ConfigError, InputError
from ganbench.evaluation.evidence import Evidence
from ganbench.metrics.inception_score import InceptionScore, split_scores


def predictions(seed, count=200, shape=(10,), sharpness=3.0):
    logits = np.random.default_rng(seed).normal(size=(count, *shape)) * sharpness
    return logits, np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)


def score(probabilities, seed=0):
    evidence = Evidence(len(probabilities), probabilities=probabilities)
    return InceptionScore().compute(evidence, evidence, seed=seed)


def divergences(probabilities):
    """KL(p(y|x) || p(y)) of each sample."""
    marginal = probabilities.mean(axis=0)
    return (probabilities * np.log(probabilities / marginal)).sum(axis=1)


def test_one_answer_for_all_gives_one():
    value = score(np.full((50, 10), 0.1))
    assert value.value == pytest.approx(1.0, abs=1e-12)
    assert value.low is None
    assert "no interval" in value.note


def test_sure_and_balanced_answers_give_the_number_of_classes():
    assert score(np.eye(7)[np.arange(70) % 7]).value == pytest.approx(7.0, rel=1e-12)


def test_sure_and_balanced_triples_give_a_thousand():
    digits = np.array([[n // 100, n // 10 % 10, n % 10] for n in range(1000)])
    assert score(np.eye(10)[digits]).value == pytest.approx(1000.0, rel=1e-12)
    same = np.eye(10)[np.arange(1000) % 10][:, None].repeat(3, axis=1)  # 000, 111, ... 999
    assert score(same).value == pytest.approx(10.0, rel=1e-12)


def test_two_hand_computed_samples():
    # p(y) is (1/2, 1/2); each sample's divergence is 0.9 log 1.8 + 0.1 log 0.2.
    expected = np.exp(0.9 * np.log(1.8) + 0.1 * np.log(0.2))
    assert score(np.array([[0.9, 0.1], [0.1, 0.9]])).value == pytest.approx(expected, rel=1e-12)


def by_torch_fidelity(features, weights, splits):
    """Its score of features (N, d) behind a final layer, as of its 'logits_unbiased'."""
    metric_isc = pytest.importorskip("torch_fidelity.metric_isc")
    logits = torch.from_numpy(features).mm(torch.from_numpy(weights).T)
    scores = metric_isc.isc_features_to_metric(logits, splits=splits, shuffle=True, rng_seed=2020)
    return scores["inception_score_mean"], scores["inception_score_std"], logits


@pytest.mark.parametrize("count", [37, 400])
def test_agrees_with_torch_fidelity_behind_a_synthetic_final_layer(count):
    random = np.random.default_rng(0)
    features = np.abs(random.normal(size=(count, 64))).astype(np.float32)
    weights = (0.3 * random.normal(size=(1008, 64))).astype(np.float32)
    mean, _, logits = by_torch_fidelity(features, weights, 1)
    probabilities = logits.softmax(dim=1).numpy()
    assert score(probabilities).value == pytest.approx(mean, abs=1e-4)
    mean, spread, _ = by_torch_fidelity(features, weights, 10)
    assert split_scores(probabilities) == pytest.approx((mean, spread), abs=1e-4)
    assert f"10 splits would give {mean:.4g} +- {spread:.2g}" in score(probabilities).note


def test_splits_are_parts_of_a_shuffle_or_of_the_order_given():
    _, probabilities = predictions(4, count=23)
    parts = [probabilities[i * 23 // 4 : (i + 1) * 23 // 4] for i in range(4)]
    scores = [np.exp(divergences(part).mean()) for part in parts]
    in_order = split_scores(probabilities, 4, shuffle_seed=None)
    assert in_order == pytest.approx((np.mean(scores), np.std(scores)), rel=1e-10)
    assert split_scores(probabilities, 4)[0] != pytest.approx(in_order[0], rel=1e-6)
    assert "splits" not in score(probabilities[:9]).note
    with pytest.raises(ValueError, match="9 samples cannot be split into 10 parts"):
        split_scores(probabilities[:9])


def test_channels_are_the_factors_of_a_product():
    _, probabilities = predictions(2, count=5000, shape=(2, 4), sharpness=2.0)
    joint = np.einsum("na,nb->nab", probabilities[:, 0], probabilities[:, 1]).reshape(5000, 16)
    value = score(probabilities)
    assert value.value == pytest.approx(np.exp(divergences(joint).mean()), rel=1e-10)
    assert value.value == pytest.approx(score(joint).value, rel=1e-10)
    assert value.high == pytest.approx(score(joint).high, rel=1e-10)


def test_the_bootstrap_agrees_with_the_delta_method():
    _, probabilities = predictions(3, count=2000)
    value = score(probabilities)
    error = divergences(probabilities).std(ddof=1) / np.sqrt(2000)
    assert np.log(value.high / value.value) == pytest.approx(1.96 * error, rel=0.2)
    assert np.log(value.value / value.low) == pytest.approx(np.log(value.high / value.value))


def test_the_interval_covers_the_expectation():
    values = [score(predictions(100 + i)[1]) for i in range(200)]
    expectation = np.mean([value.value for value in values])
    covered = np.mean([value.low <= expectation <= value.high for value in values])
    assert covered >= 0.90


@pytest.mark.parametrize(("count", "classes"), [(60, 10), (400, 10), (2000, 100)])
def test_the_bias_is_what_is_missing_to_infinitely_many(count, classes):
    random = np.random.default_rng(0)
    _, population = predictions(5, count=20000, shape=(classes,), sharpness=2.0)
    truth = np.exp(divergences(population).mean())
    values = [score(population[random.integers(20000, size=count)]) for _ in range(100)]
    missing = np.array([value.value for value in values]) - truth
    error = missing.std() / 10
    bias = np.mean([value.bias for value in values])
    assert bias < 0
    assert bias == pytest.approx(missing.mean(), abs=3 * error + 0.25 * abs(bias))


def test_a_score_that_lacks_much_is_warned_about():
    _, probabilities = predictions(6, count=30, shape=(100,))
    few = score(probabilities)
    assert few.bias < -0.1 * few.value
    assert f"at least {-few.bias:.3g} is missing from the {few.value:.3g}" in few.warning
    assert score(predictions(6, count=2000)[1]).warning == ""


def test_float32_on_disk_is_read_in_blocks(tmp_path):
    _, probabilities = predictions(7, count=4500)
    mapped = np.memmap(tmp_path / "rows", np.float32, "w+", shape=probabilities.shape)
    mapped[:] = probabilities
    assert score(mapped).value == pytest.approx(score(probabilities).value, rel=1e-6)
    mapped[4321, 3] = np.inf
    with pytest.raises(InputError, match="finite"):
        score(mapped)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_order_does_not_matter_and_bounds_hold(seed):
    _, probabilities = predictions(seed, count=40, shape=(5,))
    value = score(probabilities)
    shuffled = np.random.default_rng(seed).permutation(probabilities)
    assert score(shuffled).value == pytest.approx(value.value, rel=1e-12)
    assert 1 <= value.low <= value.value <= value.high <= 5


def test_what_cannot_be_computed_says_so():
    with pytest.raises(InputError, match="at least 2 samples, not 1"):
        score(np.full((1, 10), 0.1))
    with pytest.raises(InputError, match="finite"):
        score(np.full((4, 10), np.nan))
    assert not InceptionScore.compares
    with pytest.raises(ConfigError, match="probabilities"):
        InceptionScore().compute(Evidence(3), Evidence(3), seed=0)
