# SPDX-License-Identifier: MIT
"""The best evaluation: chosen by some samples, reported on others."""

import random
from statistics import fmean

import pytest
from histories import evaluation

from ganbench.harness.best_evaluation import APART, best_evaluation, is_best, leading_metric


def row(kimg, value, apart=None, better="lower", name="fid@mnist-cnn"):
    """Return the row of an evaluation, which was measured once more if it was the best so far."""
    made = evaluation(kimg, {"modes": {"value": 8.0, "better": "higher"}})
    made["metrics"][name] = {"value": value, "better": better}
    return made if apart is None else {**made, APART: {name: {"value": apart, "better": better}}}


def test_the_metric_that_chooses_is_the_primary_one():
    metrics = row(1, 3.0)["metrics"]
    assert leading_metric(metrics) == "fid@mnist-cnn"
    assert leading_metric({"modes": {"value": 3}, "precision": {"value": 1}}) == "modes"
    assert leading_metric({"fid": {"value": None}, "modes": {"value": 3}}) == "modes"
    assert leading_metric({}) is None


@pytest.mark.parametrize(
    ("better", "value", "expected"),
    [
        ("lower", 2.0, True),
        ("lower", 3.0, False),
        ("lower", 4.0, False),
        ("higher", 4.0, True),
        ("higher", 3.0, False),
        ("higher", 2.0, False),
    ],
)
def test_better_is_what_the_metric_says(better, value, expected):
    earlier = [row(1, 3.0, better=better)]
    assert is_best(row(2, value, better=better)["metrics"], earlier) == expected


def test_the_first_evaluation_is_the_best_so_far_and_one_without_values_never_is():
    assert is_best(row(1, 3.0)["metrics"], [])
    assert is_best(row(2, 3.0)["metrics"], [evaluation(1, {})])
    assert not is_best({}, [])


def test_the_best_is_reported_on_samples_apart():
    rows = [row(1, 9.0, 9.5), row(2, 4.0, 4.8), row(3, 6.0)]
    assert best_evaluation(rows) == {
        "kimg": 2.0,
        "metric": "fid@mnist-cnn",
        "chosen_by": 4.0,
        "metrics": {"fid@mnist-cnn": {"value": 4.8, "better": "lower"}},
    }


def test_there_is_no_best_without_a_choice():
    assert best_evaluation([]) == {}
    assert best_evaluation([row(1, 3.0, 3.1)]) == {}
    assert best_evaluation([row(1, 3.0), row(2, 4.0)]) == {}, "an older run was measured once"
    assert best_evaluation([row(1, 3.0, 3.1), evaluation(2, {})]) == {}


def test_what_is_reported_is_unbiased_and_what_chose_is_not():
    """Every generator is equally good: the least of ten noisy values says less than it seems."""
    noise = random.Random(0)
    chosen, reported = [], []
    for _ in range(400):
        rows = []
        for kimg in range(1, 11):
            made = row(kimg, 10 + noise.gauss(0, 1), 10 + noise.gauss(0, 1))
            if not is_best(made["metrics"], rows):
                del made[APART]
            rows.append(made)
        best = best_evaluation(rows)
        chosen.append(best["chosen_by"])
        reported.append(best["metrics"][best["metric"]]["value"])
    assert fmean(reported) == pytest.approx(10, abs=0.2)
    assert fmean(chosen) < 9
