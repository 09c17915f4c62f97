# SPDX-License-Identifier: MIT
"""How many seeds are planned, compared with closed forms and with simulated matrices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ganbench.analysis.comparison import compare_to
from ganbench.analysis.power import (
    Effect,
    SeedsNeeded,
    parse_effect,
    parse_power,
    seeds_for,
    seeds_needed,
)
from ganbench.analysis.significance import deviation_interval, pairs_needed
from ganbench.analysis.tables import metric_table
from ganbench.analysis.verdicts import JudgedMatrix, judge_matrix
from ganbench.errors import ConfigError
from ganbench.records.run_record import RunRecord

BASE = [20.0, 22.0, 19.0, 21.0, 20.5]
NEAR = [18.0, 21.5, 18.6, 18.2, 20.1]


def judged(*groups: list[RunRecord]) -> JudgedMatrix:
    """Return the verdicts on the runs of some variants."""
    table = metric_table([run for group in groups for run in group], "digits")
    return judge_matrix([(table, compare_to(table))])


def only(matrix: JudgedMatrix, effect: Effect, tests: int = 1) -> SeedsNeeded:
    """Return the plan of the only comparison."""
    (plan,) = seeds_needed(matrix, effect, 0.8, tests)
    return plan


def test_the_spread_of_the_pairs_and_the_baselines_mean_decide(
    runs: Callable[..., list[RunRecord]],
) -> None:
    plan = only(judged(runs("", BASE), runs("near", NEAR)), Effect(0.1, True))
    deviation = float((np.array(NEAR) - BASE).std(ddof=1))
    assert plan.deviation == pytest.approx(deviation)
    assert plan.difference == pytest.approx(0.1 * np.mean(BASE))
    assert plan.seeds == pairs_needed(2.05, deviation)
    interval = deviation_interval(deviation, 5)
    assert interval is not None
    assert (plan.low, plan.high) == tuple(pairs_needed(2.05, end) for end in interval)
    assert plan.low is not None
    assert plan.high is not None
    assert plan.low < plan.seeds < plan.high
    assert (plan.dataset, plan.verdict.comparison.variant) == ("digits", "gan + near")


def test_an_absolute_effect_and_the_correction_for_all_tests(
    runs: Callable[..., list[RunRecord]],
) -> None:
    matrix = judged(runs("", BASE), runs("near", NEAR))
    alone, of_twenty = (only(matrix, Effect(1.5, False), tests) for tests in (1, 20))
    assert alone.difference == 1.5
    assert alone.seeds == pairs_needed(1.5, alone.deviation)
    assert of_twenty.seeds == pairs_needed(1.5, alone.deviation, 0.05 / 20)
    further = runs("x", [value - 3 - 0.1 * seed for seed, value in enumerate(BASE)])
    first, _ = seeds_needed(judged(runs("", BASE), runs("near", NEAR), further), EFFECT, 0.8, 1)
    assert first.seeds == pairs_needed(1.5, alone.deviation, 0.05 / 2)  # of two that were made


EFFECT = Effect(1.5, False)


def test_pairs_in_which_a_run_collapsed_do_not_count(
    runs: Callable[..., list[RunRecord]],
) -> None:
    collapsed = runs("near", [*NEAR[:4], 400.0])
    collapsed[4] = collapsed[4].__class__(**{**vars(collapsed[4]), "status": "collapsed"})
    plan = only(judged(runs("", BASE), collapsed), EFFECT)
    assert plan.pairs.paired.n == 4
    assert plan.deviation == pytest.approx(float((np.array(NEAR) - BASE)[:4].std(ddof=1)))


def test_what_has_no_spread_is_left_out(runs: Callable[..., list[RunRecord]]) -> None:
    for values in ([NEAR[0]], [value - 1 for value in BASE], [None] * 5):
        assert seeds_needed(judged(runs("", BASE), runs("near", values)), EFFECT, 0.8, 1) == []
    assert (
        seeds_needed(judged(runs("", [0.0, 0.0]), runs("x", [1, 2])), Effect(0.1, True), 0.8, 1)
        == []
    )


def test_a_new_experiment_of_that_size_finds_the_effect_as_often_as_planned(
    runs: Callable[..., list[RunRecord]],
) -> None:
    """Verdicts over simulated matrices of as many seeds, whose effect is the planned one."""
    random = np.random.default_rng(5)
    base = random.normal(20, 1, size=500)
    matrix = judged(
        runs("", base.tolist()), runs("t", (base + random.normal(0, 1.5, 500)).tolist())
    )
    plan = only(matrix, Effect(0.1, True), tests=2)
    assert plan.seeds is not None
    found = 0
    for _ in range(150):
        start = random.normal(20, 1, size=plan.seeds)
        groups = [
            runs(name, (start + shift + random.normal(0, 1.5, plan.seeds)).tolist())
            for name, shift in (("helps", -plan.difference), ("nothing", 0.0))
        ]
        verdicts = judged(runs("", start.tolist()), *groups).datasets[0].verdicts
        found += verdicts[0].kind == "helps"
    assert found / 150 >= 0.8 - 3 * 0.033  # Holm's correction finds a little more than Bonferroni's
    assert found / 150 <= 0.95


def test_a_verdict_takes_as_many_seeds_as_compare_power_plans(
    runs: Callable[..., list[RunRecord]],
) -> None:
    further = runs("x", [value - 3 - 0.1 * seed for seed, value in enumerate(BASE)])
    matrix = judged(runs("", BASE), runs("near", NEAR), further)
    kinds: list[str] = []
    for verdict in matrix.datasets[0].on_main:
        assert verdict.pairs is not None
        effect = Effect(abs(verdict.pairs.paired.difference.value), False)
        if verdict.kind == "unclear":  # what was not found is not what is to be found
            effect = Effect(0.1, True)
        kinds.append(verdict.kind)
        (planned,) = (
            plan for plan in seeds_needed(matrix, effect, 0.8, 2) if plan.verdict is verdict
        )
        assert seeds_for("digits", verdict) == planned
        difference = effect.size(verdict.pairs)
        assert planned.seeds == pairs_needed(difference, planned.deviation, 0.05 / 2, 0.8)
    assert sorted(kinds) == ["helps", "unclear"]


def test_where_runs_fail_or_nothing_differs_no_seeds_are_planned(
    runs: Callable[..., list[RunRecord]],
) -> None:
    failing = [NEAR[0], None, None, None, None]
    for values in (failing, BASE, [value - 1 for value in BASE], [19.0]):
        (verdict,) = judged(runs("", BASE), runs("x", values)).datasets[0].on_main
        assert seeds_for("digits", verdict) is None


@pytest.mark.parametrize("text", ["x", "0", "-5%", "inf", "", "nan"])
def test_what_is_no_effect_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is no effect"):
        parse_effect(text)


@pytest.mark.parametrize("text", ["x", "0", "1", "0.05", "80", "nan", ""])
def test_what_is_no_power_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is no power"):
        parse_power(text)


def test_an_effect_is_read_as_it_is_written() -> None:
    assert [parse_effect(text).text for text in ("10%", " 2.5 % ", "0.5")] == ["10%", "2.5%", "0.5"]
