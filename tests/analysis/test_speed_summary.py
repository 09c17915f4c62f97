# SPDX-License-Identifier: MIT
"""What measurements of speed come to: spreads, overlaps and shares."""

from __future__ import annotations

from typing import Any

import pytest

from ganbench.analysis.speed_summary import (
    images_per_second,
    iteration_milliseconds,
    part_times,
    products_share_of_ceiling,
    rate_of,
    rate_spread,
    rounds_overlap,
)
from ganbench.records.speed_record import Rate, SpeedCase


def case(**figures: Any) -> SpeedCase:
    return SpeedCase(
        model="dcgan",
        tricks=(),
        dataset="mnist5k",
        batch_size=64,
        device="cpu",
        precision="fp32",
        memory_format="channels_last",
        compile=False,
        threads=1,
        status="ok",
        **figures,
    )


def test_a_speed_is_the_median_with_the_slowest_and_the_fastest_round() -> None:
    spread = rate_spread(Rate(812.0, (815.0, 700.0, 812.0)))
    assert spread is not None
    assert (spread.value, spread.low, spread.high, spread.n) == (812.0, 700.0, 815.0, 3)
    alone = rate_spread(Rate(812.0, (812.0,)))
    assert alone is not None
    assert (alone.low, alone.high, alone.n) == (None, None, 1)
    assert rate_spread(None) is rate_spread(Rate()) is None


def test_training_and_sampling_are_told_apart() -> None:
    both = case(training=Rate(10.0, (10.0,)), sampling=Rate(40.0, (40.0,)))
    assert rate_of(both, "training") == Rate(10.0, (10.0,))
    assert images_per_second(both, "sampling") == 40.0
    assert (
        images_per_second(case(), "training")
        == images_per_second(case(training=Rate()), "training")
        == 0.0
    )


def test_rounds_overlap_where_the_slower_case_reaches_the_faster_one() -> None:
    fast = Rate(812.0, (800.0, 812.0, 815.0))
    assert rounds_overlap(fast, Rate(805.0, (790.0, 805.0)))
    assert rounds_overlap(fast, Rate(799.0, (790.0, 800.0)))
    assert not rounds_overlap(fast, Rate(700.0, (700.0, 799.9)))
    assert not rounds_overlap(fast, Rate(805.0))
    assert not rounds_overlap(None, fast)


def test_products_run_faster_than_the_whole() -> None:
    figures = {"share_of_ceiling": 0.2, "profile": {"products": 0.5, "copies": 0.5}}
    assert products_share_of_ceiling(case(**figures)) == pytest.approx(0.4)
    assert products_share_of_ceiling(case(profile={"products": 0.5})) is None
    assert products_share_of_ceiling(case(share_of_ceiling=0.2, profile={"products": 0.0})) is None
    assert products_share_of_ceiling(case(share_of_ceiling=0.2)) is None


def test_parts_are_shares_of_an_iteration() -> None:
    split = {"generator": 30.0, "data": 10.0, "penalties": None, "other": 0.0}
    times = part_times(case(split_ms=split), ("data", "generator", "penalties", "other"))
    assert [(time.part, time.milliseconds, time.share) for time in times] == [
        ("data", 10.0, 0.25),
        ("generator", 30.0, 0.75),
    ]
    assert iteration_milliseconds(times) == 40.0
    assert part_times(case(), ("data",)) == []
