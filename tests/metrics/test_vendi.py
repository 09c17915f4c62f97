# SPDX-License-Identifier: MIT
"""The Vendi score against closed forms, whole matrices, and simulations."""

from __future__ import annotations

import numpy as np
import pytest

from ganbench.errors import InputError
from ganbench.evaluation.evidence import Evidence
from ganbench.metrics.vendi import VendiScore, spectral_entropy


def drawn(count, size, *, seed=0):
    return np.random.default_rng(seed).normal(size=(count, size)) + 0.5


def vendi(features):
    evidence = Evidence(len(features), features=features)
    return VendiScore().compute(Evidence(0), evidence, seed=0)


def plainly(features):
    """exp of the entropy of the eigenvalues of the (N, N) matrix of cosines over N."""
    rows = features / np.linalg.norm(features, axis=1, keepdims=True)
    spectrum = np.linalg.eigvalsh(rows @ rows.T / len(rows))
    spectrum = spectrum[spectrum > 1e-12]
    return np.exp(-(spectrum * np.log(spectrum)).sum())


@pytest.mark.parametrize(("count", "size"), [(40, 100), (100, 40), (60, 60), (700, 6)])
def test_both_forms_are_that_of_the_whole_matrix(count, size):
    features = drawn(count, size)
    assert vendi(features).value == pytest.approx(plainly(features), rel=1e-9)
    assert vendi(3 * features.astype(np.float32)).value == pytest.approx(
        plainly(features), rel=1e-5
    )


@pytest.mark.parametrize("copies", [1, 30])
def test_orthogonal_samples_count_each_and_copies_do_not(copies):
    features = np.repeat(np.eye(7), copies, axis=0)
    assert vendi(features).value == pytest.approx(7.0)


def test_equal_samples_count_one_and_have_no_interval():
    value = vendi(np.ones((20, 4)))
    assert value.value == pytest.approx(1.0)
    assert value.low is None
    assert vendi(np.ones((1, 4))).value == pytest.approx(1.0)


def test_an_uneven_split_has_the_entropy_of_its_shares():
    features = np.repeat(np.eye(2), [30, 10], axis=0)
    expected = np.exp(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25)))
    assert vendi(features).value == pytest.approx(expected)


@pytest.mark.parametrize(("count", "size"), [(50, 20), (20, 50)])
def test_influences_are_derivatives_of_the_entropy(count, size):
    features = drawn(count, size)
    half = np.zeros(count, dtype=bool)
    computed = spectral_entropy(features, half)
    entropy, influences = computed.entropy, computed.influences
    assert len(computed.halves) == 0
    assert influences.mean() == pytest.approx(entropy, rel=1e-9)
    rows = features / np.linalg.norm(features, axis=1, keepdims=True)
    step = 1e-6
    weights = np.full(count, (1 - step) / count)
    weights[3] += step
    gram = (rows * weights[:, None]).T @ rows
    spectrum = np.linalg.eigvalsh(gram)
    spectrum = spectrum[spectrum > 1e-12]
    moved = -(spectrum * np.log(spectrum)).sum()
    assert (moved - entropy) / step == pytest.approx(influences[3] - entropy, rel=1e-3)


def test_the_bias_is_about_what_more_samples_would_add():
    limit = vendi(drawn(20_000, 12, seed=100)).value
    measured = [vendi(drawn(100, 12, seed=seed)) for seed in range(20)]
    missing = np.mean([value.value for value in measured]) - limit
    assert np.mean([value.bias for value in measured]) == pytest.approx(missing, rel=0.3)
    assert "with half of them" in vendi(drawn(60, 50)).warning


@pytest.mark.parametrize(("count", "size"), [(200, 16), (100, 20)])
def test_intervals_cover_the_expectation(judged, count, size):
    covered, spread = judged([vendi(drawn(count, size, seed=seed)) for seed in range(80)])
    assert covered >= 0.88
    assert 0.8 < spread < 1.25


def test_features_without_direction_are_refused():
    features = drawn(10, 4)
    features[3] = 0.0
    with pytest.raises(InputError, match="all 0"):
        vendi(features)
