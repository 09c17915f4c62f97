# SPDX-License-Identifier: MIT
"""The fastest way on this machine: chosen by what was measured, kept, and used."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganbench import paths
from ganbench.data import open_dataset
from ganbench.errors import ContractError
from ganbench.harness.plan import plan
from ganbench.progress import SILENT
from ganbench.records.run_folder import RunFolder
from ganbench.runtime.execution import Execution
from ganbench.speed import autotune
from ganbench.speed.autotune import ComputeChoice, keep, tune, tuned
from ganbench.speed.meter import Meter

CPU = torch.device("cpu")
IMAGES = open_dataset("mnist5k").load("test")


@pytest.fixture
def speeds(monkeypatch, tmp_path):
    """Let ways be as fast as they are said to be; all others run 100 images a second.

    What other tests have kept is not found: the cache is the test's own.
    """
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "cache"))
    asked, said = [], {}

    def measured(ways, config, dataset, device):
        asked.append([way.label for way in ways])
        return {way: said.get(way.label, 100.0) for way in ways if said.get(way.label) != 0}

    monkeypatch.setattr(autotune, "_speeds", measured)
    monkeypatch.setattr(autotune, "usable_cores", lambda: 4)
    said["asked"] = asked
    return said


def config(**settings):
    return plan("dcgan", settings=settings).config


def test_each_choice_is_kept_only_where_it_is_clearly_faster(speeds):
    speeds |= {
        "bf16, 1 thread": 150.0,
        "medium, 1 thread": 120.0,
        "bf16, 1 thread, contiguous": 152.0,  # not clearly
        "bf16, 4 threads": 300.0,
        "bf16, 2 threads": 250.0,
        "bf16, 4 threads, compiled": 0,  # it fails
    }
    speeds |= {"bf16, 1 thread": 150.0}
    choice = tune(config(), IMAGES, CPU, compiling=True)
    assert choice.way == ComputeChoice("bf16", Execution(), 4)
    # Each stage is measured with the best of the one before.
    assert choice.speedups["bf16, 1 thread"] == 1.5
    assert choice.speedups["bf16, 4 threads"] == choice.speedup == 3.0
    assert choice.speedups["bf16, 1 thread, contiguous"] == pytest.approx(1.52)
    assert "bf16, 4 threads, compiled" not in choice.speedups
    assert choice.images_per_second == 300.0
    assert len(speeds["asked"]) == 4


def test_compiling_takes_long_and_is_tried_only_if_asked_for(speeds):
    tune(config(), IMAGES, CPU, compiling=False)
    assert not any("compiled" in label for labels in speeds["asked"] for label in labels)


def test_points_have_no_memory_format(speeds):
    points = open_dataset("ring8").load("train")
    tune(plan("vanilla", "ring8").config, points, CPU, compiling=False)
    assert not any("contiguous" in label for labels in speeds["asked"] for label in labels)


def test_what_was_measured_once_is_kept_for_all_seeds_and_lengths(speeds):
    speeds["bf16, 1 thread"] = 150.0
    first = tuned(config(), IMAGES, CPU, SILENT)
    asked = len(speeds["asked"])
    assert tuned(config(seed=3, **{"recipe.kimg": 7}), IMAGES, CPU, SILENT) == first
    assert len(speeds["asked"]) == asked
    tuned(config(**{"recipe.batch_size": 8}), IMAGES, CPU, SILENT)
    assert len(speeds["asked"]) > asked


@pytest.mark.parametrize("text", ["", "{", '{"schema": 99, "choices": {}}', "[]"])
def test_a_damaged_file_of_choices_is_as_none(speeds, text):
    choice = tune(config(), IMAGES, CPU, compiling=False)
    file = paths.cache() / "tuning.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    keep(config(), CPU, choice)
    assert tuned(config(), IMAGES, CPU, SILENT) == choice


def test_ways_are_measured_for_real():
    points = open_dataset("ring8").load("train")
    small = plan("vanilla", "ring8", settings={"recipe.batch_size": 8}).config
    speeds = autotune._speeds(
        [ComputeChoice(), replace(ComputeChoice(), precision="bf16")], small, points, CPU
    )
    assert all(speed > 0 for speed in speeds.values())
    assert len(speeds) == 2


def test_a_busy_machine_is_not_waited_for(monkeypatch):
    """Speeds that are never steady, as where other processes compute, end the warming up."""
    turns = itertools.count(1)
    monkeypatch.setattr(Meter, "train", lambda meter, seconds: 100.0 * next(turns) ** 2)
    points = open_dataset("ring8").load("train")
    small = plan("vanilla", "ring8", settings={"recipe.batch_size": 8}).config
    autotune._speeds([ComputeChoice(), ComputeChoice(precision="bf16")], small, points, CPU)
    assert next(turns) == 1 + 2 * (autotune.MOST_WARM_UP + autotune.ROUNDS)


def test_a_run_takes_the_choice(cli, speeds, tmp_path, monkeypatch):
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "cache"))
    speeds["bf16, 1 thread"] = 150.0
    words = ("run", "-m", "vanilla", "-d", "ring8", "--kimg", "0.3", "--json", "-q")
    done = cli(*words, "--precision", "auto")
    assert done.code == 0
    assert done.document["precision"] == "bf16"
    same = cli(*words, "--precision", "bf16", "--dry-run")
    assert done.document["identity"] == same.document["identity"]
    usual = cli(*words, "--dry-run")
    assert done.document["identity"] != usual.document["identity"]


def test_the_fastest_number_of_threads_is_not_for_a_run_that_has_begun(cli, speeds):
    speeds["fp32, 4 threads"] = 300.0
    words = ("run", "-m", "vanilla", "-d", "ring8", "--kimg", "0.3", "--resume", "--json", "-q")
    for typed, threads in ((("--threads", "1"), 1), ((), 1), (("--threads", "2"), 2)):
        done = cli(*words, *typed, "--precision", "auto")
        assert done.code == 0
        folder = RunFolder(Path(done.document["run"]))
        assert folder.config()["options"]["threads"] == threads
        folder.result_file.unlink()  # so that it is to be finished again


def test_doctor_tunes_every_model_that_is_named(cli, speeds, tmp_path, monkeypatch):
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "cache"))
    speeds["medium, 1 thread"] = 140.0
    done = cli("doctor", "--tune", "-m", "vanilla,dcgan", "--json", "-q")
    assert done.code == 0
    assert {
        name: choice["way"]["precision"] for name, choice in done.document["choices"].items()
    } == {
        "vanilla": "medium",
        "dcgan": "medium",
    }
    shown = cli("doctor", "--tune", "-m", "vanilla", "-q")
    assert "1.40 times as fast as usual" in shown.out


def test_a_comparison_needs_one_precision(cli):
    done = cli("compare", "-m", "vanilla", "-d", "ring8", "--precision", "auto")
    assert done.code == 2
    assert "precision" in done.err


def test_a_run_that_fails_in_the_usual_way_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path))
    path = tmp_path / "misfit.py"
    path.write_text(
        "from torch import nn\nfrom ganbench import GAN, Recipe, losses, register\n\n\n"
        "@register\ndef misfit(data):\n    return GAN(\n"
        "        generator=lambda latent_dim: nn.Linear(latent_dim, 2),\n"
        "        discriminator=lambda shape: nn.Linear(3, 1),\n"
        "        loss=losses.non_saturating,\n"
        "        recipe=Recipe(kimg=1, latent_dim=2, batch_size=8),\n    )\n"
    )
    planned = plan(str(path), "ring8")
    dataset = planned.source.load("train")
    with pytest.raises(ContractError, match=r"failed while its speed was measured: .*shapes"):
        tune(planned.config, dataset, CPU, compiling=False)
    with pytest.raises(ContractError, match=r"failed while its speed was measured: .*shapes"):
        tuned(planned.config, dataset, CPU, SILENT)
