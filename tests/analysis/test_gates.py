# SPDX-License-Identifier: MIT
"""Bounds on how much worse a metric may be: when they trip, and what they say."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from ganbench.analysis.comparison import compare_to
from ganbench.analysis.gates import check_known, parse_bound, tripped
from ganbench.analysis.tables import MetricTable
from ganbench.errors import ConfigError
from ganbench.records.run_record import RunRecord

Runs = Callable[..., list[RunRecord]]
Table = Callable[..., MetricTable]


@pytest.mark.parametrize(
    ("bound", "sentence"),
    [
        ("fid:5%", "gan + r1 is worse than gan in fid@mnist-cnn by 10 % over 2 seeds; fid:5% "),
        ("fid@mnist-cnn:1", "gan + r1 is worse than gan in fid@mnist-cnn by 2 over 2 seeds; fid@"),
        ("fid:10%", ""),
        ("fid:2", ""),
        ("kid:0", ""),
    ],
)
def test_a_bound_trips_beyond_its_amount(
    runs: Runs, table_of: Table, bound: str, sentence: str
) -> None:
    comparisons = compare_to(table_of(runs("", [20.0, 20.0]), runs("r1", [21.0, 23.0])))
    sentences = tripped([parse_bound(bound)], comparisons)
    assert len(sentences) == bool(sentence)
    assert all(text.startswith(sentence) for text in sentences)


def test_a_metric_that_is_better_when_higher_trips_below_its_baseline(
    runs: Runs, table_of: Table
) -> None:
    groups = [runs(name, values, better="higher") for name, values in (("", [4.0]), ("r1", [3.0]))]
    assert len(tripped([parse_bound("fid:20%")], compare_to(table_of(*groups)))) == 1
    assert tripped([parse_bound("fid:20%")], compare_to(table_of(*groups), "r1")) == []


def test_missing_values_are_no_improvement(runs: Runs, table_of: Table) -> None:
    comparisons = compare_to(table_of(runs("", [20.0, 20.0]), runs("r1", [10.0, None])))
    assert tripped([parse_bound("fid:50%")], comparisons) == [
        "gan + r1: fid@mnist-cnn is missing for 1 of the seeds for which gan has it."
    ]


@pytest.mark.parametrize("bad", [[None] * 5, [None, None, 30.0, None, None]])
def test_a_treatment_that_was_measured_without_a_value_trips(
    runs: Runs, table_of: Table, bad: list[float | None]
) -> None:
    """A reverse KL is not a number where no sample is sharp; the run is done all the same."""
    base, unsharp = runs("", [20.0] * 5), runs("r1", [30.0] * 5)
    unsharp = [
        replace(run, metrics={"fid@mnist-cnn": replace(run.metrics["fid@mnist-cnn"], value=value)})
        for run, value in zip(unsharp, bad, strict=True)
    ]
    missing = bad.count(None)
    assert tripped([parse_bound("fid:5%")], compare_to(table_of(base, unsharp))) == [
        f"gan + r1: fid@mnist-cnn is missing for {missing} of the seeds for which gan has it."
    ]
    diverged = [replace(unsharp[0], seed=0), *runs("r1", [None] * 5)[1:]]
    assert tripped([parse_bound("fid:5%")], compare_to(table_of(base, diverged)))
    never_measured = [replace(run, metrics={}) for run in unsharp]
    assert compare_to(table_of(base, never_measured)) == []


def test_a_bound_over_one_seed_speaks_of_one_seed(runs: Runs, table_of: Table) -> None:
    (sentence,) = tripped(
        [parse_bound("fid:5%")], compare_to(table_of(runs("", [20.0]), runs("r1", [22.0])))
    )
    assert "by 10 % over 1 seed; fid:5% allows less." in sentence


def test_a_baseline_without_values_is_no_fault_of_the_treatment(
    runs: Runs, table_of: Table
) -> None:
    good = runs("r1", [10.0, 10.0, 10.0])
    comparisons = compare_to(table_of(runs("", [20.0, None, 20.0]), good))
    assert tripped([parse_bound("fid:50%")], comparisons) == []


def test_a_baseline_that_collapsed_hides_no_worsening(runs: Runs, table_of: Table) -> None:
    base = [
        replace(run, status="collapsed") if run.seed == 1 else run
        for run in runs("", [20.0, 300.0, 20.0])
    ]
    comparisons = compare_to(table_of(base, runs("r1", [22.0, 22.0, 22.0])))
    assert tripped([parse_bound("fid:5%")], comparisons) == [
        "gan + r1 is worse than gan in fid@mnist-cnn by 10 % over 2 seeds in which no run failed; "
        "fid:5% allows less."
    ]


def test_a_treatment_that_collapses_trips_however_good_its_values(
    runs: Runs, table_of: Table
) -> None:
    bad = [
        replace(run, status="collapsed") if run.seed else run
        for run in runs("r1", [10.0, 10.0, 10.0])
    ]
    comparisons = compare_to(table_of(runs("", [20.0, 20.0, 20.0]), bad))
    assert tripped([parse_bound("fid:50%")], comparisons) == [
        "gan + r1: 2 of 3 runs diverged or collapsed, 0 of 3 of gan."
    ]


def test_any_worsening_is_beyond_a_share_of_zero(runs: Runs, table_of: Table) -> None:
    bound = [parse_bound("fid:1000%")]
    worse = compare_to(table_of(runs("", [0.0, 0.0]), runs("r1", [0.0, 0.5])))
    assert tripped(bound, worse) == [
        "gan + r1 is worse than gan in fid@mnist-cnn by 0.25 from a mean of zero over 2 seeds; "
        "fid:1000% allows less."
    ]
    for values in ([0.0, 0.0], [-1.0, 0.0]):
        same_or_better = compare_to(table_of(runs("", [0.0, 0.0]), runs("r1", values)))
        assert tripped(bound, same_or_better) == []


def test_a_metric_without_a_better_direction_cannot_be_judged(runs: Runs, table_of: Table) -> None:
    records = [*runs("", [20.0, 21.0]), *runs("r1", [24.0, 25.0])]
    neither = [
        replace(
            record,
            metrics={name: replace(value, better="") for name, value in record.metrics.items()},
        )
        for record in records
    ]
    (sentence,) = tripped([parse_bound("fid:5%")], compare_to(table_of(neither)))
    assert sentence == "fid@mnist-cnn is neither better high nor low, so fid:5% cannot be judged."


def test_a_bound_on_a_metric_that_is_not_measured_is_refused() -> None:
    check_known([parse_bound("fid:5%")], ["fid@mnist-cnn"])
    with pytest.raises(ConfigError, match="not measured"):
        check_known([parse_bound("kid:5%")], ["fid@mnist-cnn"])


def test_gates_load_no_renderer() -> None:
    program = (
        "import sys, ganbench.analysis.gates;"
        "sys.exit(bool({'torch', 'altair', 'jinja2', 'ganbench.report'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
