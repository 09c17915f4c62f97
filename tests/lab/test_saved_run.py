# SPDX-License-Identifier: MIT
"""What the lab copies and saves is exactly its run."""

import shlex
from pathlib import Path

import pytest
from lab_links import hold
from safetensors.torch import load_file

import ganbench
from ganbench.lab.lab_recipe import LabRecipe
from ganbench.lab.points_view import PointsView
from ganbench.records.labels import label_variants
from ganbench.records.load import load_runs
from ganbench.records.run_folder import RunFolder

RECIPE = {
    "model": "wgan-gp",
    "dataset": "ring8",
    "tricks": ["gradient-penalty:off", "r1:weight=0.1->0.05", "ema"],
    "seed": 7,
    "set": {
        "recipe.kimg": 1,
        "recipe.batch_size": 20,
        "loss": "hinge",
        "recipe.generator_optimizer": {"betas": [0.5, 0.9], "learning_rate": "1e-3->1e-4"},
        "recipe.discriminator_steps": 2,
        "recipe.schedule": "constant",
    },
}


QUICK = {"model": "vanilla", "dataset": "ring8", "set": {"kimg": 0.5, "batch_size": 20}}


@pytest.fixture
def ended(tmp_path, monkeypatch):
    """A lab whose run has ended, and was saved."""
    monkeypatch.setattr(PointsView, "drawn", 100)
    monkeypatch.setattr(PointsView, "count", 50)
    monkeypatch.setattr("ganbench.lab.points_view.HEAT_CELLS", 8)
    at_the_end = {"after": 10**9}
    messages = [{"kind": "save", "name": "mine", **at_the_end}, {"kind": "code", **at_the_end}]
    return hold(tmp_path, RECIPE, {"kind": "play"}, *messages)


def weights_in(folder):
    return load_file(folder / "generator.safetensors")


def same(first, second):
    return first.keys() == second.keys() and all((first[key] == second[key]).all() for key in first)


def test_the_copied_code_makes_the_same_weights(ended, tmp_path, cli, monkeypatch):
    link, session = ended
    code = link.of_kind("code")[-1]
    assert code["exact"]
    weights = weights_in(tmp_path / "runs" / "mine")

    words = shlex.split(code["command"])
    assert words[:2] == ["ganbench", "run"]
    assert cli(*words[1:], "--out", tmp_path / "command", "--metrics", "modes", "--quiet").code == 0
    (command,) = (tmp_path / "command").iterdir()
    assert same(weights_in(command), weights)

    monkeypatch.setenv("GANBENCH_RUNS", str(tmp_path / "python"))
    names = {}
    exec(code["python"], names)
    assert same(weights_in(names["run"].path), weights)

    recipe = LabRecipe.parse(code["toml"])
    assert recipe == session._showing.segment.recipe
    assert recipe.toml() == code["toml"]


def test_a_saved_run_is_a_run_like_any_other(ended, tmp_path, cli):
    _, session = ended
    run = ganbench.load_run(tmp_path / "runs" / "mine")
    assert run.status == "done"
    assert run.metrics.keys() >= {"modes", "high-quality", "reverse-kl"}
    assert run.config.identity == session._showing.segment.plan.config.identity
    assert cli("report", tmp_path / "runs", "--out", tmp_path / "report").code == 0
    assert "wgan-gp" in (tmp_path / "report" / "README.md").read_text()
    words = shlex.split(session._showing.segment.recipe.command(1))[1:]
    outcome = cli(*words, "--out", tmp_path / "runs", "--resume", "--json")
    assert outcome.code == 0
    assert outcome.document["status"] == "done"


def test_a_run_that_goes_on_is_saved_with_its_checkpoint(tmp_path, cli):
    recipe = {"model": "vanilla", "set": {"kimg": 0.5, "batch_size": 20}}
    messages = [{"kind": "step", "turn": "both"}] * 3
    link, session = hold(tmp_path, recipe, *messages, {"kind": "save", "name": "", "after": 4})
    (saved,) = link.of_kind("saved")
    assert not saved["finished"]
    folder = tmp_path / "runs" / saved["folder"]
    assert not (folder / "result.json").exists()
    words = shlex.split(session._showing.segment.recipe.command(1))[1:]
    outcome = cli(*words, "--out", tmp_path / "runs", "--resume", "--json")
    assert outcome.document["run"] == str(folder)
    plain = cli(*words, "--out", tmp_path / "plain", "--json").document["run"]
    assert same(weights_in(folder), weights_in(Path(plain)))


@pytest.mark.parametrize("turn", ["discriminator", "generator"])
def test_what_is_saved_in_slow_motion_is_between_two_updates(tmp_path, turn, monkeypatch, cli):
    """Weights of half an iteration are of no run, and going on from them makes another one."""
    monkeypatch.setattr("ganbench.lab.lab_session.CAPTION_SECONDS", 0.002)
    recipe = {**QUICK, "set": {"kimg": 0.1, "batch_size": 20}}
    place = 3 if turn == "discriminator" else 9
    messages = [{"kind": "slow", "on": True}, {"kind": "play"}]
    link, session = hold(
        tmp_path, recipe, *messages, {"kind": "save", "name": "mine", "after": place}
    )
    assert link.of_kind("saved")[-1]["folder"] == "mine"
    words = shlex.split(session._showing.segment.recipe.command(1))[1:]
    name = session._showing.segment.plan.folder_stem
    identity = session._showing.segment.plan.config.identity
    (tmp_path / "runs" / "mine").rename(tmp_path / "runs" / f"{name}-{identity[:8]}")
    resumed = cli(*words, "--out", tmp_path / "runs", "--resume", "--json").document
    plain = cli(*words, "--out", tmp_path / "plain", "--json").document
    assert same(weights_in(Path(resumed["run"])), weights_in(Path(plain["run"])))


def test_a_run_with_turns_by_hand_is_taken_for_no_other_run(tmp_path, cli):
    turns = [{"kind": "step", "turn": turn} for turn in ("both", "discriminator", "generator")]
    messages = [*turns, {"kind": "play"}, {"kind": "save", "name": "", "after": 10**9}]
    link, session = hold(tmp_path, QUICK, *messages)
    folder = tmp_path / "runs" / link.of_kind("saved")[-1]["folder"]
    made = ganbench.load_run(folder)
    assert made.status == "done"
    assert made.config.turns_by_hand == 2
    assert made.config.identity == RunFolder(folder).outcome()["identity"]
    words = shlex.split(session._showing.segment.recipe.command(1))[1:]
    plain = cli(*words, "--out", tmp_path / "runs", "--resume", "--json").document
    assert Path(plain["run"]) != folder
    assert plain["identity"] != made.config.identity
    assert "2 updates were made by hand" in cli("show", folder).out
    assert RunFolder(folder).config()["command"] == ""
    labels = {run.variant for run in label_variants(load_runs([tmp_path / "runs"]))}
    assert labels == {"vanilla", "vanilla, turns_by_hand=2"}


def test_before_its_turns_by_hand_a_run_is_the_recipes(tmp_path):
    both = {"kind": "step", "turn": "both"}
    messages = [both, both, {"kind": "step", "turn": "generator"}]
    fork = [{"kind": "fork", "frame": 1, "after": 4}, {"kind": "play"}]
    link, session = hold(tmp_path, QUICK, *messages, *fork)
    config = session._showing.segment.plan.config
    assert config.turns_by_hand == 0
    assert session._showing.segment.folder.config()["identity"] == config.identity
    assert link.of_kind("code")[-1]["exact"]


@pytest.mark.parametrize("name", ["../mine", "/tmp/mine", ".hidden", "a/b", "a\x00b", "x" * 81])
def test_a_name_that_is_a_path_is_refused(tmp_path, name):
    recipe = {"model": "vanilla", "set": {"kimg": 0.5, "batch_size": 20}}
    link, _ = hold(tmp_path, recipe, {"kind": "save", "name": name, "after": 1})
    (error,) = link.of_kind("error")
    assert "letters, digits" in error["message"]
    assert not (tmp_path / "runs").exists()
