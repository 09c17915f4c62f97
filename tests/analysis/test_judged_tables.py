# SPDX-License-Identifier: MIT
"""Stored runs are judged as their comparison chose, unless something else is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ganbench.analysis.judged_tables import judge_tables
from ganbench.analysis.tables import datasets_of, metric_table
from ganbench.analysis.verdicts import JudgedMatrix
from ganbench.errors import UnknownNameError
from ganbench.records.measurement import Measurement
from ganbench.records.primary_metric import Choice
from ganbench.records.run_record import RunRecord


def losses(
    dataset: str, choice: Choice, models: Sequence[str] = ("a", "b", "c")
) -> list[RunRecord]:
    """Return runs of models without tricks, in two metrics."""
    return [
        RunRecord(
            name=f"{dataset}-{model}-{seed}",
            status="done",
            model=model,
            dataset=dataset,
            variant=model,
            seed=seed,
            metrics={
                name: Measurement(10.0 + index + seed, protocol=name, better="lower")
                for name in ("fid", "kid")
            },
            **vars(choice),
        )
        for index, model in enumerate(models)
        for seed in range(3)
    ]


def judged(runs: Sequence[RunRecord], **asked: str) -> JudgedMatrix:
    return judge_tables([metric_table(runs, dataset) for dataset in datasets_of(runs)], **asked)


def test_every_dataset_keeps_its_own_metric_and_baseline() -> None:
    runs = losses("x", Choice("kid", "b")) + losses("y", Choice("fid", "c"))
    matrix = judged(runs)
    assert matrix.choices == {"x": Choice("kid", "b"), "y": Choice("fid", "c")}
    assert matrix.primary == ("kid", "fid")
    assert "kid and fid, chosen for this comparison." in matrix.scope
    mixed = judged(losses("x", Choice("kid", "b")) + losses("y", Choice()))
    assert mixed.choices == {"x": Choice("kid", "b"), "y": Choice("", "a")}
    assert "kid and fid, named on some datasets, the default where none is" in mixed.scope


def test_what_is_asked_for_wins_where_it_is_there() -> None:
    runs = losses("x", Choice("kid", "b")) + losses("y", Choice("kid", "c"), ["c", "d"])
    matrix = judged(runs, baseline="a", metric="fid")
    assert matrix.choices == {"x": Choice("fid", "a"), "y": Choice("fid", "c")}
    assert judged(runs, metric="modes").choices["x"].primary_metric == "kid"
    with pytest.raises(UnknownNameError, match="nobody"):
        judged(runs, baseline="nobody")


def test_comparisons_that_disagree_choose_nothing_and_runs_of_none_do_not_matter() -> None:
    first, second = losses("x", Choice("kid", "b")), losses("x", Choice("fid", "c"), ["d"])
    assert judged(first + second).choices["x"] == Choice("", "a")
    free = [replace(run, primary_metric="", baseline="") for run in second]
    assert judged(first + free).choices["x"] == Choice("kid", "b")
    gone = [run for run in first if run.model != "b"]
    assert judged(gone).choices["x"] == Choice("kid", "a"), "none of its runs is there"


def test_a_baseline_without_tricks_has_a_name_that_no_other_run_changes() -> None:
    plain, added = losses("x", Choice()), losses("x", Choice())
    added = [
        replace(run, tricks="r1", variant=f"{run.model} + r1", name=f"{run.name}-r1")
        for run in added
    ]
    assert judged(plain + added).choices["x"] == Choice("", "none")
    assert judged(plain + added, baseline="r1").choices["x"] == Choice("", "r1")
