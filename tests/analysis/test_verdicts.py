# SPDX-License-Identifier: MIT
"""Verdicts in words: by which rule they are found, and what the sentences say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats as scipy_stats

from ganbench.analysis.comparison import compare_to
from ganbench.analysis.tables import MetricTable, metric_table
from ganbench.analysis.verdicts import (
    JudgedMatrix,
    Verdict,
    design_limits,
    judge_matrix,
    main_column,
    verdicts,
)
from ganbench.errors import UnknownNameError
from ganbench.records.measurement import Measurement
from ganbench.records.run_record import RunRecord

BASE = [20.0, 22.0, 19.0, 21.0, 20.5]


def judged(*groups: list[RunRecord]) -> dict[str, Verdict]:
    """Return the verdicts on the runs of some variants, by variant."""
    table = metric_table([run for group in groups for run in group], "digits")
    return {verdict.comparison.variant: verdict for verdict in verdicts(table, compare_to(table))}


def test_a_clear_difference_helps_or_hurts_by_the_better_direction(
    runs: Callable[..., list[RunRecord]],
) -> None:
    lower, higher = [17.1, 19.0, 16.2, 17.9, 17.4], [23.1, 25.0, 22.2, 23.9, 23.4]
    by_variant = judged(runs("", BASE), runs("good", lower), runs("bad", higher))
    assert [(verdict.kind, verdict.word) for verdict in by_variant.values()] == [
        ("helps", "helps"),
        ("hurts", "hurts"),
    ]
    turned = judged(runs("", BASE, better="higher"), runs("up", higher, better="higher"))
    assert turned["gan + up"].kind == "helps"
    sentence = by_variant["gan + good"].sentence
    assert sentence.startswith("good helps: fid@mnist-cnn falls from 20.50 to 17.52, −2.98 [")
    assert "(−15 %), over 5 shared seeds; p < 0.001 after Holm's correction for 2" in sentence
    assert sentence.endswith("permutation p = 0.0625 (least 0.0625).")


def test_what_the_correction_takes_away_is_no_difference_and_is_said(
    runs: Callable[..., list[RunRecord]],
) -> None:
    # Alone p is about 0.02: five treatments make it 0.1.
    near = [17.0, 21.6, 18.3, 18.6, 19.7]
    alone = float(scipy_stats.ttest_rel(near, BASE).pvalue)
    assert 0.01 < alone < 0.05
    nothing = [[value + sign * 0.5 for value, sign in zip(BASE, s, strict=True)] for s in SIGNS]
    assert judged(runs("", BASE), runs("near", near))["gan + near"].kind == "helps"
    by_variant = judged(
        runs("", BASE), runs("near", near), *(runs(f"x{i}", v) for i, v in enumerate(nothing))
    )
    verdict = by_variant["gan + near"]
    assert (verdict.kind, verdict.word) == ("unclear", "no difference shown")
    assert "near: no difference that 5 seeds can show" in verdict.sentence
    assert f"on its own p = {alone:.4f}".rstrip("0") in verdict.sentence
    assert "would show in four of five such experiments" in verdict.sentence
    assert "on its own" not in by_variant["gan + x0"].sentence


SIGNS = [(1, -1, 1, -1, 0), (1, 1, -1, -1, 0), (-1, 1, 1, -1, 0), (0, 1, -1, 1, -1)]


def test_more_runs_that_diverge_and_lost_pairs_are_a_failure(
    runs: Callable[..., list[RunRecord]],
) -> None:
    by_variant = judged(
        runs("", [*BASE[:4], None]),
        runs("gone", [None] * 5),
    )
    gone = by_variant["gan + gone"]
    by_variant = judged(
        runs("", [*BASE[:4], None]),
        runs("worse", [15.0, None, 14.0, None, 15.0]),
        runs("same", [15.0, 16.0, 14.0, 15.5, None]),
        runs("crashed", [19.0, 22.5, None, None, None], bad="failed"),
    )
    kinds = {name: verdict.kind for name, verdict in by_variant.items()}
    assert kinds == {
        "gan + worse": "unclear",
        "gan + same": "helps",
        "gan + crashed": "unclear",
    }
    assert by_variant["gan + crashed"].comparison.missing == 2
    worse = by_variant["gan + worse"]
    assert worse.comparison.lost == 3
    assert worse.sentence.startswith("worse: no difference that 2 seeds can show: ")
    assert worse.sentence.endswith(
        " 2 of 5 runs diverged or collapsed, 1 of 5 of gan, which this many seeds cannot tell from "
        "chance (Boschloo's exact test p = 1 after Holm's correction for 3 treatments, on its own "
        "p = 0.754)."
    )
    assert by_variant["gan + same"].word == "helps where no run failed"
    assert "conditional on not failing: 1 shared seed with a failed run is left out." in (
        by_variant["gan + same"].sentence
    )
    assert gone.sentence.startswith("gone fails: 5 of 5 runs diverged or collapsed [48 %, 100 %]")
    assert gone.comparison.paired is None
    assert gone.comparison.improvement.probability == 0.0
    assert gone.sentence.endswith("No pair has two values of fid@mnist-cnn.")
    assert by_variant["gan + crashed"].comparison.lost == 3, (
        "a run that failed makes no pair either"
    )


def test_a_baseline_without_any_value_leaves_no_difference_but_its_failures(
    runs: Callable[..., list[RunRecord]],
) -> None:
    by_variant = judged(runs("", [None] * 5), runs("r1", BASE), runs("none left", [None] * 5))
    assert list(by_variant) == ["gan + r1"]
    verdict = by_variant["gan + r1"]
    assert (verdict.kind, verdict.comparison.improvement.probability) == ("fails-less", 1.0)
    assert verdict.sentence == (
        "r1 fails less: 0 of 5 runs diverged or collapsed [0 %, 52 %], 5 of 5 of gan [48 %, 100 %]"
        "; Boschloo's exact test p = 0.002. No pair has two values of fid@mnist-cnn."
    )


def collapsing(values: list[RunRecord], *seeds: int) -> list[RunRecord]:
    """Return runs of which those of some seeds collapsed, with the values that they have."""
    return [replace(run, status="collapsed") if run.seed in seeds else run for run in values]


def test_a_trick_that_collapses_fails_though_its_values_were_measured(
    runs: Callable[..., list[RunRecord]],
) -> None:
    base = [40.0, 41.0, 39.0, 40.5, 39.5]
    odd = collapsing(runs("odd", [36.0, 320.0, 35.0, 310.0, 300.0]), 1, 2, 3, 4)
    verdict = judged(runs("", base), odd)["gan + odd"]
    assert (verdict.kind, verdict.word, verdict.comparison.lost) == ("fails", "fails", 0)
    assert verdict.sentence.startswith(
        "odd fails: 4 of 5 runs diverged or collapsed [28 %, 99 %], 0 of 5 of gan [0 %, 52 %]; "
        "Boschloo's exact test p = 0.0215. Over the 5 shared seeds with values fid@mnist-cnn goes "
        "from 40 to 200, "
    )
    assert "Conditional on not failing, over the 1 shared seed in which no run did, it goes " in (
        verdict.sentence
    )


@pytest.mark.parametrize("status", ["collapsed", "diverged"])
def test_failing_does_not_depend_on_values_nor_on_how_the_runs_failed(
    runs: Callable[..., list[RunRecord]], status: str
) -> None:
    some = runs("some", [15.0, None, None, None, 15.0], bad=status)
    every = runs("every", [None] * 5, bad=status)
    one = runs("one", [15.0, 16.0, 14.0, 15.5, None], bad=status)
    higher = judged(*(runs(name, BASE, better="higher") for name in ("", "up")), some, every, one)
    assert [(verdict.kind, verdict.word) for verdict in higher.values()] == [
        ("unclear", "no difference shown"),
        ("unclear", "no difference shown"),  # three in five are no proof: p = 0.062
        ("fails", "fails"),
        ("hurts", "hurts where no run failed"),
    ]


def test_a_few_pairs_without_spread_have_no_p_value_in_the_sentence(
    runs: Callable[..., list[RunRecord]],
) -> None:
    odd = collapsing(runs("odd", [16.0, 320.0, 15.0, 310.0, 300.0]), 1, 3, 4)
    sentence = judged(runs("", BASE), odd)["gan + odd"].sentence
    assert "it goes from 19.5 to 15.5, −4 (−21 %). 3 of 5 runs " in sentence


def test_failures_without_cause_seldom_fail_however_many_treatments_there_are(
    runs: Callable[..., list[RunRecord]],
) -> None:
    """Of 12 treatments that collapse as often as the baseline, one matrix in 20 may claim one."""
    random, claims = np.random.default_rng(0), 0
    for _ in range(200):
        collapsed = random.random((13, 5)) < 0.3
        groups = [
            collapsing(runs(f"t{arm}" if arm else "", BASE), *np.flatnonzero(row))
            for arm, row in enumerate(collapsed)
        ]
        claims += any(
            verdict.comparison.fails or verdict.comparison.fails_less
            for verdict in judged(*groups).values()
        )
    assert claims / 200 < 0.05, "without a correction it is one in six"


def test_failures_are_corrected_over_all_datasets_but_not_over_metrics() -> None:
    some = matrix(["a", "b"], ["kid", "fid"], {"": BASE, "odd": NEAR, "even": NEAR})
    some = [
        replace(run, status="collapsed") if run.tricks == "odd" and run.seed < 3 else run
        for run in some
    ]
    tables = [metric_table(some, dataset) for dataset in ("a", "b")]
    both = judge_matrix([(table, compare_to(table)) for table in tables])
    odd = [
        verdict
        for dataset in both.datasets
        for verdict in dataset.verdicts
        if verdict.comparison.tricks == "odd"
    ]
    assert [verdict.kind for verdict in odd] == ["unclear"] * 4
    tests = [verdict.comparison.failure_test for verdict in odd]
    assert {test.family for test in tests} == {2}
    assert tests[0].corrected == pytest.approx(2 * tests[0].p_value)


def test_a_baseline_that_collapsed_once_does_not_take_all_power(
    runs: Callable[..., list[RunRecord]],
) -> None:
    base = collapsing(runs("", [40.0, 41.0, 320.0, 39.0, 42.0]), 2)
    by_variant = judged(base, runs("good", [28.0, 28.9, 27.0, 27.1, 29.6]), runs("idle", BASE2))
    good, idle = by_variant["gan + good"], by_variant["gan + idle"]
    assert good.comparison.paired is not None
    assert good.comparison.t_p_value is not None
    assert good.comparison.t_p_value > 0.2, "over all seeds nothing can be shown"
    assert (good.kind, good.word) == ("helps", "helps where no run failed")
    assert good.conditional
    assert good.pairs is good.comparison.unfailed
    assert good.pairs is not None
    values = [-12.0, -12.1, -11.9, -12.4]
    assert good.pairs.paired.t_p_value == pytest.approx(
        float(scipy_stats.ttest_1samp(values, 0).pvalue)
    )
    assert good.comparison.family == 2
    assert good.comparison.t_corrected == pytest.approx(2 * (good.pairs.paired.t_p_value or 0))
    assert "falls from 40.50 to 28.40" in good.sentence
    assert "over 4 shared seeds; p < 0.001 after Holm's correction for 2 tests" in good.sentence
    assert (
        "conditional on not failing: 1 shared seed with a failed run is left out. "
        "Over all 5 shared seeds with values it goes from 96.4 to 28.1, "
    ) in good.sentence
    assert good.sentence.endswith(
        "0 of 5 runs diverged or collapsed, 1 of 5 of gan, which this many seeds cannot tell from "
        "chance (Boschloo's exact test p = 1 after Holm's correction for 2 treatments, on its own "
        "p = 0.754)."
    )
    assert (idle.kind, idle.conditional) == ("unclear", False)
    assert idle.sentence.startswith("idle: no difference that 4 seeds can show: ")
    assert "conditional on not failing: 1 shared seed" in idle.sentence


BASE2 = [40.5, 40.2, 39.7, 40.1, 41.5]


def test_a_baseline_that_always_collapses_is_still_beaten(
    runs: Callable[..., list[RunRecord]],
) -> None:
    base = collapsing(runs("", [320.0, 300.0, 310.0, 305.0, 41.0]), 0, 1, 2, 3)
    good = judged(base, runs("good", [28.0, 28.9, 27.0, 27.1, 29.6]))["gan + good"]
    assert (good.kind, good.conditional) == ("helps", False)
    assert good.word == "fails less and helps"
    assert good.sentence.endswith("4 of 5 of gan; Boschloo's exact test p = 0.0215.")
    assert good.pairs is good.comparison.pairs


def test_ratios_show_large_effects_and_are_absent_where_a_value_is_not_positive(
    runs: Callable[..., list[RunRecord]],
) -> None:
    base = [10.0, 100.0, 30.0, 300.0, 15.0]
    third = [3.2, 35.0, 9.0, 105.0, 5.2]
    verdict = judged(runs("", base), runs("third", third))["gan + third"]
    assert verdict.comparison.t_p_value is not None
    assert verdict.comparison.t_p_value > 0.1
    assert verdict.comparison.pairs is not None
    ratio = verdict.comparison.pairs.ratio
    assert ratio is not None
    logarithms = np.log(third) - np.log(base)
    assert ratio.ratio.value == pytest.approx(float(scipy_stats.gmean(np.divide(third, base))))
    interval = scipy_stats.ttest_1samp(logarithms, 0).confidence_interval(0.95)
    assert ratio.ratio.low == pytest.approx(np.exp(interval.low))
    assert ratio.ratio.high == pytest.approx(np.exp(interval.high))
    assert ratio.p_value == pytest.approx(float(scipy_stats.ttest_1samp(logarithms, 0).pvalue))
    assert verdict.kind == "unclear"
    assert "As a ratio it is 0.33" in verdict.sentence
    zero = judged(runs("", base), runs("zero", [0.0, *third[1:]]))["gan + zero"].comparison
    assert zero.pairs is not None
    assert zero.pairs.ratio is None
    huge = judged(runs("", [1e-300, 1e300]), runs("x", [1e300, 1e-300]))["gan + x"].comparison
    assert huge.pairs is not None
    assert huge.pairs.ratio is None, "its interval is beyond the range of floats"


def test_one_run_more_of_many_that_diverges_is_no_failure(
    runs: Callable[..., list[RunRecord]],
) -> None:
    random = np.random.default_rng(2)
    base = random.normal(20, 1, 40)
    better = [None, *(base[1:] - 2 + random.normal(0, 0.5, 39)).tolist()]
    assert judged(runs("", base.tolist()), runs("x", better))["gan + x"].kind == "helps"
    worse = [None] * 7 + better[7:]
    assert judged(runs("", base.tolist()), runs("x", worse))["gan + x"].kind == "fails"
    few = judged(runs("", base[:8].tolist()), runs("x", better[:8]))["gan + x"]
    assert few.word == "helps where no run failed"
    assert "1 of 8 runs diverged or collapsed, 0 of 8 of gan, which this many seeds cannot" in (
        few.sentence
    )


def test_equal_steps_are_judged_by_the_permutation_test(
    runs: Callable[..., list[RunRecord]],
) -> None:
    five = judged(runs("", [10.0] * 5), runs("step", [9.0] * 5))["gan + step"]
    assert (five.kind, five.comparison.t_corrected) == ("unclear", 0.0625)
    assert "all differences are the same" in five.sentence
    six = judged(runs("", [10.0] * 6), runs("step", [9.0] * 6))["gan + step"]
    assert (six.kind, six.comparison.t_corrected) == ("helps", 0.03125)
    noise = [10.0, 12.0, 9.0, 11.0, 10.5, 9.5]
    two = judged(runs("", [10.0] * 6), runs("step", [9.0] * 6), runs("noise", noise))["gan + step"]
    assert two.kind == "unclear"
    assert (
        "permutation p = 0.0312 (least 0.0312), = 0.0625 after Holm's correction for 2 tests"
        in two.sentence
    )
    same = judged(runs("", BASE), runs("idle", BASE))["gan + idle"]
    assert same.sentence == (
        "idle: no difference that 5 seeds can show: fid@mnist-cnn is the same in all of them."
    )


def test_steps_that_are_equal_but_for_rounding_have_no_spread(
    runs: Callable[..., list[RunRecord]],
) -> None:
    values = [0.3, 0.6, 1.7, 0.8, 0.9]
    assert len({value + 0.1 - value for value in values}) > 1, "the sums are rounded"
    step = judged(runs("", values), runs("step", [value + 0.1 for value in values]))["gan + step"]
    assert step.comparison.detectable is None
    assert "A true difference" not in step.sentence
    assert step.pairs is not None
    assert step.pairs.paired.deviation == 0


def test_one_seed_makes_no_test(runs: Callable[..., list[RunRecord]]) -> None:
    table = metric_table([*runs("", [20.0]), *runs("a", [10.0]), *runs("b", [30.0])], "digits")
    matrix = judge_matrix([(table, compare_to(table))])
    assert matrix.tests == 0
    assert "test" not in matrix.scope


def test_a_p_value_of_failures_says_what_it_was_corrected_for(
    runs: Callable[..., list[RunRecord]],
) -> None:
    bad, one = [None, None, None, None, 20.0], [None, *BASE[1:]]
    others = [runs(name, one) for name in "abcdefghi"]
    verdict = judged(runs("", BASE), runs("bad", bad), *others)["gan + bad"]
    assert (
        "Boschloo's exact test p = 0.215 after Holm's correction for 10 treatments, on its own p "
        "= 0.0215" in verdict.sentence
    )


def test_one_seed_and_no_shared_seed_show_nothing(runs: Callable[..., list[RunRecord]]) -> None:
    verdict = judged(runs("", [20.0]), runs("x", [10.0]))["gan + x"]
    assert (verdict.kind, verdict.comparison.t_p_value, verdict.comparison.detectable) == (
        "unclear",
        None,
        None,
    )
    assert "no difference that 1 seed can show" in verdict.sentence
    other = runs("x", [10.0, 11.0])[1:]
    assert judged(runs("", [20.0]), other)["gan + x"].sentence == ("x: no seed in common with gan.")


def test_a_metric_without_a_direction_has_no_verdict(runs: Callable[..., list[RunRecord]]) -> None:
    lower = [value - 3 - index / 10 for index, value in enumerate(BASE)]
    verdict = judged(runs("", BASE, better=""), runs("x", lower, better=""))["gan + x"]
    assert verdict.comparison.t_corrected is not None
    assert verdict.comparison.t_corrected < 0.001
    assert verdict.kind == "unclear"


def test_false_discoveries_stay_below_the_level(runs: Callable[..., list[RunRecord]]) -> None:
    """Of experiments in which no trick does anything, one in twenty at most claims that one does.

    400 experiments of four idle tricks over five seeds: 0.05 + 3 standard deviations is 0.083.
    """
    random = np.random.default_rng(1)
    claims = 0
    for _ in range(400):
        base = random.normal(20, 2, 5)
        groups = [runs("", base.tolist())]
        groups += [runs(name, (base + random.normal(0, 1, 5)).tolist()) for name in "abcd"]
        claims += any(verdict.kind != "unclear" for verdict in judged(*groups).values())
    assert claims / 400 < 0.083


def matrix(
    datasets: Sequence[str], metrics: Sequence[str], values: Mapping[str, list[float]]
) -> list[RunRecord]:
    """Return runs with the same values in all metrics on all datasets, by tricks."""
    return [
        RunRecord(
            name=f"{dataset} {tricks} {seed}",
            status="done",
            model="gan",
            dataset=dataset,
            variant=f"gan + {tricks}" if tricks else "gan",
            tricks=tricks,
            seed=seed,
            metrics={
                metric: Measurement(value, n=100, protocol=metric, better="lower")
                for metric in metrics
            },
        )
        for dataset in datasets
        for tricks, row in values.items()
        for seed, value in enumerate(row)
    ]


NEAR = [17.0, 21.6, 18.3, 18.6, 19.7]


def judged_matrix(datasets: Sequence[str], metric: str | None = None) -> JudgedMatrix:
    runs = matrix(datasets, ["kid", "fid", "modes"], {"": BASE, "near": NEAR})
    tables = [metric_table(runs, dataset) for dataset in datasets]
    return judge_matrix([(table, compare_to(table)) for table in tables], metric)


def test_the_primary_metric_is_corrected_over_all_datasets_and_the_others_only_may_help() -> None:
    alone = float(scipy_stats.ttest_rel(NEAR, BASE).pvalue)
    one, three = judged_matrix(["a"]), judged_matrix(["a", "b", "c"])
    assert [
        (verdict.comparison.column.name, verdict.primary) for verdict in one.datasets[0].verdicts
    ] == [("kid", False), ("fid", True), ("modes", False)]
    assert [verdict.word for verdict in one.datasets[0].verdicts] == [
        "may help", "helps", "may help",
    ]  # fmt: skip
    for dataset in three.datasets:
        kid, fid, _ = dataset.verdicts
        assert fid.comparison.t_corrected == pytest.approx(3 * alone)
        assert (fid.word, fid.comparison.family) == ("no difference shown", 3)
        assert kid.comparison.t_corrected == pytest.approx(alone)
        assert kid.word == "may help"
        assert kid.sentence.startswith("near may help: kid falls")
    named = judged_matrix(["a"], "modes").datasets[0]
    assert [verdict.comparison.column.name for verdict in named.on_main] == ["modes"]
    assert named.main is not None
    assert named.main.name == "modes"


def test_how_many_columns_were_looked_at_is_said() -> None:
    three = judged_matrix(["a", "b", "c"])
    assert (three.columns, three.tests, three.primary) == (9, 3, ("fid", "fid", "fid"))
    assert three.scope.startswith(
        "The primary metric is fid, the default where none is named. p values are corrected for "
        "all 3 tests on it, on 3 datasets. 9 columns of metrics were looked at; 6 of them are "
        "exploratory. "
    )
    assert judged_matrix(["a"], "kid").scope.startswith(
        "The primary metric is kid, chosen for this comparison. One test was made. 3 columns of "
        "metrics were looked at; 2 of them are exploratory. "
    )
    assert judge_matrix([]).scope == ""


def test_the_main_metric_is_the_one_named_or_the_best_known(
    runs: Callable[..., list[RunRecord]], table_of: Callable[..., MetricTable]
) -> None:
    def columns(*metrics: str) -> MetricTable:
        return table_of(*(runs("", BASE[:1], metric=metric) for metric in metrics))

    assert main_column(columns("modes", "kid", "fid@mnist-cnn")).metric == "fid@mnist-cnn"
    assert main_column(columns("modes", "reverse-kl", "kid")).metric == "kid"
    assert main_column(columns("modes", "reverse-kl")).metric == "reverse-kl"
    assert main_column(columns("modes", "high-quality")).metric == "modes"
    assert main_column(columns("modes", "fid"), "modes").metric == "modes"
    nothing = replace(
        runs("", BASE[:1])[0], metrics={"fid": Measurement(None, n=1, protocol="fid")}
    )
    unmeasured = table_of([nothing], runs("x", BASE[:1], metric="modes"))
    assert main_column(unmeasured).metric == "modes", "a FID without a value tells nothing"
    with pytest.raises(UnknownNameError, match="Did you mean 'modes'"):
        main_column(columns("modes", "fid"), "mods")
    with pytest.raises(UnknownNameError, match="no metric on digits"):
        main_column(table_of(runs("", [None])))


def test_what_a_design_cannot_show_is_said() -> None:
    five = design_limits(5, 12)
    assert five[0] == (
        "A paired permutation test over 5 seeds cannot give a p value below 0.0625, of which the "
        "correction for 12 tests makes more."
    )
    assert "below 0.0078" in design_limits(8, 110)[0], "0.0078 x 110 is no verdict"
    assert "permutation" not in design_limits(8, 6)[0]
    assert "corrected for 12 comparisons, finds a true difference of 3.3 standard" in five[1]
    assert len(design_limits(10, 1)) == 1
    assert "One seed" in design_limits(1, 3)[0]


def test_a_cure_for_collapse_fails_less_also_where_no_difference_is_shown(
    runs: Callable[..., list[RunRecord]],
) -> None:
    base = [*BASE, 20.2, 19.8, 20.9]
    rough = collapsing(runs("", base), 1, 2, 4, 6)
    cure = judged(rough, runs("cure", list(reversed(base))))["gan + cure"]
    assert (cure.kind, cure.word, cure.short, cure.conditional) == (
        "fails-less",
        "fails less",
        "fails less",
        False,
    )
    assert cure.sentence.startswith(
        "cure fails less: 0 of 8 runs diverged or collapsed [0 %, 37 %], 4 of 8 of gan [16 %, "
        "84 %]; Boschloo's exact test p = 0.0279. Over the 8 shared seeds with values "
    )
    ill = runs("ill", [value + 5 + index / 10 for index, value in enumerate(base)])
    assert judged(rough, ill)["gan + ill"].word == "fails less but hurts"
    # Two treatments are tested together, so that the same counts are no verdict.
    both = judged(rough, runs("cure", list(reversed(base))), ill)
    assert [verdict.kind for verdict in both.values()] == ["unclear", "hurts"]


@pytest.mark.parametrize("side", ["treatment", "baseline", "both"])
def test_a_run_that_is_done_without_a_value_makes_the_verdict_conditional(
    runs: Callable[..., list[RunRecord]], side: str
) -> None:
    """A reverse KL is not a number where no sample is sharp; the run is done all the same."""
    base = [*BASE, 20.2, 19.8, 20.9]
    good = [value * 0.6 + index / 20 for index, value in enumerate(base)]

    def without(values: list[RunRecord], *, these: bool) -> list[RunRecord]:
        return [
            replace(run, metrics={}) if these and run.seed is not None and run.seed > 2 else run
            for run in values
        ]

    verdict = judged(
        without(runs("", base), these=side != "treatment"),
        without(runs("good", good), these=side != "baseline"),
    )["gan + good"]
    assert (verdict.kind, verdict.conditional) == ("helps", True)
    assert verdict.word == "helps where both runs have a value"
    assert verdict.mark == "helps*"
    assert verdict.comparison.missing == 5
    assert "5 shared seeds are left out, as a run has no value of fid@mnist-cnn" in verdict.sentence
    assert "diverged" not in verdict.sentence


def test_a_value_that_is_missing_and_a_failed_run_are_counted_each_by_itself(
    runs: Callable[..., list[RunRecord]],
) -> None:
    base = [*BASE, 20.2, 19.8, 20.9]
    good = runs("good", [None, *(value * 0.6 + index / 20 for index, value in enumerate(base[1:]))])
    good[7] = replace(good[7], metrics={})
    verdict = judged(runs("", base), good)["gan + good"]
    assert verdict.word == "helps where no run failed"
    assert "1 shared seed with a failed run is left out. 1 shared seed is left out, as a run" in (
        verdict.sentence
    )
