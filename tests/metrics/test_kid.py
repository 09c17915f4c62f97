# SPDX-License-Identifier: MIT
"""KID against hand-computed cases, torch-fidelity, full matrices, and simulations."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganbench.errors import ConfigError, InputError
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.math import kernels
from ganbench.evaluation.protocol import PROTOCOL_SEED
from ganbench.metrics import kid
from ganbench.metrics.kid import FullKernelDistance, KernelDistance, draw_subsets, polynomial

OPTIONS = {
    "kid_subsets": 20,
    "kid_subset_size": 300,
    "rng_seed": 2020,
    "verbose": False,
    "kid_kernel": "poly",
    "kid_kernel_poly_degree": 3,
    "kid_kernel_poly_gamma": None,
    "kid_kernel_poly_coef0": 1,
}


def drawn(count, size, *, seed=0, scale=1.0, shift=0.0):
    return scale * np.random.default_rng(seed).normal(size=(count, size)) + shift


def of(metric, real, fake, seed=0):
    real, fake = Evidence(len(real), features=real), Evidence(len(fake), features=fake)
    return metric().compute(real, fake, seed=seed)


def plainly(real, fake):
    """The unbiased estimate from whole matrices."""
    own = [polynomial(side, side) for side in (real, fake)]
    means = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in own]
    return sum(means) - 2 * polynomial(real, fake).mean()


def test_two_and_two_samples_by_hand():
    # d = 1: k(x, y) = (xy + 1)^3. Within {0, 1}: 1; within {1, 2}: 27; between: 1, 1, 8, 27.
    real, fake = np.array([[0.0], [1.0]]), np.array([[1.0], [2.0]])
    expected = 1 + 27 - 2 * (1 + 1 + 8 + 27) / 4
    assert of(FullKernelDistance, real, fake).value == pytest.approx(expected)
    assert of(KernelDistance, real, fake).value == pytest.approx(expected)


def test_the_full_statistic_is_that_of_whole_matrices(monkeypatch):
    real, fake = drawn(130, 7), drawn(90, 7, seed=1, scale=1.2)
    expected = plainly(real, fake)
    assert of(FullKernelDistance, real, fake).value == pytest.approx(expected, rel=1e-12)
    monkeypatch.setattr(kernels, "_BLOCK", 32)
    real, fake = real.copy(), fake.copy()
    assert of(FullKernelDistance, real, fake).value == pytest.approx(expected, rel=1e-12)
    monkeypatch.setattr(kid, "_AT_ONCE", 100)
    assert of(FullKernelDistance, real, fake).value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("at_once", [20_000, 100])
def test_subsets_are_those_of_torch_fidelity(monkeypatch, at_once):
    theirs = pytest.importorskip("torch_fidelity.metric_kid").kid_features_to_metric
    monkeypatch.setattr(kid, "_AT_ONCE", at_once)
    monkeypatch.setattr(kid, "SAMPLED", 200)
    monkeypatch.setattr(kernels, "_BLOCK", 128)
    assert (kid._SUBSETS, kid.SUBSET_SIZE, PROTOCOL_SEED) == (100, 1000, 2020)
    monkeypatch.setattr(kid, "_SUBSETS", 20)
    monkeypatch.setattr(kid, "SUBSET_SIZE", 300)
    real, fake = drawn(420, 8), drawn(350, 8, seed=1, scale=1.1)
    expected = theirs(torch.from_numpy(fake), torch.from_numpy(real), **OPTIONS)
    value = of(KernelDistance, real, fake)
    assert value.value == pytest.approx(expected["kernel_inception_distance_mean"], rel=1e-10)
    assert draw_subsets(real, fake, 0).values.std() == pytest.approx(
        expected["kernel_inception_distance_std"], rel=1e-8
    )
    single = theirs(torch.from_numpy(fake).float(), torch.from_numpy(real).float(), **OPTIONS)
    assert value.value == pytest.approx(single["kernel_inception_distance_mean"], abs=1e-6)


def test_few_samples_make_smaller_subsets_and_a_warning():
    value = of(KernelDistance, drawn(50, 6), drawn(70, 6, seed=1))
    assert "50 samples here, not 1,000" in value.warning
    assert not of(FullKernelDistance, drawn(50, 6), drawn(70, 6, seed=1)).warning


def test_equal_distributions_give_values_on_both_sides_of_zero():
    values = [of(FullKernelDistance, drawn(60, 5), drawn(60, 5, seed=s)).value for s in range(1, 9)]
    real = drawn(3000, 5, seed=100)
    values += [of(FullKernelDistance, real, drawn(60, 5, seed=s)).value for s in range(1, 9)]
    assert min(values) < 0 < max(values)


@pytest.mark.parametrize(
    ("counts", "scale", "shift"), [((100, 100), 1.0, 0.0), ((200, 80), 1.2, 0.3)]
)
def test_intervals_cover_the_expectation(monkeypatch, counts, scale, shift):
    monkeypatch.setattr(kid, "SUBSET_SIZE", 60)
    real = drawn(counts[0], 12)
    rows = []
    for trial in range(80):
        fake = drawn(counts[1], 12, seed=trial + 1, scale=scale, shift=shift)
        measured = [of(metric, real, fake) for metric in (KernelDistance, FullKernelDistance)]
        rows.append([(value.low, value.value, value.high) for value in measured])
    low, values, high = np.moveaxis(np.array(rows), 2, 0)
    expectation = values.mean(axis=0)
    covered = ((low <= expectation) & (expectation <= high)).mean(axis=0)
    assert (covered >= 0.85).all(), covered
    spread = (high - low).mean(axis=0) / 3.92 / values.std(axis=0)
    assert (spread > 0.8).all(), spread
    assert (spread < 1.25).all(), spread


def test_the_interval_has_the_noise_of_the_subsets_too(monkeypatch):
    monkeypatch.setattr(kid, "SUBSET_SIZE", 40)
    real, fake = drawn(90, 6), drawn(80, 6, seed=1)
    value, full = of(KernelDistance, real, fake), of(FullKernelDistance, real, fake)
    noise = 1.96**2 * draw_subsets(real, fake, 0).values.var(ddof=1) / 100
    widths = [(measured.high - measured.low) / 2 for measured in (value, full)]
    assert widths[0] ** 2 - widths[1] ** 2 == pytest.approx(noise)


@pytest.mark.parametrize("metric", [KernelDistance, FullKernelDistance])
def test_what_cannot_be_measured_is_said_in_a_sentence(metric):
    with pytest.raises(ConfigError, match="needs features"):
        metric().compute(Evidence(5, features=drawn(5, 2)), Evidence(5), seed=0)
    with pytest.raises(InputError, match="at least 2"):
        of(metric, drawn(5, 2), drawn(1, 2))
    with pytest.raises(InputError, match="finite"):
        of(metric, drawn(5, 2) * np.inf, drawn(5, 2))
    same = of(metric, np.ones((30, 4)), np.ones((30, 4)))
    assert same.value == pytest.approx(0.0, abs=1e-12)
    assert same.low is None
