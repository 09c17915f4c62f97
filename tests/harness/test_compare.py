# SPDX-License-Identifier: MIT
"""Comparisons of a matrix of runs."""

from dataclasses import replace

import pytest

import ganbench
from ganbench.analysis.comparison import compare_to
from ganbench.analysis.tables import metric_table
from ganbench.analysis.verdicts import judge_matrix
from ganbench.harness.compare import _comparisons, comparison_document
from ganbench.harness.matrix import baseline_arms, baselines, plan_matrix
from ganbench.harness.run_cell import write_failure
from ganbench.records.labels import label_variants
from ganbench.records.measurement import Measurement
from ganbench.records.primary_metric import Choice, RecordedChoices
from ganbench.records.run_folder import RunFolder
from ganbench.records.run_record import RunRecord


def made_up(tricks, values, collapsed=()):
    """Return the runs of a variant, with two metrics of the same values."""
    return [
        RunRecord(
            name=f"{tricks}{seed}",
            status="collapsed" if seed in collapsed else "done",
            model="gan",
            dataset="digits",
            variant=f"gan + {tricks}" if tricks else "gan",
            tricks=tricks,
            seed=seed,
            metrics={
                name: Measurement(value, n=1, protocol=name, better="lower")
                for name in ("kid", "fid")
            },
        )
        for seed, value in enumerate(values)
    ]


def test_the_document_says_what_failed_what_is_conditional_and_what_exploratory():
    runs = [
        *made_up("", [40.0, 41.0, 320.0, 39.0, 42.0], collapsed=[2]),
        *made_up("good", [28.0, 28.9, 27.0, 27.1, 29.6]),
        *made_up("bad", [36.0, 320.0, 35.0, 310.0, 300.0], collapsed=[0, 1, 2, 3, 4]),
    ]
    table = metric_table(runs, "digits")
    document = comparison_document(None, [], judge_matrix([(table, compare_to(table))]))
    assert document["scope"]["primary"] == {"digits": "fid"}
    assert (document["scope"]["tests"], document["scope"]["columns"]) == (2, 2)
    rows = {(row["variant"], row["metric"]): row for row in document["comparisons"]}
    good, bad = rows["gan + good", "fid"], rows["gan + bad", "fid"]
    assert (good["verdict"], good["verdict_kind"]) == ("helps where no run failed", "helps")
    assert good["conditional"]
    assert rows["gan + good", "kid"]["verdict"] == "may help where no run failed"
    assert not rows["gan + good", "kid"]["primary"]
    # The numbers of all pairs keep their keys; those of the pairs without a failure stand beside.
    assert (good["n"], good["unfailed_n"]) == (5, 4)
    assert good["difference"] == pytest.approx(-68.28)
    assert good["unfailed_difference"] == pytest.approx(-12.1)
    assert good["p_value"] > 0.2
    assert good["p_value_holm"] == pytest.approx(2 * good["unfailed_p_value"])
    assert 0.6 < good["unfailed_ratio_low"] < good["unfailed_ratio"] < 0.75
    assert (good["failed"], good["baseline_failed"]) == (0, 1)
    assert good["failed_p_value"] == pytest.approx(0.754, abs=1e-3)
    assert (bad["verdict"], bad["failed"], bad["runs"]) == ("fails", 5, 5)
    assert (bad["fails"], bad["fails_less"], bad["missing"]) == (True, False, 0)
    assert bad["failed_low"] == pytest.approx(0.4782, abs=1e-4)
    assert bad["failed_high"] == pytest.approx(1.0, abs=1e-4)
    assert not bad["conditional"]


def test_old_runs_without_a_seed_or_metrics_are_compared_as_before():
    runs = [replace(run, seed=None, metrics={}) for run in made_up("", [1.0])]
    table = metric_table(runs, "digits")
    matrix = judge_matrix([(table, compare_to(table))])
    assert comparison_document(None, [], matrix)["scope"]["sentence"] == ""


def test_a_comparison_trains_what_is_missing(tmp_path):
    def compare(tricks):
        return ganbench.compare(
            ["vanilla"],
            tricks=tricks,
            data="ring8",
            seeds=range(2),
            settings={"kimg": 0.2},
            metric="modes",
            out=tmp_path,
        )

    first = compare(["none", "ema"])
    assert {cell["status"] for cell in first["cells"]} <= {"done", "collapsed"}
    assert {row["variant"] for row in first["comparisons"]} == {"vanilla + ema"}
    assert len(first.runs) == 4
    assert len(first.verdicts) == 1
    assert "ComparisonResult of 4 of 4 runs" in repr(first)
    assert "vanilla + ema" in first._repr_html_()
    assert "The primary metric is modes, chosen for this comparison." in repr(first)
    assert "exploratory" in first._repr_html_()
    rows = [row for rows in first.plot().to_dict()["datasets"].values() for row in rows]
    assert {row.get("seed") for row in rows if "difference" in row} == {"0", "1"}
    assert RecordedChoices().on("ring8", tmp_path) == Choice("modes", "none")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/result.json")}
    more = compare(["none", "ema", [ganbench.R1(weight=2.0)]])
    assert len(more["cells"]) == 6
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


def test_a_baseline_is_the_model_as_it_is_and_never_another_variant(tmp_path):
    def compare(baseline):
        return ganbench.compare(
            ["vanilla"],
            tricks=["r1", "none", "r1+ema"],
            data=["ring8", "grid25"],
            seeds=[0],
            settings={"kimg": 0.1, "batch_size": 20},
            samples=200,
            baseline=baseline,
            out=tmp_path,
        )

    def compared(result):
        rows = result["comparisons"]
        return {(row["dataset"], row["variant"], row["baseline"]) for row in rows}

    plain, treated = "vanilla", ["vanilla + r1", "vanilla + ema + r1"]
    expected = {(data, name, plain) for data in ("ring8", "grid25") for name in treated}
    assert compared(compare("vanilla")) == compared(compare("none")) == expected
    (lost,) = (run for run in compare("vanilla").runs if run.path.name.startswith("vanilla-grid"))
    (lost.path / "result.json").unlink()
    write_failure(RunFolder(lost.path), "failed", "It broke.")
    for name in ("vanilla", "none"):
        with pytest.warns(UserWarning, match="1 of 6 runs failed"):
            result = compare(name)
        assert compared(result) == {row for row in expected if row[0] == "ring8"}


@pytest.mark.parametrize("models", [("vanilla", "r3gan"), ("r3gan", "vanilla")])
def test_a_baseline_is_the_arm_that_was_asked_for_of_each_model(models):
    """R3GAN averages its weights by itself: its variants all have ``ema``, and no label says so."""
    cells = plan_matrix(models, ["instance-noise", "ema"], ["ring8"], [0, 1], settings={})
    runs = label_variants(
        [
            RunRecord(
                name=cell.name,
                status="done",
                model=cell.arm.model,
                dataset="ring8",
                seed=cell.seed,
                config=cell.config.model_dump(mode="json"),
                metrics={"modes": Measurement(1.0, n=1, protocol="modes", better="higher")},
            )
            for cell in cells
        ]
    )
    stored = [(cell.arm, run) for cell, run in zip(cells, runs, strict=True)]
    arms = list(dict.fromkeys(cell.arm for cell in cells))
    made = _comparisons(metric_table(runs, "ring8"), "ema", arms, stored)
    assert {comparison.variant: comparison.baseline for comparison in made} == {
        "vanilla + instance-noise": "vanilla + ema",
        "r3gan + instance-noise": "r3gan",
    }


def test_a_model_without_a_plain_variant_is_no_baseline():
    cells = plan_matrix(["vanilla", "nsgan"], ["r1", "ema"], ["ring8"], [0], settings={})
    arms = [cell.arm for cell in cells]
    assert baseline_arms(arms, "vanilla") == []
    assert "vanilla" not in baselines(arms)
    assert [arm.label for arm in baseline_arms(arms, "ema")] == ["vanilla + ema", "nsgan + ema"]
    assert [arm.label for arm in baseline_arms(arms, "nsgan + r1")] == ["nsgan + r1"]
