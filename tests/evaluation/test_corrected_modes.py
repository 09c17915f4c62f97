# SPDX-License-Identifier: MIT
"""Modes without a classifier's errors: simulated classifiers whose errors are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from ganbench.evaluation.corrected_modes import corrected_modes, expected_counts, least_samples
from ganbench.evaluation.evidence import Evidence
from ganbench.metrics.modes import Modes
from ganbench.metrics.modes_corrected import CorrectedModes

CLASSES = 10


def judged(labels, *, apart=3.0, seed=0):
    """Exact class probabilities of samples around the corners of a simplex: some look wrong."""
    random = np.random.default_rng(seed)
    labels = np.asarray(labels)
    samples = random.normal(size=(*labels.shape, CLASSES)) + apart * np.eye(CLASSES)[labels]
    return softmax(apart * samples, axis=-1).astype(np.float32)


def of(metric, probabilities):
    evidence = Evidence(len(probabilities), probabilities=probabilities)
    return metric().compute(evidence, evidence, seed=0)


@pytest.mark.parametrize("true", [1, 2, 5, 10])
@pytest.mark.parametrize("count", [200, 5000])
def test_classes_that_only_errors_fill_are_taken_out(true, count):
    probabilities = judged(np.arange(count) % true)
    assert of(CorrectedModes, probabilities).value == true
    value = of(Modes, probabilities)
    assert value.value == 10  # PacGAN's rule: one sample is enough
    assert f"{true} with the classifier's errors taken out" in value.note
    warned = f"only {true} of the 10 modes hold a tenth of an even share" in value.warning
    assert warned == (true < 10)


@pytest.mark.parametrize("true", [1, 10, 100])
def test_stacks_are_counted_by_tuples(true):
    random = np.random.default_rng(0)
    triples = random.choice(random.permutation(1000)[:true], 5000)
    stacks = np.stack([triples // 100, triples // 10 % 10, triples % 10], axis=1)
    probabilities = judged(stacks, apart=4.0)
    assert of(Modes, probabilities).value > 1.5 * true
    corrected = of(CorrectedModes, probabilities).value
    assert true <= corrected <= 1.25 * true + 2
    assert corrected < 0.6 * of(Modes, probabilities).value


def test_the_expected_counts_are_those_of_the_samples():
    labels = np.repeat([0, 1, 2], [2000, 900, 100])
    expected = expected_counts(judged(labels, apart=2.0)[:, None], np.arange(CLASSES))
    assert expected.sum() == pytest.approx(3000)
    np.testing.assert_allclose(expected[:3], [2000, 900, 100], atol=60)
    assert expected[3:].max() < 40


def test_a_sure_classifier_is_believed_from_a_tenth_of_an_even_share_on():
    certain = np.eye(CLASSES, dtype=np.float32)[np.repeat([0, 1, 2], [800, 189, 11])]
    assert of(CorrectedModes, certain).value == 3  # 10 is a tenth of an even share
    assert of(Modes, certain).warning == ""
    assert of(CorrectedModes, certain[:-2]).value == 2
    assert least_samples(1000, 10) == 10
    assert least_samples(20, 1000) == 0.5  # so that a single sure sample counts
    assert corrected_modes(certain[:1]) == 1


def test_the_order_of_samples_does_not_matter():
    probabilities = judged(np.arange(600) % 4, apart=2.0)
    assert corrected_modes(probabilities) == corrected_modes(probabilities[::-1].copy())
