# SPDX-License-Identifier: MIT
"""Run folders read into records: whole, unfinished, failed, damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from ganbench.records.load import load_runs
from ganbench.records.measurement import Measurement
from ganbench.records.read_run import complete
from ganbench.records.run_folder import RunFolder
from ganbench.records.run_record import Curve


def test_a_finished_run_is_read_whole(make_run: Callable[..., RunFolder], tmp_path: Path) -> None:
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


def test_without_a_result_a_run_is_still_going(
    make_run: Callable[..., RunFolder], tmp_path: Path
) -> None:
    make_run(tmp_path).result_file.unlink()
    (run,) = load_runs([tmp_path])
    assert (run.status, run.kimg, run.seconds, run.metrics) == ("running", 3.0, 6.0, {})
    assert not run.counted


def test_damage_is_named_and_hides_no_other_run(
    make_run: Callable[..., RunFolder], tmp_path: Path
) -> None:
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


def test_a_failure_is_read_with_its_reason(
    make_run: Callable[..., RunFolder], tmp_path: Path
) -> None:
    failed, late, odd = (make_run(tmp_path, seed=seed) for seed in range(3))
    for folder, status in ((failed, "failed"), (late, "timeout"), (odd, "superb")):
        folder.result_file.unlink()
        reason = {"schema": 1, "status": status, "error": "No space left for /home/someone/x."}
        folder.failure_file.write_text(json.dumps(reason))
    by_seed = {run.seed: run for run in load_runs([tmp_path])}
    assert [by_seed[seed].status for seed in range(3)] == ["failed", "timeout", "damaged"]
    assert by_seed[2].problem == "failure.json cannot be read, or holds no known status."
    assert by_seed[0].problem == "No space left for x."
    assert (by_seed[1].kimg, by_seed[1].counted) == (3.0, False)
    make_run(tmp_path, seed=0)
    assert load_runs([tmp_path])[0].status == "done", "a result that came later counts"
    late.failure_file.write_text("{")
    assert load_runs([tmp_path])[1].status == "damaged"


def test_the_long_files_can_wait(make_run: Callable[..., RunFolder], tmp_path: Path) -> None:
    make_run(tmp_path, seed=0)
    make_run(tmp_path, seed=1).result_file.unlink()
    whole, lean = load_runs([tmp_path]), load_runs([tmp_path], curves=False)
    assert all(run.curves == run.losses == () for run in lean)
    assert [run.kimg for run in lean] == [10.0, 3.0]
    assert [complete(run) for run in lean] == whole
