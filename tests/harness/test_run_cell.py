# SPDX-License-Identifier: MIT
"""Cells: stored, amended, mended, locked, failed."""

import json
from dataclasses import replace

import pytest
from filelock import FileLock

from ganbench.data import open_dataset
from ganbench.harness.matrix import plan_matrix
from ganbench.harness.run import RunOptions
from ganbench.harness.run_cell import LOCK, CellJob, is_taken, look_up, run_cell, write_failure
from ganbench.harness.run_metrics import wanted_metrics
from ganbench.training.trainer import Schedule, Trainer


@pytest.fixture
def cell():
    """A cell that is trained in a moment."""
    (one,) = plan_matrix(
        ["vanilla"], ["ema"], ["ring8"], [3], settings={"kimg": 0.6, "batch_size": 20}
    )
    return one


@pytest.fixture
def task(cell, tmp_path):
    """The cell as a task, measured by quick metrics."""
    options = RunOptions(
        out=tmp_path / "out",
        resume=True,
        device="cpu",
        threads=1,
        samples=200,
        schedule=Schedule(ticks=10, snapshots=1, evaluations=2, checkpoint_seconds=0.0),
    )
    return CellJob(cell.config, cell.name, options)


@pytest.fixture
def trained(monkeypatch):
    """Count trainings."""
    calls = []
    kept = Trainer.train
    monkeypatch.setattr(Trainer, "train", lambda self: calls.append(self) or kept(self))
    return calls


def values(folder):
    return {name: one["value"] for name, one in folder.outcome()["metrics"].items()}


def weights(folder):
    return folder.generator_file.read_bytes()


def test_a_cell_is_trained_once(task, trained, cell):
    requests = wanted_metrics(open_dataset("ring8").spec, None)
    assert look_up(cell, task.options.out, requests).status == "waiting"
    first = run_cell(task)
    assert first.status in {"done", "collapsed"}
    assert run_cell(task) == first
    assert len(trained) == 1
    stored = look_up(cell, task.options.out, requests)
    assert stored.whole
    assert stored.result["identity"] == cell.identity


def test_a_further_metric_is_measured_not_trained(task, trained, tmp_path):
    few = replace(task.options, metrics=("modes",))
    run_cell(replace(task, options=few))
    assert set(values(task.folder)) == {"modes"}
    more = replace(task.options, metrics=("modes", "reverse-kl", "high-quality"))
    run_cell(replace(task, options=more))
    assert len(trained) == 1
    fresh = replace(task, options=replace(more, out=tmp_path / "other"))
    run_cell(fresh)
    assert len(trained) == 2
    assert values(task.folder) == values(fresh.folder)
    records = [folder.outcome()["metrics"] for folder in (task.folder, fresh.folder)]
    assert records[0] == records[1]


def test_a_metric_of_an_older_version_is_measured_again(task, cell, trained):
    run_cell(task)
    result = task.folder.outcome()
    expected = values(task.folder)
    protocol = result["metrics"]["modes"]["protocol"]
    assert "modes/v" in protocol
    result["metrics"]["modes"] |= {"protocol": protocol.replace("/v", "/v0"), "value": -1.0}
    task.folder.write_result(result)
    requests = wanted_metrics(open_dataset("ring8").spec, None)
    assert look_up(cell, task.options.out, requests).lacking == ("modes",)
    run_cell(task)
    assert values(task.folder) == expected
    assert len(trained) == 1


@pytest.mark.parametrize("content", ["", "{", '{"schema": 1}', "[1]"])
@pytest.mark.parametrize("name", ["result.json", "config.json", "env.json", "stats.jsonl"])
def test_a_damaged_record_is_made_anew_with_the_same_values(task, name, content):
    run_cell(task)
    expected, kept = values(task.folder), weights(task.folder)
    (task.folder.path / name).write_text(content)
    run_cell(task)
    assert values(task.folder) == expected
    assert weights(task.folder) == kept
    assert task.folder.config()["identity"] == task.config.identity


def test_a_damaged_checkpoint_of_an_unfinished_cell_is_trained_from_the_start(task, trained):
    run_cell(task)
    expected, kept = values(task.folder), weights(task.folder)
    task.folder.result_file.unlink()
    task.folder.checkpoint_file.write_bytes(task.folder.checkpoint_file.read_bytes()[:100])
    run_cell(task)
    assert values(task.folder) == expected
    assert weights(task.folder) == kept


def test_a_damaged_checkpoint_of_a_finished_cell_does_not_hinder_a_metric(task):
    few = replace(task.options, metrics=("modes",))
    run_cell(replace(task, options=few))
    expected = values(task.folder)
    task.folder.checkpoint_file.write_bytes(b"no checkpoint")
    more = replace(task.options, metrics=("modes", "high-quality"))
    assert run_cell(replace(task, options=more)).status in {"done", "collapsed"}
    found = values(task.folder)
    assert found.pop("high-quality") is not None
    assert found == expected


def test_a_folder_of_another_run_is_left_alone(task):
    run_cell(task)
    document = task.folder.config()
    task.folder.write_config({**document, "identity": "0" * 16})
    task.folder.result_file.unlink()
    outcome = run_cell(task)
    assert outcome.status == "failed"
    assert "holds another run" in outcome.problem
    assert task.folder.config()["identity"] == "0" * 16


def test_a_cell_that_is_worked_at_is_left_to_others(task, trained):
    task.folder.path.mkdir(parents=True)
    with FileLock(task.folder.path / LOCK):
        assert is_taken(task.folder)
        assert run_cell(task).status == "elsewhere"
    assert not is_taken(task.folder)
    assert trained == []


BROKEN = '''
from ganbench import GAN, MLP, DataSpec, Recipe, adam, losses, register
from torch import nn


class Broken(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 1)

    def forward(self, latents):
        raise ZeroDivisionError("a bug in " + __file__)


@register
def broken(data: DataSpec) -> GAN:
    """Breaks."""
    return GAN(
        generator=lambda latent_dim: Broken(),
        discriminator=lambda shape: MLP(shape, [4], (1,)),
        loss=losses.non_saturating,
        recipe=Recipe(kimg=0.2),
    )
'''


def test_what_a_models_code_raises_is_stored_without_paths(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text(BROKEN)
    (cell,) = plan_matrix([str(path)], ["none"], ["ring8"], [0], settings={})
    task = CellJob(cell.config, cell.name, RunOptions(out=tmp_path / "out", threads=1))
    outcome = run_cell(task)
    assert outcome.status == "failed"
    assert outcome.lasting
    assert "ZeroDivisionError: a bug in broken.py" in outcome.problem
    failure = json.loads(task.folder.failure_file.read_text())
    assert failure["status"] == "failed"
    assert str(tmp_path) not in task.folder.failure_file.read_text()
    assert any("ZeroDivisionError" in line for line in failure["traceback"])
    stored = look_up(cell, tmp_path / "out", [])
    assert (stored.status, stored.whole) == ("failed", False)


def test_a_success_takes_an_earlier_failure_away(task, cell):
    write_failure(task.folder, "timeout", "It took longer than 1 s.")
    assert look_up(cell, task.options.out, []).status == "timeout"
    run_cell(task)
    assert not task.folder.failure_file.exists()


def test_missing_weights_are_no_failure_of_the_cell(task, monkeypatch):
    from ganbench.errors import MissingDataError

    def absent(*_):
        raise MissingDataError("The weights are not here.", "ganbench weights fetch inception")

    monkeypatch.setattr("ganbench.harness.run_cell.wanted_metrics", absent)
    outcome = run_cell(task)
    assert (outcome.status, outcome.lasting) == ("failed", False)
    assert "weights fetch" in outcome.problem
    assert not task.folder.failure_file.exists()


def test_force_trains_again(task, trained):
    run_cell(task)
    kept = weights(task.folder)
    run_cell(replace(task, force=True))
    assert len(trained) == 2
    assert weights(task.folder) == kept
