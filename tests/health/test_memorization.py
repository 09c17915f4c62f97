# SPDX-License-Identifier: MIT
"""Samples that turn into copies of the training examples, measured by the metrics themselves."""

import pytest
import torch
from histories import evaluation

from ganbench.data.dataset import Dataset
from ganbench.evaluation.reference import Reference
from ganbench.gan import DataSpec
from ganbench.health.history import History
from ganbench.health.memorization import _find, _lacking

COUNT = 400


def points(seed):
    """Return points from a normal distribution in the plane."""
    return torch.randn(COUNT, 2, generator=torch.Generator().manual_seed(seed))


def authenticity(copied):
    """Return the course of authpct as the share of copies among samples grows."""
    reference = Reference(
        Dataset(DataSpec("normal", "1", (2,)), "train", points(0)), metrics=["authpct"]
    )
    rows = []
    for index, share in enumerate(copied):
        samples = points(index + 1)
        count = round(share * COUNT)
        samples[:count] = points(0)[:count] + 1e-3 * points(99)[:count]
        (record,) = (measured.record() for measured in reference.evaluate(samples).values())
        rows.append(evaluation(index, {"authpct": record}))
    return History([], rows)


def test_a_growing_share_of_copies_is_found():
    found = _find(authenticity([0.0, 0.1, 0.5]))
    assert found is not None
    assert "authpct" in found.message


@pytest.mark.parametrize("copied", [[0.0, 0.0, 0.0], [0.6, 0.3, 0.0]])
def test_fresh_samples_are_no_copies(copied):
    assert _find(authenticity(copied)) is None


def test_copies_from_the_start_do_not_grow():
    assert _find(authenticity([0.5, 0.5])) is None


def test_it_is_not_looked_for_where_it_was_not_measured_twice():
    assert _lacking(History([], [evaluation(1, {"mifid": 3.0})] * 2))
    assert _lacking(authenticity([0.0]))
    assert not _lacking(authenticity([0.0, 0.0]))


def test_a_network_of_its_own_has_a_course_of_its_own():
    copies = {"value": 0.2, "low": 0.1, "high": 0.3, "floor": 0.7}
    fresh = {"value": 0.9, "low": 0.8, "high": 1.0, "floor": 0.7}
    one, other = "authpct@inception", "authpct@mnist-cnn"
    rows = [evaluation(1, {one: fresh, other: copies}), evaluation(2, {other: copies})]
    assert _find(History([], rows)) is None
    assert _find(History([], [*rows, evaluation(3, {one: copies})])) is not None


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ({"value": 0.6, "high": 0.64, "floor": 0.7}, True),
        ({"value": 0.6, "high": 0.66, "floor": 0.7}, False),
        ({"value": 0.6, "high": 0.64, "floor": None}, False),
        ({"value": 0.6, "high": None, "floor": 0.7}, False),
    ],
)
def test_the_interval_must_lie_below_the_floor(now, expected):
    rows = [evaluation(1, {"authpct": {"value": 0.9, "low": 0.8}}), evaluation(2, {"authpct": now})]
    assert bool(_find(History([], rows))) == expected
