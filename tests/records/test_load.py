# SPDX-License-Identifier: MIT
"""Runs of folders: which are read, how repeats and equal names are told apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ganbench.errors import InputError
from ganbench.records.load import load_runs
from ganbench.records.run_folder import RunFolder


def test_other_programs_configurations_are_no_runs(
    make_run: Callable[..., RunFolder], tmp_path: Path
) -> None:
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


def test_one_identity_is_one_run_however_often_it_was_made(
    make_run: Callable[..., RunFolder], tmp_path: Path
) -> None:
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


def test_equal_folder_names_are_told_apart(
    make_run: Callable[..., RunFolder], tmp_path: Path
) -> None:
    make_run(tmp_path / "x", seed=0, name="same")
    make_run(tmp_path / "y", seed=1, name="same")
    assert {run.name for run in load_runs([tmp_path])} == {"same", "same~2"}
