# SPDX-License-Identifier: MIT
"""What a treatment costs: time by closed form, parameters, and memory of the right measurement."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from speed_cases import case

from ganbench.analysis.costs import cost, varied_times
from ganbench.analysis.tables import VariantRow, metric_table
from ganbench.records.measurement import Measurement
from ganbench.records.run_record import RunRecord
from ganbench.report.sentences import times_varied

BASE = [100.0, 200.0, 400.0]


def rows(*runs: RunRecord) -> list[VariantRow]:
    """Return the rows of a table of runs."""
    return list(metric_table(runs, "digits").rows)


def run(tricks: str, seed: int, seconds: float | None, kimg: float = 10.0) -> RunRecord:
    return RunRecord(
        name=f"{tricks} {seed}",
        status="done",
        model="gan",
        dataset="digits",
        variant=f"gan + {tricks}" if tricks else "gan",
        tricks=tricks,
        seed=seed,
        kimg=kimg,
        seconds=seconds,
        threads=1,
        environment_id="e1",
        parameters={"generator": 100, "discriminator": 50 if tricks else 20},
        metrics={"fid": Measurement(1.0, n=1, protocol="fid/v1", better="lower")},
    )


def pair(*treated: RunRecord) -> tuple[VariantRow, VariantRow]:
    """Return the rows of a treatment and of the baseline."""
    base, treatment = rows(*(run("", seed, seconds) for seed, seconds in enumerate(BASE)), *treated)
    return treatment, base


def test_time_is_the_geometric_mean_of_ratios_over_shared_seeds() -> None:
    factors = [1.0, 2.0, 4.0]
    treated = [
        run("r1", seed, factor * before, kimg)
        for seed, (factor, before, kimg) in enumerate(
            zip(factors, BASE, (10.0, 10.0, 10.0), strict=True)
        )
    ]
    found = cost(*pair(*treated, run("r1", 9, 1.0)))
    assert found.time is not None
    assert found.time.value == pytest.approx(2.0)
    assert found.time.n == 3
    half = 4.302653 * math.log(2) / math.sqrt(3)  # t with two degrees of freedom
    assert found.time.low == pytest.approx(2 * math.exp(-half), rel=1e-5)
    assert found.parameters == pytest.approx(150 / 120)
    assert found.memory is None


def test_a_run_of_half_the_length_counts_by_its_images() -> None:
    found = cost(*pair(run("r1", 0, 100.0, kimg=5.0)))
    assert found.time is not None
    assert found.time.value == pytest.approx(2.0)
    assert (found.time.low, found.time.high) == (None, None)


@pytest.mark.parametrize(
    "change",
    [{"environment_id": "e2"}, {"threads": 2}, {"status": "diverged"}, {"seconds": None}],
    ids=str,
)
def test_what_does_not_compare_is_left_out(change: dict[str, object]) -> None:
    slow = replace(run("r1", 0, 100.0), **change)  # type: ignore[arg-type]
    assert cost(*pair(slow)).time is None
    found = cost(*pair(slow, run("r1", 1, 600.0)))
    assert found.time is not None
    assert found.time.value == pytest.approx(3.0)


def test_memory_is_of_the_measurement_that_differs_in_tricks_alone() -> None:
    treatment, base = pair(run("ema + r1(weight=0.1)", 0, 100.0))
    speeds = [
        case("r1:weight=0.1", "ema", growth=90.0, threads=2),
        case(growth=20.0),
        case("ema", growth=70.0),
        case("r1", "ema", growth=80.0),
        case("r1:weight=0.1", "ema", growth=30.0),
    ]
    assert cost(treatment, base, speeds).memory == (30.0, 20.0)
    assert cost(treatment, base, speeds[1:4]).memory is None
    plain, base = pair(run("ema + r1", 0, 100.0))  # every run has r1 with the same weight
    assert cost(plain, base, [speeds[1], speeds[4]]).memory == (30.0, 20.0)
    assert cost(plain, base, speeds[1:3]).memory is None
    failed = replace(speeds[-1], status="failed")
    assert cost(treatment, base, [*speeds[:-1], failed]).memory is None
    on_gpu = [
        replace(one, memory_mib={"growth": 1.0, "allocated": 7.0}) for one in (speeds[1], speeds[4])
    ]
    assert cost(treatment, base, on_gpu).memory == (7.0, 7.0)


def test_images_per_second_count_where_both_have_them_whatever_the_seconds() -> None:
    base = [replace(run("", seed, 100.0), images_per_second=200.0) for seed in range(3)]
    slow = [
        replace(run("r1", seed, seconds), images_per_second=100.0)
        for seed, seconds in enumerate((39.0, 200.0, 465.0))
    ]
    before, treatment = rows(*base, *slow)
    found = cost(treatment, before)
    assert found.time is not None
    assert (found.time.value, found.time.low) == (pytest.approx(2.0), None)
    before, treatment = rows(*(replace(one, images_per_second=None) for one in base), *slow)
    found = cost(treatment, before)
    assert found.time is not None
    assert found.time.value == pytest.approx((0.39 * 2 * 4.65) ** (1 / 3))


def test_times_that_varied_are_those_of_one_length_on_one_machine() -> None:
    steady = [run("", seed, seconds) for seed, seconds in enumerate((100.0, 149.0, 120.0))]
    longer = [run("longer", seed, 100.0 * kimg, kimg) for seed, kimg in enumerate((10.0, 40.0))]
    busy = [run("busy", seed, seconds) for seed, seconds in enumerate((39.0, 465.0))]
    other = [replace(run("moved", 0, 10.0), environment_id="e2"), run("moved", 1, 90.0)]
    made = rows(*steady, *longer, *busy, *other)
    assert varied_times(made) == {"gan + busy": pytest.approx(465 / 39)}
    assert "of gan + busy, runs of one length took up to 12 times as long" in times_varied(made)
    assert times_varied(rows(*steady)) == ""
