# SPDX-License-Identifier: MIT
"""Runs read into records: whole ones, unfinished ones, damaged ones, and back from a report."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ganbench.config import Recipe, RunConfig, TrickConfig, canonical_json
from ganbench.errors import InputError
from ganbench.records.archive import (
    MOST_POINTS,
    condense,
    read_archive,
    result_rows,
    write_archive,
)
from ganbench.records.labels import derive_labels, label_variants
from ganbench.records.load import load_runs
from ganbench.records.measurement import Measurement
from ganbench.records.read_run import complete
from ganbench.records.run_folder import RunFolder
from ganbench.records.run_record import Curve, RunRecord

FID = {
    "value": 12.5,
    "low": 11.0,
    "high": 14.0,
    "n": 2500,
    "floor": 0.9,
    "protocol": "fid/v1",
    "better": "lower",
    "unit": "",
    "note": "bootstrap",
}


def make_run(root: Path, seed: int = 0, name: str = "", **changes: Any) -> RunFolder:
    """Write a finished run; ``changes`` are fields of its configuration."""
    settings_of_run: dict[str, Any] = {
        "model": "vanilla",
        "dataset": "ring8",
        "loss": "non-saturating",
        "recipe": Recipe(kimg=10),
        "model_source": "a" * 16,
        "dataset_version": "1",
    }
    config = RunConfig(**{**settings_of_run, **changes}, seed=seed)
    folder = RunFolder(root / (name or f"run-{config.identity[:8]}"))
    folder.write_config(
        {
            "schema": 1,
            "identity": config.identity,
            "config": config.model_dump(mode="json"),
            "options": {},
            "command": "ganbench run --out /home/someone/runs",
        }
    )
    folder.write_environment({"python": "3.11.7", "threads": 1, "kernel": "6.1", "device": "cpu"})
    for tick in range(1, 4):
        folder.append_stats(
            {"kimg": tick, "seconds": 2 * tick, "loss/generator/adversarial": 0.5 * tick}
        )
    folder.append_measurements({"kimg": 5, "seconds": 6, "metrics": {"fid": {**FID, "value": 30}}})
    folder.append_measurements({"kimg": 10, "seconds": 12, "metrics": {"fid": FID}})
    folder.write_result(
        {
            "status": "done",
            "identity": config.identity,
            "model": config.model,
            "dataset": config.dataset,
            "seed": seed,
            "kimg": 10.0,
            "seconds": 12.0,
            "images_per_second": 833.0,
            "parameters": {"generator": 100, "discriminator": 50},
            "metrics": {"fid": FID},
            "device": "cpu",
            "precision": "fp32",
        }
    )
    return folder


def test_a_finished_run_is_read_whole(tmp_path: Path) -> None:
    folder = make_run(tmp_path, seed=3)
    (run,) = load_runs([tmp_path])
    assert (run.status, run.model, run.dataset, run.seed) == ("done", "vanilla", "ring8", 3)
    assert (run.kimg, run.seconds, run.images_per_second) == (10.0, 12.0, 833.0)
    assert run.metrics == {
        "fid": Measurement(
            12.5, 11.0, 14.0, 2500, floor=0.9, protocol="fid/v1", better="lower", note="bootstrap"
        )
    }
    assert run.curves == (
        Curve("fid", (5.0, 10.0), (6.0, 12.0), (30.0, 12.5), "fid/v1", "lower", ""),
    )
    (loss,) = run.losses
    assert loss == Curve(
        "loss/generator/adversarial", (1.0, 2.0, 3.0), (2.0, 4.0, 6.0), (0.5, 1.0, 1.5)
    )
    assert run.name == folder.path.name
    assert run.command == "ganbench run --out runs"
    assert len(run.environment_id) == 8


def test_without_a_result_a_run_is_still_going(tmp_path: Path) -> None:
    make_run(tmp_path).result_file.unlink()
    (run,) = load_runs([tmp_path])
    assert (run.status, run.kimg, run.seconds, run.metrics) == ("running", 3.0, 6.0, {})
    assert not run.counted


def test_damage_is_named_and_hides_no_other_run(tmp_path: Path) -> None:
    make_run(tmp_path, seed=0)
    make_run(tmp_path, seed=1, name="bad-config").config_file.write_text('{"schema": 1, "iden')
    make_run(tmp_path, seed=2, name="bad-result").result_file.write_text("")
    make_run(tmp_path, seed=3, name="bad-status").write_result({"status": "superb"})
    make_run(tmp_path, seed=4, name="bad-rows").metrics_file.write_text(
        '{"kimg": "many"}\n[1]\n{"kimg": 5, "seconds": 1, "metrics": {"fid": {"value": "x"}}}\n{"k'
    )
    runs = {run.name: run for run in load_runs([tmp_path])}
    assert len(runs) == 5
    assert runs["bad-config"].problem == "config.json cannot be read."
    assert runs["bad-result"].problem == "result.json cannot be read."
    assert "status" in runs["bad-status"].problem
    assert {runs[f"bad-{what}"].status for what in ("config", "result", "status")} == {"damaged"}
    assert (runs["bad-rows"].status, runs["bad-rows"].curves) == ("done", ())


def test_other_programs_configurations_are_no_runs(tmp_path: Path) -> None:
    make_run(tmp_path / "runs")
    for name, text in {"other": '{"theme": "dark"}', "broken": "{"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(text)
    assert len(load_runs([tmp_path])) == 1


def test_a_folder_without_runs_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run in"):
        load_runs([tmp_path])
    with pytest.raises(InputError, match="no folder"):
        load_runs([tmp_path / "missing"])


def test_one_identity_is_one_run_however_often_it_was_made(tmp_path: Path) -> None:
    make_run(tmp_path, seed=0, name="a").result_file.unlink()
    make_run(tmp_path, seed=0, name="b")
    further = make_run(tmp_path, seed=0, name="c")
    further.result_file.unlink()
    further.append_stats({"kimg": 11, "seconds": 22, "loss/generator/adversarial": 1.0})
    make_run(tmp_path, seed=1, name="d")
    runs = load_runs([tmp_path])
    assert [(run.name, run.seed, run.status, run.repeats) for run in runs] == [
        ("b", 0, "done", 2),
        ("d", 1, "done", 0),
    ]


def test_equal_folder_names_are_told_apart(tmp_path: Path) -> None:
    make_run(tmp_path / "x", seed=0, name="same")
    make_run(tmp_path / "y", seed=1, name="same")
    assert {run.name for run in load_runs([tmp_path])} == {"same", "same~2"}


def test_variants_are_named_by_what_differs(tmp_path: Path) -> None:
    r1 = TrickConfig(name="r1", parameters={"weight": 1.0, "every": 1})
    strong = TrickConfig(name="r1", parameters={"weight": 10.0, "every": 1})
    ema = TrickConfig(name="ema", parameters={"decay": 0.99})
    for seed in (0, 1):
        make_run(tmp_path, seed)
        make_run(tmp_path, seed, tricks=(ema,))
        make_run(tmp_path, seed, tricks=(ema, r1))
        make_run(tmp_path, seed, tricks=(strong,))
        make_run(tmp_path, seed, loss="minimax")
        make_run(tmp_path, seed, recipe=Recipe(kimg=10, batch_size=128))
        make_run(tmp_path, seed, dataset="grid25", recipe=Recipe(kimg=20))
    found: dict[str, list[int | None]] = {}
    for run in load_runs([tmp_path]):
        found.setdefault(f"{run.dataset}: {run.variant}", []).append(run.seed)
    common = "loss=non-saturating, batch_size=64"
    assert found == {
        f"ring8: vanilla, {common}": [0, 1],
        f"ring8: vanilla + ema, {common}": [0, 1],
        f"ring8: vanilla + ema + r1(weight=1), {common}": [0, 1],
        f"ring8: vanilla + r1(weight=10), {common}": [0, 1],
        "ring8: vanilla, loss=minimax, batch_size=64": [0, 1],
        "ring8: vanilla, loss=non-saturating, batch_size=128": [0, 1],
        "grid25: vanilla": [0, 1],
    }


def test_parameters_are_shown_where_they_differ() -> None:
    tricks = [{"name": "gp", "parameters": {"weight": weight, "target": 1}} for weight in (1, 10.0)]
    labels = derive_labels("wgan-gp", [{"tricks": [trick]} for trick in tricks])
    assert [label.tricks for label in labels] == ["gp(weight=1)", "gp(weight=10)"]
    assert [label.variant for label in derive_labels("wgan-gp", [{"tricks": tricks[:1]}])] == [
        "wgan-gp"
    ]


def test_two_versions_of_a_dataset_are_two_datasets(tmp_path: Path) -> None:
    make_run(tmp_path, 0)
    make_run(tmp_path, 0, dataset_version="2")
    assert [run.dataset for run in load_runs([tmp_path])] == ["ring8 (1)", "ring8 (2)"]


def test_a_recorded_label_is_kept_while_it_means_one_thing() -> None:
    one = RunRecord("a", "done", model="vanilla", dataset="d", variant="mine", config={"loss": "x"})
    other = RunRecord(
        "b", "done", model="vanilla", dataset="d", variant="yours", config={"loss": "y"}
    )
    assert [run.variant for run in label_variants([one, other])] == ["mine", "yours"]
    clash = [one, RunRecord("b", "done", model="vanilla", dataset="d", variant="mine", config={})]
    assert len({run.variant for run in label_variants(clash)}) == 2


def rates(generator: float, discriminator: float) -> dict[str, Any]:
    """The part of a recipe with two learning rates."""
    return {
        "generator_optimizer": {"kind": "adam", "learning_rate": generator},
        "discriminator_optimizer": {"kind": "adam", "learning_rate": discriminator},
    }


def test_tricks_and_settings_are_kept_apart(tmp_path: Path) -> None:
    r1 = TrickConfig(name="r1", parameters={"weight": 1.0})
    for rate in (0.001, 0.0002):
        recipe = Recipe(kimg=10, **rates(rate, rate))
        make_run(tmp_path, recipe=recipe)
        make_run(tmp_path, recipe=recipe, tricks=(r1,))
    found = [(run.variant, run.tricks, run.setting) for run in load_runs([tmp_path])]
    assert found == [
        ("vanilla, learning_rate=0.0002", "", "learning_rate=0.0002"),
        ("vanilla + r1, learning_rate=0.0002", "r1", "learning_rate=0.0002"),
        ("vanilla, learning_rate=0.001", "", "learning_rate=0.001"),
        ("vanilla + r1, learning_rate=0.001", "r1", "learning_rate=0.001"),
    ]
    make_run(tmp_path, recipe=Recipe(kimg=10, **rates(0.001, 0.004)))
    settings = {run.setting for run in load_runs([tmp_path])}
    assert len(settings) == 3
    assert all("generator_optimizer.learning_rate" in setting for setting in settings)


def test_one_label_means_one_trick_on_all_datasets() -> None:
    def of(dataset: str, *tricks: dict[str, Any]) -> RunRecord:
        config = {"loss": "x", "tricks": list(tricks)}
        return RunRecord("a", "done", model="gan", dataset=dataset, config=config)

    weak, strong = ({"name": "r1", "parameters": {"weight": weight}} for weight in (1, 10))
    runs = [of("one"), of("one", weak), of("two"), of("two", strong)]
    assert [run.tricks for run in label_variants(runs)] == ["", "r1(weight=1)", "", "r1(weight=10)"]
    always = [of("one", weak), of("two", strong)]
    assert [run.tricks for run in label_variants(always)] == ["", ""], "the model's own"


def test_a_failure_is_read_with_its_reason(tmp_path: Path) -> None:
    failed, late, odd = (make_run(tmp_path, seed=seed) for seed in range(3))
    for folder, status in ((failed, "failed"), (late, "timeout"), (odd, "superb")):
        folder.result_file.unlink()
        reason = {"schema": 1, "status": status, "error": "No space left for /home/someone/x."}
        folder.failure_file.write_text(json.dumps(reason))
    found = {run.seed: run for run in load_runs([tmp_path])}
    assert [found[seed].status for seed in range(3)] == ["failed", "timeout", "failed"]
    assert found[0].problem == "No space left for x."
    assert (found[1].kimg, found[1].counted) == (3.0, False)
    make_run(tmp_path, seed=0)
    assert load_runs([tmp_path])[0].status == "done", "a result that came later counts"
    late.failure_file.write_text("{")
    assert load_runs([tmp_path])[1].problem == "failure.json cannot be read."


def test_the_long_files_can_wait(tmp_path: Path) -> None:
    make_run(tmp_path, seed=0)
    make_run(tmp_path, seed=1).result_file.unlink()
    whole, lean = load_runs([tmp_path]), load_runs([tmp_path], curves=False)
    assert all(run.curves == run.losses == () for run in lean)
    assert [run.kimg for run in lean] == [10.0, 3.0]
    assert [complete(run) for run in lean] == whole


def test_the_number_of_threads_is_kept(tmp_path: Path) -> None:
    make_run(tmp_path / "runs")
    runs = load_runs([tmp_path / "runs"])
    assert runs[0].threads == 1
    write_archive(tmp_path / "report", runs)
    assert load_runs([tmp_path / "report"])[0].threads == 1
    rows = tmp_path / "report" / "runs.jsonl"
    old = {key: value for key, value in json.loads(rows.read_text()).items() if key != "threads"}
    rows.write_text(json.dumps(old))
    assert load_runs([tmp_path / "report"])[0].threads == 1, "an older report: from env/*.json"
    assert result_rows(runs)[0]["threads"] == 1


scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=30))
configs = st.fixed_dictionaries(
    {
        "loss": scalars,
        "recipe": st.dictionaries(st.sampled_from(["kimg", "batch_size"]), scalars),
        "tricks": st.lists(
            st.fixed_dictionaries(
                {
                    "name": st.sampled_from(["ema", "r1"]),
                    "parameters": st.dictionaries(st.sampled_from(["weight"]), scalars),
                }
            ),
            max_size=2,
        ),
    }
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(configs, min_size=1, max_size=4, unique_by=canonical_json))
def test_different_settings_never_share_a_label(found: list[dict[str, Any]]) -> None:
    labels = [label.variant for label in derive_labels("gan", found)]
    assert len(set(labels)) == len(labels)


def test_an_archive_gives_back_the_same_records(tmp_path: Path) -> None:
    make_run(tmp_path / "runs", 0)
    make_run(tmp_path / "runs", 1, loss="minimax")
    make_run(tmp_path / "runs", 2).write_result({"status": "diverged", "seed": 2, "kimg": 3.0})
    make_run(tmp_path / "runs", 3).result_file.unlink()
    runs = [condense(run) for run in load_runs([tmp_path / "runs"])]
    write_archive(tmp_path / "report", runs)
    assert [condense(run) for run in load_runs([tmp_path / "report"])] == runs
    text = "".join(file.read_text() for file in (tmp_path / "report").rglob("*.json*"))
    assert str(tmp_path) not in text
    assert "/home" not in text


def test_every_run_and_metric_has_a_row(tmp_path: Path) -> None:
    make_run(tmp_path, 0)
    make_run(tmp_path, 1).write_result({"status": "diverged", "kimg": 3.0})
    rows = result_rows(load_runs([tmp_path]))
    assert [(row["seed"], row["metric"], row["value"], row["status"]) for row in rows] == [
        (0, "fid", 12.5, "done"),
        (1, None, None, "diverged"),
    ]
    assert set(rows[0]) >= {"identity", "model", "dataset", "variant", "kimg", "low", "high", "n"}
    assert set(rows[0]) >= {"floor", "protocol", "seconds", "env"}


def test_results_alone_are_enough_for_a_table(tmp_path: Path) -> None:
    make_run(tmp_path / "runs", 0)
    make_run(tmp_path / "runs", 1, loss="minimax")
    runs = load_runs([tmp_path / "runs"])
    write_archive(tmp_path / "report", runs)
    (tmp_path / "report" / "runs.jsonl").unlink()
    again = load_runs([tmp_path / "report"])
    assert [(run.variant, run.seed, run.metrics) for run in again] == [
        (run.variant, run.seed, run.metrics) for run in runs
    ]


def test_a_damaged_archive_loses_only_what_is_damaged(tmp_path: Path) -> None:
    make_run(tmp_path / "runs", 0)
    write_archive(tmp_path / "report", load_runs([tmp_path / "runs"]))
    rows = tmp_path / "report" / "runs.jsonl"
    row = json.loads(rows.read_text())
    row["curves"][0]["values"] = ["high", None]
    row["grid"] = "../../outside.png"
    row["parameters"] = {"generator": "many"}
    rows.write_text(json.dumps(row) + '\n{"cut')
    (run,) = read_archive(tmp_path / "report")
    assert run.curves == ()
    assert run.parameters == {}
    assert len(run.losses) == 1
    assert run.grids == (tmp_path / "report" / "samples" / "outside.png",)


@given(st.integers(1, 500))
def test_thinning_keeps_ends_and_mean_and_is_done_once(count: int) -> None:
    points = tuple(float(index) for index in range(1, count + 1))
    run = RunRecord("a", "done", losses=(Curve("loss/x", points, points, points),))
    (thin,) = condense(run).losses
    assert len(thin.values) == min(count, MOST_POINTS)
    assert thin.kimg[-1] == count
    assert min(thin.values) >= 1
    assert max(thin.values) <= count
    if count % MOST_POINTS == 0 or count < MOST_POINTS:  # equal spans: the mean is kept
        assert math.fsum(thin.values) / len(thin.values) == pytest.approx((count + 1) / 2)
    assert condense(condense(run)) == condense(run)
