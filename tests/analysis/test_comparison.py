# SPDX-License-Identifier: MIT
"""Comparisons checked by hand: which variant is compared with which, and the pairs of seeds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats as scipy_stats

from ganbench.analysis.comparison import Comparison, choose_baseline, compare_to
from ganbench.analysis.significance import detectable_difference, holm
from ganbench.analysis.stats import mean_interval
from ganbench.analysis.tables import MetricTable, metric_table
from ganbench.errors import UnknownNameError
from ganbench.records.run_record import RunRecord

BASE = [20.0, 22.0, 19.0, 21.0, 20.5]


def against(comparisons: list[Comparison]) -> dict[str, str]:
    return {comparison.variant: comparison.baseline for comparison in comparisons}


def test_a_trick_is_compared_with_its_own_model_and_setting_without_it(
    runs: Callable[..., list[RunRecord]], table_of: Callable[..., MetricTable]
) -> None:
    table = table_of(
        runs("r1", BASE, setting="lr=1"),
        runs("", BASE, setting="lr=1"),
        runs("r1", BASE, setting="lr=2"),
        runs("", BASE, setting="lr=2"),
        runs("r1", BASE, model="other"),
        runs("", BASE, model="other"),
    )
    assert against(compare_to(table)) == {
        "gan + r1, lr=1": "gan, lr=1",
        "gan + r1, lr=2": "gan, lr=2",
        "other + r1": "other",
    }
    turned = {base: variant for variant, base in against(compare_to(table)).items()}
    assert against(compare_to(table, "r1")) == turned
    assert against(compare_to(table, "gan + r1, lr=2")) == turned, "a label names its tricks"
    assert compare_to(table, "none") == compare_to(table)
    with pytest.raises(UnknownNameError, match="Did you mean 'r1'"):
        compare_to(table, "r2")


def test_a_named_baseline_is_never_replaced_by_another_variant(
    runs: Callable[..., list[RunRecord]], table_of: Callable[..., MetricTable]
) -> None:
    """The other model has averaged weights by itself, so its label leaves ``ema`` out."""
    table = table_of(
        runs("noise", BASE),
        runs("ema", BASE),
        runs("noise", BASE, model="other"),
        runs("", BASE, model="other"),
        runs("noise", BASE, model="third"),
        runs("r1", BASE, model="third"),
    )
    assert against(compare_to(table, "ema")) == {"gan + noise": "gan + ema"}
    bases = {"gan + ema", "other"}
    for name in sorted(bases):
        assert against(compare_to(table, name, bases=bases)) == {
            "gan + noise": "gan + ema",
            "other + noise": "other",
        }
    assert against(compare_to(table, "none")) == {"other + noise": "other"}
    assert against(compare_to(table))["third + r1"] == "third + noise", "nobody named one"


def test_without_tricks_all_are_compared_with_one(
    runs: Callable[..., list[RunRecord]], table_of: Callable[..., MetricTable]
) -> None:
    table = table_of(runs("", BASE, model="a"), runs("", BASE, model="vanilla"))
    assert against(compare_to(table)) == {"a": "vanilla"}
    assert against(compare_to(table, "a")) == {"vanilla": "a"}


def test_a_single_pair_is_not_tested_and_makes_no_other_test_stricter(
    runs: Callable[..., list[RunRecord]], table_of: Callable[..., MetricTable]
) -> None:
    tested, single = runs("a", [18.0, 21.1, 17.5, 19.4, 20.3]), runs("b", [19.0])
    alone = {row.variant: row for row in compare_to(table_of(runs("", BASE), tested))}
    both = {row.variant: row for row in compare_to(table_of(runs("", BASE), tested, single))}
    assert both["gan + a"] == alone["gan + a"]
    assert both["gan + a"].family == 1
    assert (both["gan + b"].t_corrected, both["gan + b"].corrected) == (None, None)
    for values in ([19.0], BASE[:1]):  # another value, and the same
        (only,) = compare_to(table_of(runs("", BASE), runs("b", values)))
        assert (only.family, only.t_corrected) == (0, None)


def test_the_family_is_all_treatments_in_one_metric_whatever_their_baselines(
    runs: Callable[..., list[RunRecord]], table_of: Callable[..., MetricTable]
) -> None:
    random = np.random.default_rng(0)
    groups = [runs("", BASE), runs("", BASE, model="other")]
    effects: dict[str, np.ndarray] = {}
    for name in ("a", "b", "c"):
        effects[name] = random.normal(-0.8, 1.0, 5)
        groups.append(runs(name, (np.array(BASE) + effects[name]).tolist()))
    groups.append(runs("a", (np.array(BASE) + effects["a"]).tolist(), model="other"))
    by_variant = {comparison.variant: comparison for comparison in compare_to(table_of(*groups))}
    tested = {"gan + a": "a", "gan + b": "b", "gan + c": "c", "other + a": "a"}
    expected = holm(
        [float(scipy_stats.ttest_1samp(effects[name], 0).pvalue) for name in tested.values()]
    )
    for (variant, name), p in zip(tested.items(), expected, strict=True):
        comparison = by_variant[variant]
        assert comparison.t_corrected == pytest.approx(p)
        assert comparison.family == 4
        assert comparison.detectable == pytest.approx(
            detectable_difference(float(effects[name].std(ddof=1)), 5, 0.05 / 4)
        )
        assert comparison.relative == pytest.approx(effects[name].mean() / np.mean(BASE))


def test_a_comparison_pairs_by_seed(run: Callable[..., RunRecord]) -> None:
    runs = [run("base", seed, fid) for seed, fid in enumerate([10.0, 20.0, 30.0, 40.0])]
    runs += [run("new", seed, fid) for seed, fid in [(3, 38.5), (1, 18.5), (0, 9.0), (9, 0.0)]]
    (comparison,) = compare_to(metric_table(runs, "ring8"), "base")
    assert comparison.paired is not None
    # Seeds 0, 1, 3: differences -1, -1.5, -1.5.
    assert comparison.paired.difference == mean_interval([-1.5, -1.5, -1.0])
    assert comparison.paired.n == 3
    assert comparison.verdict == "better"
    assert comparison.paired.p_value == 0.25
    # All pairs in which new is lower: 38.5 < 40 (1), 18.5 < 20, 30, 40 (3), 9 and 0 always (4).
    assert comparison.improvement.probability == 12 / 16


def test_without_shared_seeds_there_is_no_pair(run: Callable[..., RunRecord]) -> None:
    table = metric_table([run("base", 0, 1.0), run("new", 1, 2.0)], "ring8")
    (comparison,) = compare_to(table, "base")
    assert (comparison.paired, comparison.corrected, comparison.verdict) == (None, None, "unclear")
    assert comparison.improvement.probability == 0.0


def test_p_values_are_corrected_over_the_whole_table(run: Callable[..., RunRecord]) -> None:
    runs = [run("base", seed, 10.0) for seed in range(3)]
    runs += [run(name, seed, 9.0 - seed) for name in ("x", "y") for seed in range(3)]
    comparisons = compare_to(metric_table(runs, "ring8"), "base")
    assert [comparison.paired.p_value for comparison in comparisons if comparison.paired] == [
        0.25,
        0.25,
    ]
    assert [comparison.corrected for comparison in comparisons] == [0.5, 0.5]


def test_the_baseline_is_vanilla_unless_another_is_named(run: Callable[..., RunRecord]) -> None:
    table = metric_table([run("a", 0, 1.0), run("vanilla", 0, 2.0)], "ring8")
    assert choose_baseline(table) == "vanilla"
    assert choose_baseline(table, "a") == "a"
    with pytest.raises(UnknownNameError, match="Did you mean 'vanilla'"):
        choose_baseline(table, "vanila")


@pytest.mark.parametrize(
    ("groups", "subjects"),
    [
        ([("", {}), ("ema", {})], {"gan + ema": ("ema", True)}),
        (
            [("", {"setting": "lr=1"}), ("ema", {"setting": "lr=2"}), ("ema", {"setting": "lr=3"})],
            {
                "gan + ema, lr=2": ("gan + ema, lr=2", False),
                "gan + ema, lr=3": ("gan + ema, lr=3", False),
            },
        ),
        (
            [("", {"model": "a"}), ("ema", {"model": "b"}), ("ema", {"model": "c"})],
            {"b + ema": ("b + ema", False), "c + ema": ("c + ema", False)},
        ),
        (
            [(tricks, {"model": model}) for model in "ab" for tricks in ("", "ema")],
            {"a + ema": ("a + ema", True), "b + ema": ("b + ema", True)},
        ),
    ],
    ids=["tricks", "settings", "models", "several baselines"],
)
def test_tricks_alone_name_a_treatment_only_where_nothing_else_differs(
    runs: Callable[..., list[RunRecord]],
    table_of: Callable[..., MetricTable],
    groups: list[tuple[str, dict[str, str]]],
    subjects: dict[str, tuple[str, bool]],
) -> None:
    table = table_of(*(runs(tricks, BASE, **where) for tricks, where in groups))
    found = {
        comparison.variant: (comparison.subject, comparison.only_tricks)
        for comparison in compare_to(table)
    }
    assert found == subjects
