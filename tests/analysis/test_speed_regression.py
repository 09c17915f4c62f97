# SPDX-License-Identifier: MIT
"""Is it slower than before: intervals that hold, and machines that are told apart."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_ind

from ganbench.analysis.speed_regression import changes, check_rounds, parse_share, ratio_interval
from ganbench.errors import ConfigError
from ganbench.records.speed_record import Rate, SpeedCase, SpeedRecord

HERE = {"processor": "A", "usable_cores": 2, "torch": {}}


def record(*speeds, environment=HERE, **settings):
    """A record with one case, whose rounds ran at these speeds."""
    fields = {
        "model": "dcgan", "tricks": (), "dataset": "mnist5k", "batch_size": 64, "device": "cpu",
        "precision": "fp32", "memory_format": "channels_last", "compile": False, "threads": 2,
        "status": "ok" if speeds else "failed",
        "training": Rate(speeds[0], speeds) if speeds else None, **settings,
    }  # fmt: skip
    return SpeedRecord(environment=environment, cases=(SpeedCase(**fields),))


def test_the_interval_is_that_of_welchs_test_on_logarithms():
    random = np.random.default_rng(0)
    now, before = np.exp(random.normal(5.0, 0.03, 7)), np.exp(random.normal(5.05, 0.08, 5))
    ratio, low, high = ratio_interval(list(now), list(before))
    test = ttest_ind(np.log(now), np.log(before), equal_var=False).confidence_interval(0.95)
    assert math.log(ratio) == pytest.approx(np.log(now).mean() - np.log(before).mean())
    assert (math.log(low), math.log(high)) == pytest.approx((test.low, test.high))


def test_it_covers_the_truth_as_often_as_it_says():
    random = np.random.default_rng(1)
    held = 0
    for _ in range(400):
        now, before = (np.exp(random.normal(mean, 0.1, 5)) for mean in (3.0, 3.2))
        _, low, high = ratio_interval(list(now), list(before))
        held += low <= math.exp(-0.2) <= high
    assert 0.92 <= held / 400 <= 0.98


@pytest.mark.parametrize(
    ("now", "before", "slower"),
    [
        ((90.0, 91.0, 89.0), (100.0, 101.0, 99.0), True),
        ((97.0, 98.0, 96.0), (100.0, 101.0, 99.0), False),  # less than the bound
        ((60.0, 130.0, 80.0), (100.0, 101.0, 99.0), False),  # it may be chance
        ((120.0, 121.0, 119.0), (100.0, 101.0, 99.0), False),
        ((50.0,), (100.0,), False),  # one round shows nothing
        ((), (100.0, 101.0), True),  # it fails now
    ],
)
def test_slower_is_beyond_the_bound_and_beyond_chance(now, before, slower):
    (change,) = changes(record(*now), record(*before), 0.05)
    assert change.slower is slower
    assert ("slower than allowed" in change.sentence) is slower
    (unbound,) = changes(record(*now), record(*before), None)
    assert not unbound.slower


def test_what_a_change_says_where_there_is_little_to_say():
    (single,) = changes(record(50.0), record(100.0, 101.0), None)
    assert single.sentence.endswith(
        "0.498 times as fast as before, without an interval, as one of the two had a single round."
    )
    (gone,) = changes(record(), record(100.0, 101.0), None)
    assert gone.sentence.endswith(": was measured before, and no longer runs.")


@pytest.mark.parametrize(("speeds", "rounds"), [((100.0, 101.0), 1), ((100.0,), 5)])
def test_a_loss_that_cannot_be_shown_is_refused_before_anything_is_measured(speeds, rounds):
    with pytest.raises(ConfigError, match="two or more rounds"):
        check_rounds(record(*speeds), rounds)
    check_rounds(record(100.0, 101.0), 2)
    check_rounds(record(), 2)  # it did not run then


@pytest.mark.parametrize(
    "elsewhere",
    [{**HERE, "processor": "B"}, {**HERE, "usable_cores": 8}, {**HERE, "torch": {"gpu": "C"}}],
)
def test_another_machine_is_no_baseline(elsewhere):
    with pytest.raises(ConfigError, match="measured elsewhere"):
        changes(record(1.0), record(1.0, environment=elsewhere), 0.05)


def test_other_cases_are_no_baseline():
    with pytest.raises(ConfigError, match="none of these cases"):
        changes(record(1.0), record(1.0, batch_size=32), 0.05)


@pytest.mark.parametrize("text", ["5", "x%", "-1%", "100%", "%"])
def test_a_share_is_a_percentage(text):
    with pytest.raises(ConfigError, match="no share"):
        parse_share(text)
