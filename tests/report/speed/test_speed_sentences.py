# SPDX-License-Identifier: MIT
"""Sentences on speed: what is fastest, where, and why others are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ganbench.report.speed.speed_sentences import asides, sentences


def plain(sentence: tuple[str, str]) -> str:
    return "".join(sentence)


def test_the_words_name_the_fastest_and_all_that_its_speed_depends_on(
    made_up: Any, tmp_path: Path
) -> None:
    rates = {"vanilla": [9000.0, 9100.0, 9300.0], "dcgan": [700.0, 812.0, 815.0]}
    cases = [
        made_up.case(model, 64, training={"images_per_second": rounds[1], "rounds": rounds})
        for model, rounds in rates.items()
    ]
    cases[1] |= {"gflops": 170.5, "share_of_ceiling": 170.5 / 187.2}
    cases += [made_up.failed("dcgan", 1024, "Out of memory.")]
    machine = made_up.gathered(tmp_path, made_up.document(cases)).machines[0]
    spoken = [plain(sentence) for sentence in sentences(machine, ())]
    assert spoken[0].startswith(
        "vanilla trains fastest on mnist5k@32: 9,100 [9,000, 9,300] images/s "
        "(cpu, batch 64, fp32, 2 threads), "
    )
    assert spoken[1] == (
        "dcgan reaches 812 [700, 815] images/s (cpu, batch 64, fp32, 2 threads), "
        "91 % of the machine's ceiling (170 of 187 GFLOP/s)."
    )
    assert any(
        sentence.startswith("vanilla samples fastest on mnist5k@32: ") for sentence in spoken
    )
    wait = "p50 0.0918 ms, p90 0.112 ms, p99 0.204 ms over 100 samples (cpu, fp32, 2 threads)"
    assert any(wait in sentence for sentence in spoken)
    assert "1 case failed; the table tells why." in asides(machine)


def test_overlapping_rounds_are_no_clear_order_and_datasets_are_not_compared(
    made_up: Any, tmp_path: Path
) -> None:
    first = {"images_per_second": 812.0, "rounds": [800.0, 812.0, 815.0]}
    close = {"images_per_second": 805.0, "rounds": [790.0, 805.0, 811.0]}
    cases = [
        made_up.case("dcgan", 64, training=first),
        made_up.case("vanilla", 64, training=close),
        made_up.case("wgan-gp", 64, dataset="ring8"),
    ]
    machine = made_up.gathered(tmp_path, made_up.document(cases)).machines[0]
    spoken = [plain(sentence) for sentence in sentences(machine, ("dataset",))]
    assert "The rounds of vanilla overlap with these." in spoken[0]
    alone = next(sentence for sentence in spoken if "on ring8" in sentence)
    assert alone.startswith(
        "wgan-gp + gradient-penalty:weight=10 reaches, in training on ring8, 290.0 ["
    )


def test_the_case_nearest_to_the_ceiling_is_named_where_it_is_not_the_fastest(
    made_up: Any, tmp_path: Path
) -> None:
    near = {"precision": "bf16", "share_of_ceiling": 0.97}
    cases = [made_up.case("dcgan", 64), made_up.case("dcgan", 2, **near)]
    machine = made_up.gathered(tmp_path, made_up.document(cases)).machines[0]
    assert machine.rows[0].case.share_of_ceiling == pytest.approx(0.21 * 812 / 187.2)
    spoken = [plain(sentence) for sentence in sentences(machine, ("precision",))]
    assert "91 % of the machine's ceiling" in spoken[0]
    assert spoken[1].startswith(
        "dcgan comes nearest to the ceiling: 97 % of the machine's ceiling ("
    )
    assert "of 402 GFLOP/s) (cpu, batch 2, bf16, 2 threads)" in spoken[1]


def test_a_case_far_from_the_ceiling_has_its_reason(made_up: Any, tmp_path: Path) -> None:
    profile = {"products": 0.5, "copies": 0.3, "optimizer": 0.2, "elementwise": 0.0, "rest": 0.0}
    slow = made_up.case("vanilla", 64, share_of_ceiling=0.2, profile=profile)
    fast = made_up.case("dcgan", 64, share_of_ceiling=0.6, profile=profile)
    machine = made_up.gathered(tmp_path, made_up.document([slow, fast])).machines[0]
    spoken = [plain(sentence) for sentence in sentences(machine, ())]
    assert [sentence for sentence in spoken if "spends its time" in sentence] == [
        "vanilla (cpu, batch 64, fp32, 2 threads) spends its time 50 % in matrix products and "
        "convolutions, 30 % in copies and "
        "roundings and 20 % in updates of weights; the products run at 40 % of the ceiling."
    ]
