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


def images(share):
    """Return images of which a share are the training examples."""
    random = torch.Generator().manual_seed(7)
    data = torch.randint(0, 256, (COUNT, 1, 8, 8), generator=random, dtype=torch.uint8)
    samples = torch.randint(0, 256, (COUNT, 1, 8, 8), generator=random, dtype=torch.uint8)
    samples[: round(share * COUNT)] = data[: round(share * COUNT)]
    return data, samples


def mifid(penalties, floor=2.0, name="mifid@pixels", plain="fid@pixels"):
    """Return a course of FID and MiFID; a penalty is their ratio."""
    rows = [
        evaluation(
            index,
            {
                plain: {"value": 10.0, "floor": 1.0},
                name: {"value": 10.0 * penalty, "floor": floor},
            },
        )
        for index, penalty in enumerate(penalties)
    ]
    return History([], rows)


@pytest.mark.parametrize(
    ("penalties", "expected"),
    [
        ((1.0, 5.0), True),
        ((1.0, 3.9), False),  # the penalty of held-out real samples is 2
        ((6.0, 5.0), False),
        ((5.0,), False),
    ],
)
def test_the_penalty_of_mifid_counts_where_it_exceeds_that_of_real_samples(penalties, expected):
    assert bool(_find(mifid(penalties))) == expected


def test_mifid_needs_the_fid_of_the_same_network():
    assert not _find(mifid((1.0, 5.0), plain="fid"))
    assert not _find(mifid((1.0, 5.0), floor=None))


def test_mifid_as_it_is_measured():
    data, _ = images(0.0)
    reference = Reference(
        Dataset(DataSpec("noise", "1", (1, 8, 8)), "train", data),
        metrics=["fid@pixels", "mifid@pixels"],
    )
    rows = []
    for index, share in enumerate((0.0, 0.9)):
        measured = reference.evaluate(images(share)[1])
        records = {name: measurement.record() for name, measurement in measured.items()}
        rows.append(evaluation(index, records))
    assert _find(History([], rows[:1])) is None
    found = _find(History([], rows))
    assert found is not None
    assert "mifid@pixels" in found.message


def test_it_is_not_looked_for_where_neither_was_measured():
    assert _lacking(History([], [evaluation(1, {"fid": 3.0})] * 2))
    assert not _lacking(mifid((1.0, 1.0)))
