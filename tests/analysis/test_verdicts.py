# SPDX-License-Identifier: MIT
"""Verdicts in words: by which rule they are found, and what the sentences say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats as scipy_stats

from ganbench.analysis.comparison import compare_to
from ganbench.analysis.tables import MetricTable, metric_table
from ganbench.analysis.verdicts import Verdict, design_limits, main_column, verdicts
from ganbench.errors import UnknownNameError
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
        runs("worse", [15.0, None, 14.0, None, 15.0]),
        runs("same", [15.0, 16.0, 14.0, 15.5, None]),
        runs("gone", [None] * 5),
        runs("crashed", [19.0, 22.5, None, None, None], bad="failed"),
    )
    kinds = {name: verdict.kind for name, verdict in by_variant.items()}
    assert kinds == {
        "gan + worse": "fails",
        "gan + same": "helps",
        "gan + gone": "fails",
        "gan + crashed": "unclear",
    }
    worse, gone = by_variant["gan + worse"], by_variant["gan + gone"]
    assert worse.comparison.lost == 3
    assert worse.sentence.startswith(
        "worse fails: 2 of 5 runs diverged or collapsed, 1 of 5 of gan. Over the 2 shared seeds"
    )
    assert gone.comparison.paired is None
    assert gone.comparison.improvement.probability == 0.0
    assert gone.sentence.endswith("No run of it has a value of fid@mnist-cnn.")
    assert by_variant["gan + crashed"].comparison.lost == 3, (
        "a run that failed makes no pair either"
    )


def test_a_baseline_without_any_value_leaves_no_difference_but_its_failures(
    runs: Callable[..., list[RunRecord]],
) -> None:
    by_variant = judged(runs("", [None] * 5), runs("r1", BASE), runs("none left", [None] * 5))
    assert list(by_variant) == ["gan + r1"]
    verdict = by_variant["gan + r1"]
    assert (verdict.kind, verdict.comparison.improvement.probability) == ("unclear", 1.0)
    assert verdict.sentence == (
        "r1: no pair has two values of fid@mnist-cnn, so there is no difference to test. "
        "0 of 5 runs diverged or collapsed, 5 of 5 of gan."
    )


def test_runs_that_collapse_but_keep_their_values_are_judged_by_them(
    runs: Callable[..., list[RunRecord]],
) -> None:
    collapsed = [
        replace(run, status="collapsed") if run.seed in {1, 2} else run
        for run in runs("odd", [value + (-1) ** index for index, value in enumerate(BASE)])
    ]
    verdict = judged(runs("", BASE), collapsed)["gan + odd"]
    assert (verdict.kind, verdict.comparison.lost) == ("unclear", 0)
    assert verdict.sentence.endswith("2 of 5 runs diverged or collapsed, 0 of 5 of gan.")


def test_one_run_more_of_many_that_diverges_is_no_failure(
    runs: Callable[..., list[RunRecord]],
) -> None:
    random = np.random.default_rng(2)
    base = random.normal(20, 1, 40)
    better = [None, *(base[1:] - 2 + random.normal(0, 0.5, 39)).tolist()]
    assert judged(runs("", base.tolist()), runs("x", better))["gan + x"].kind == "helps"
    worse = [None] * 4 + better[4:]
    assert judged(runs("", base.tolist()), runs("x", worse))["gan + x"].kind == "fails"


def test_equal_steps_are_judged_by_the_permutation_test(
    runs: Callable[..., list[RunRecord]],
) -> None:
    five = judged(runs("", [10.0] * 5), runs("step", [9.0] * 5))["gan + step"]
    assert (five.kind, five.comparison.t_corrected) == ("unclear", 0.0625)
    assert "all differences are the same" in five.sentence
    six = judged(runs("", [10.0] * 6), runs("step", [9.0] * 6))["gan + step"]
    assert (six.kind, six.comparison.t_corrected) == ("helps", 0.03125)
    same = judged(runs("", BASE), runs("idle", BASE))["gan + idle"]
    assert same.sentence == (
        "idle: no difference that 5 seeds can show: fid@mnist-cnn is the same in all of them."
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
    with pytest.raises(UnknownNameError, match="Did you mean 'modes'"):
        main_column(columns("modes", "fid"), "mods")
    with pytest.raises(UnknownNameError, match="no metric on digits"):
        main_column(table_of(runs("", [None])))


def test_what_a_design_cannot_show_is_said() -> None:
    five = design_limits(5, 12)
    assert five[0] == ("A paired permutation test over 5 seeds cannot give a p value below 0.0625.")
    assert "corrected for 12 treatments, finds a true difference of 3.3 standard" in five[1]
    assert len(design_limits(10, 1)) == 1
    assert "One seed" in design_limits(1, 3)[0]
