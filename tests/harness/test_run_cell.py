# SPDX-License-Identifier: MIT
"""Cells: stored, amended, repaired, locked, failed."""

import errno
import json
import os
from dataclasses import replace

import pytest
import torch
from filelock import FileLock

from ganbench.data import open_dataset
from ganbench.errors import InputError
from ganbench.harness.matrix import plan_matrix
from ganbench.harness.run_cell import CellJob, look_up, run_cell, write_failure
from ganbench.harness.run_metrics import WantedMetrics, wanted_metrics
from ganbench.harness.run_options import RunOptions
from ganbench.metrics.high_quality import HighQuality
from ganbench.records import atomic_files
from ganbench.records.locks import LOCK, is_taken
from ganbench.training import checkpoint
from ganbench.training.checkpoint import read_tensors, write_tensors
from ganbench.training.trainer import Schedule, Trainer


@pytest.fixture
def cell():
    """Return a cell that trains in a moment."""
    (planned,) = plan_matrix(
        ["vanilla"], ["ema"], ["ring8"], [3], settings={"kimg": 0.6, "batch_size": 20}
    )
    return planned


@pytest.fixture
def job(cell, tmp_path):
    """Return the cell as a job, measured by quick metrics."""
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
    """Return a list to which every training is appended."""
    trainers = []
    train = Trainer.train
    monkeypatch.setattr(Trainer, "train", lambda self: trainers.append(self) or train(self))
    return trainers


def values(folder):
    return {name: record["value"] for name, record in folder.outcome()["metrics"].items()}


def weights(folder):
    return folder.generator_file.read_bytes()


def test_a_cell_is_trained_once(job, trained, cell):
    wanted = wanted_metrics(open_dataset("ring8"), None, job.options.measuring)
    assert look_up(cell, job.options.out, wanted).status == "waiting"
    first = run_cell(job)
    assert first.status in {"done", "collapsed"}
    assert run_cell(job) == first
    assert len(trained) == 1
    stored = look_up(cell, job.options.out, wanted)
    assert stored.whole
    assert stored.result["identity"] == cell.identity


def test_a_further_metric_is_measured_not_trained(job, trained, tmp_path):
    few = replace(job.options, metrics=("modes",))
    run_cell(replace(job, options=few))
    assert set(values(job.folder)) == {"modes"}
    more = replace(job.options, metrics=("modes", "reverse-kl", "high-quality"))
    run_cell(replace(job, options=more))
    assert len(trained) == 1
    fresh = replace(job, options=replace(more, out=tmp_path / "other"))
    run_cell(fresh)
    assert len(trained) == 2
    assert values(job.folder) == values(fresh.folder)
    records = [folder.outcome()["metrics"] for folder in (job.folder, fresh.folder)]
    assert records[0] == records[1]


def test_a_metric_of_an_older_version_is_measured_again(job, cell, trained):
    run_cell(job)
    result = job.folder.outcome()
    expected = values(job.folder)
    protocol = result["metrics"]["modes"]["protocol"]
    assert "modes/v" in protocol
    result["metrics"]["modes"] |= {"protocol": protocol.replace("/v", "/v0"), "value": -1.0}
    job.folder.write_result(result)
    wanted = wanted_metrics(open_dataset("ring8"), None, job.options.measuring)
    assert look_up(cell, job.options.out, wanted).missing_metrics == ("modes",)
    run_cell(job)
    assert values(job.folder) == expected
    assert len(trained) == 1


@pytest.mark.parametrize("content", ["", "{", '{"schema": 1}', "[1]"])
@pytest.mark.parametrize("name", ["result.json", "config.json", "env.json", "stats.jsonl"])
def test_a_damaged_record_is_made_anew_with_the_same_values(job, name, content):
    run_cell(job)
    expected, trained_weights = values(job.folder), weights(job.folder)
    (job.folder.path / name).write_text(content)
    run_cell(job)
    assert values(job.folder) == expected
    assert weights(job.folder) == trained_weights
    assert job.folder.config()["identity"] == job.config.identity


def test_a_damaged_checkpoint_of_an_unfinished_cell_is_trained_from_the_start(job, trained):
    run_cell(job)
    expected, trained_weights = values(job.folder), weights(job.folder)
    job.folder.result_file.unlink()
    job.folder.checkpoint_file.write_bytes(job.folder.checkpoint_file.read_bytes()[:100])
    run_cell(job)
    assert values(job.folder) == expected
    assert weights(job.folder) == trained_weights


def test_a_damaged_checkpoint_of_a_finished_cell_does_not_hinder_a_metric(job):
    few = replace(job.options, metrics=("modes",))
    run_cell(replace(job, options=few))
    expected = values(job.folder)
    job.folder.checkpoint_file.write_bytes(b"no checkpoint")
    more = replace(job.options, metrics=("modes", "high-quality"))
    assert run_cell(replace(job, options=more)).status in {"done", "collapsed"}
    measured = values(job.folder)
    assert measured.pop("high-quality") is not None
    assert measured == expected


def test_what_is_trained_again_has_the_metrics_that_it_had(job):
    run_cell(replace(job, options=replace(job.options, metrics=("modes",))))
    result = job.folder.outcome()
    result["metrics"]["of-another-version"] = result["metrics"]["modes"]
    job.folder.write_result(result)
    job.folder.checkpoint_file.write_bytes(b"no checkpoint")
    run_cell(replace(job, options=replace(job.options, metrics=("high-quality",))))
    assert set(values(job.folder)) == {"modes", "high-quality"}


def contents(folder):
    """Return every file of a cell by its name, without its lock."""
    files = [path for path in folder.path.rglob("*") if path.is_file() and path.name != LOCK]
    return {str(path.relative_to(folder.path)): path.read_bytes() for path in files}


def unreadable_checkpoint(monkeypatch):
    """Let reading a checkpoint fail as on a shared disk that is away for a moment."""

    def fail(*_, **__):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(checkpoint, "safe_open", fail)


def small_machine(monkeypatch):
    """Let the machine have less memory than a checkpoint needs."""
    monkeypatch.setattr(checkpoint, "_memory_bytes", lambda: 100)


def unreadable_record(name):
    """Let opening one record fail, as where too many files are open."""

    def prepare(monkeypatch):
        opening = os.open

        def fail(path, *arguments, **options):
            if os.path.basename(os.fspath(path)) == name:
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            return opening(path, *arguments, **options)

        monkeypatch.setattr(atomic_files.os, "open", fail)

    return prepare


MACHINES = {
    "checkpoint": unreadable_checkpoint,
    "memory": small_machine,
    "result": unreadable_record("result.json"),
    "config": unreadable_record("config.json"),
}


@pytest.mark.parametrize("fault", MACHINES)
def test_a_finished_cell_that_cannot_be_read_now_is_left_as_it_is(job, fault, monkeypatch):
    run_cell(replace(job, options=replace(job.options, metrics=("modes",))))
    before = contents(job.folder)
    with monkeypatch.context() as patch:
        MACHINES[fault](patch)
        outcome = run_cell(job)
        assert (outcome.status, outcome.lasting) == ("failed", False)
    assert contents(job.folder) == before
    assert run_cell(job).status in {"done", "collapsed"}
    assert len(values(job.folder)) > 1


@pytest.mark.parametrize("fault", ["checkpoint", "memory"])
def test_an_unfinished_cell_that_cannot_be_read_now_keeps_its_checkpoint(job, fault, monkeypatch):
    run_cell(job)
    job.folder.result_file.unlink()
    before = job.folder.checkpoint_file.read_bytes()
    MACHINES[fault](monkeypatch)
    outcome = run_cell(job)
    assert (outcome.status, outcome.lasting) == ("failed", False)
    assert job.folder.checkpoint_file.read_bytes() == before
    assert not job.folder.failure_file.exists()


def test_a_finished_cell_of_another_version_keeps_its_result(job, trained):
    run_cell(replace(job, options=replace(job.options, metrics=("modes",))))
    tensors, metadata = read_tensors(job.folder.checkpoint_file, torch.device("cpu"))
    renamed = {name.replace("generator/", "other/"): value for name, value in tensors.items()}
    write_tensors(job.folder.checkpoint_file, renamed, metadata)
    before = contents(job.folder)
    outcome = run_cell(job)
    assert (outcome.status, outcome.lasting) == ("failed", False)
    assert "does not fit this run" in outcome.problem
    assert contents(job.folder) == before
    assert len(trained) == 1


@pytest.mark.parametrize("device", ["auto", "cuda:99"])
def test_a_cell_that_needs_another_device_is_left_to_a_machine_that_has_it(job, device):
    """A CUDA generator's position has 16 bytes, a CPU's five thousand."""
    run_cell(job)
    job.folder.result_file.unlink()
    file = job.folder.checkpoint_file
    tensors, metadata = read_tensors(file, torch.device("cpu"))
    tensors["streams/noise"] = torch.zeros(7, dtype=torch.uint8)
    write_tensors(file, tensors, metadata)
    before = file.read_bytes()
    outcome = run_cell(replace(job, options=replace(job.options, device=device)))
    assert (outcome.status, outcome.lasting) == ("failed", False)
    assert "device" in outcome.problem
    assert file.read_bytes() == before
    assert not job.folder.failure_file.exists()


def test_a_folder_of_another_run_is_left_alone(job):
    run_cell(job)
    document = job.folder.config()
    job.folder.write_config({**document, "identity": "0" * 16})
    job.folder.result_file.unlink()
    outcome = run_cell(job)
    assert outcome.status == "failed"
    assert "holds another run" in outcome.problem
    assert job.folder.config()["identity"] == "0" * 16


def test_a_cell_that_is_worked_at_is_left_to_others(job, trained):
    job.folder.path.mkdir(parents=True)
    with FileLock(job.folder.path / LOCK):
        assert is_taken(job.folder.path)
        assert run_cell(job).status == "elsewhere"
    assert not is_taken(job.folder.path)
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
    job = CellJob(cell.config, cell.name, RunOptions(out=tmp_path / "out", threads=1))
    outcome = run_cell(job)
    assert outcome.status == "failed"
    assert outcome.lasting
    assert "ZeroDivisionError: a bug in broken.py" in outcome.problem
    failure = json.loads(job.folder.failure_file.read_text())
    assert failure["status"] == "failed"
    assert str(tmp_path) not in job.folder.failure_file.read_text()
    assert any("ZeroDivisionError" in line for line in failure["traceback"])
    stored = look_up(cell, tmp_path / "out", WantedMetrics())
    assert (stored.status, stored.whole) == ("failed", False)


@pytest.mark.parametrize(
    ("written", "status", "problem"),
    [
        ({}, "waiting", ""),
        ({"status": "weird", "error": "e"}, "waiting", ""),
        ({"status": 3, "error": "e"}, "waiting", ""),
        ({"status": "failed", "error": ""}, "failed", "failure.json does not say why."),
        ({"status": "failed", "error": " \n"}, "failed", "failure.json does not say why."),
        ({"status": "timeout", "error": "It took long."}, "timeout", "It took long."),
    ],
)
def test_a_failure_that_says_nothing_known_counts_as_missing(job, cell, written, status, problem):
    job.folder.path.mkdir(parents=True)
    job.folder.failure_file.write_text(json.dumps(written))
    stored = look_up(cell, job.options.out, WantedMetrics())
    assert (stored.status, stored.problem) == (status, problem)
    assert stored.failed == (status != "waiting")


def test_a_result_of_an_unknown_status_is_made_again(job, cell, trained):
    run_cell(job)
    result = job.folder.result()
    job.folder.write_result({**result, "status": "superb"})
    assert look_up(cell, job.options.out, WantedMetrics()).status == "waiting"
    trained.clear()
    assert run_cell(job).status == result["status"]
    assert len(trained) == 1


def test_a_model_that_ends_the_process_is_a_failure_of_its_cell(tmp_path):
    path = tmp_path / "leaving.py"
    path.write_text(BROKEN.replace("raise ZeroDivisionError", "raise SystemExit"))
    (cell,) = plan_matrix([str(path)], ["none"], ["ring8"], [0], settings={})
    job = CellJob(cell.config, cell.name, RunOptions(out=tmp_path / "out", threads=1))
    outcome = run_cell(job)
    assert (outcome.status, outcome.lasting) == ("failed", True)
    assert "SystemExit: a bug in leaving.py" in outcome.problem


def test_a_success_takes_an_earlier_failure_away(job, cell):
    write_failure(job.folder, "timeout", "It took longer than 1 s.")
    assert look_up(cell, job.options.out, WantedMetrics()).status == "timeout"
    run_cell(job)
    assert not job.folder.failure_file.exists()


def test_missing_weights_are_no_failure_of_the_cell(job, monkeypatch):
    from ganbench.errors import MissingDataError

    def absent(*_):
        raise MissingDataError("Weights are missing.", "ganbench weights fetch inception")

    monkeypatch.setattr("ganbench.harness.run_cell.wanted_metrics", absent)
    outcome = run_cell(job)
    assert (outcome.status, outcome.lasting) == ("failed", False)
    assert "weights fetch" in outcome.problem
    assert not job.folder.failure_file.exists()


def test_force_trains_again(job, trained):
    run_cell(job)
    trained_weights = weights(job.folder)
    run_cell(replace(job, force=True))
    assert len(trained) == 2
    assert weights(job.folder) == trained_weights


@pytest.fixture
def unmeasurable(monkeypatch):
    """Let high-quality be a metric that cannot be had of these samples."""

    def refuse(self, real, fake, *, seed):
        raise InputError("There are too few samples in /home/someone/runs.", "Draw more.")

    monkeypatch.setattr(HighQuality, "compute", refuse)


def test_a_metric_that_cannot_be_had_is_tried_once_for_the_same_samples(
    job, cell, trained, unmeasurable, monkeypatch
):
    def looked_up(options):
        wanted = wanted_metrics(open_dataset("ring8"), options.metrics, options.measuring)
        return look_up(cell, options.out, wanted)

    few = replace(job.options, metrics=("modes", "high-quality"))
    assert run_cell(replace(job, options=few)).status in {"done", "collapsed"}
    result = job.folder.outcome()
    assert set(result["metrics"]) == {"modes"}
    reason = result["unmeasured"]["high-quality"]
    assert reason["message"] == "There are too few samples in runs."
    assert reason["protocol"].endswith("/n_fake=200")
    assert looked_up(few).whole
    # A metric that is added later, and cannot be had, takes nothing from the result either.
    del result["unmeasured"]
    job.folder.write_result(result)
    assert looked_up(few).missing_metrics == ("high-quality",)
    assert run_cell(replace(job, options=few)).status == result["status"]
    assert looked_up(few).whole
    assert not job.folder.failure_file.exists()
    # Other samples are another question, whose answer replaces the reason.
    more = replace(few, samples=300)
    assert looked_up(more).missing_metrics == ("modes", "high-quality")
    monkeypatch.undo()
    run_cell(replace(job, options=more))
    result = job.folder.outcome()
    assert "unmeasured" not in result
    assert {record["n"] for record in result["metrics"].values()} == {300}


def broken_metric(*_, **__):
    raise KeyError("weights of /home/someone/runs")


def test_an_error_of_a_further_metric_leaves_the_result(job, cell, trained, monkeypatch):
    run_cell(replace(job, options=replace(job.options, metrics=("modes",))))
    stored = job.folder.result_file.read_bytes()
    monkeypatch.setattr("ganbench.harness.run_cell.measure_again", broken_metric)
    outcome = run_cell(job)
    assert (outcome.status, outcome.lasting) == ("failed", False)
    assert outcome.problem == "KeyError: 'weights of runs'"
    assert job.folder.result_file.read_bytes() == stored
    assert not job.folder.failure_file.exists()


def test_a_working_folder_that_is_gone_is_a_clear_failure(job, tmp_path):
    outcome = run_cell(replace(job, working_folder=str(tmp_path / "gone")))
    assert (outcome.status, outcome.lasting) == ("failed", False)
    assert outcome.problem.startswith("The folder gone, which paths of models and data are")
    assert "No such file or directory" in outcome.problem
