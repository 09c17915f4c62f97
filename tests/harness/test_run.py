# SPDX-License-Identifier: MIT
"""One run from its plan to its result."""

import json
import os
from importlib.metadata import version

import pytest
import torch
from comparing import differing
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file
from small_models import OWN_BACKBONE
from small_states import CPU

import ganbench
from ganbench.config import parse_trick
from ganbench.errors import ConfigError, DamagedRunError, StorageError, UnknownNameError
from ganbench.harness.changed_sources import changed_code
from ganbench.harness.plan import plan, plan_of
from ganbench.harness.run import Run
from ganbench.harness.run_options import RunOptions
from ganbench.harness.stored_run import load_state
from ganbench.records.locks import TakenError, holding
from ganbench.records.read_run import read_run
from ganbench.records.run_folder import OUTCOME, RunFolder
from ganbench.sampling.draw import draw
from ganbench.training.trainer import Schedule, Trainer, evaluating

TRICK = """
from dataclasses import dataclass

from ganbench import Trick, register


@register
@dataclass(frozen=True)
class Idle(Trick):
    \"\"\"Does nothing.\"\"\"

    name = "idle"

    def after_step(self, turn):
        pass
"""


@pytest.fixture
def go(tmp_path):
    """Return a function that runs a tiny GAN, and returns its result and its folder."""

    def call(
        model="vanilla", dataset="ring8", *, out="runs", tricks=(), evaluations=0, options=None,
        kimg=0.6, **settings,
    ):  # fmt: skip
        run_options = RunOptions(
            out=tmp_path / out,
            samples=64,
            schedule=Schedule(ticks=5, snapshots=2, evaluations=evaluations),
            **(options or {}),
        )
        run_plan = plan(model, dataset, tricks=tricks, settings={"recipe.kimg": kimg, **settings})
        run = Run(run_plan, run_options)
        return run.execute(), run.folder

    return call


def loaded(folder, **settings):
    """Return the trained state of a run, planned from the configuration in its folder."""
    return load_state(plan_of(folder.description()), folder, CPU, **settings)


def tensors(folder):
    return load_file(folder.checkpoint_file)


def trained(folder):
    """Return the weights and the moments of the players, without what tricks gather."""
    parts = ("generator/", "discriminator/", "optimizer/")
    return {name: value for name, value in tensors(folder).items() if name.startswith(parts)}


# -- running -----------------------------------------------------------------------------------


def test_a_run_leaves_what_the_documentation_says(go):
    result, folder = go(evaluations=2, options={"command": "ganbench run"})
    assert result["schema"] == 1
    assert set(OUTCOME) <= result.keys()
    assert result["status"] in {"done", "collapsed"}
    assert result["kimg"] == 0.64
    assert result["parameters"] == {"generator": 33_666, "discriminator": 33_537}
    assert folder.result() == {key: value for key, value in result.items() if key != "run"}
    config = folder.config()
    assert config["identity"] == result["identity"] == folder.description().identity
    assert config["command"] == "ganbench run"
    assert config["options"] == {"threads": 1, "device": "cpu"}
    assert folder.environment()["packages"]["torch"] == version("torch")
    assert [row["kimg"] for row in folder.measurements()] == [0.384, 0.64]
    assert folder.measurements()[-1]["metrics"] == result["metrics"]
    assert [path.stem for path in folder.sample_grids()] == [
        "kimg000000.4", "kimg000000.6", "final",
    ]  # fmt: skip
    names = {path.name for path in folder.path.iterdir()}
    assert names == {
        "config.json", "env.json", "stats.jsonl", "metrics.jsonl", "samples", "result.json",
        "checkpoint.safetensors", "generator.safetensors", ".lock",
    }  # fmt: skip
    keys = {"value", "low", "high", "n", "floor", "protocol", "better", "unit"}
    for name, record in result["metrics"].items():
        assert record["protocol"].startswith(name)
        assert record["n"] == 64
        assert keys <= record.keys()


def test_one_seed_gives_the_same_weights_and_numbers(go):
    first, folder = go("vanilla", "digits", seed=1)
    again, folder_again = go("vanilla", "digits", seed=1)
    assert folder.path != folder_again.path
    assert not differing(tensors(folder), tensors(folder_again))
    assert folder.generator_file.read_bytes() == folder_again.generator_file.read_bytes()
    assert first["metrics"] == again["metrics"]
    different, other_folder = go("vanilla", "digits", seed=2)
    assert differing(tensors(folder), tensors(other_folder))
    assert different["metrics"] != first["metrics"]
    assert different["identity"] != first["identity"]


def test_how_a_run_is_carried_out_changes_neither_weights_nor_identity(go):
    plain, plain_folder = go()
    busy, busy_folder = go(
        evaluations=5,
        options={"threads": 1, "device": "auto", "metrics": ("modes",), "command": "x"},
    )
    assert len(busy_folder.measurements()) == 5
    assert not differing(tensors(plain_folder), tensors(busy_folder))
    assert plain["identity"] == busy["identity"]
    assert list(busy["metrics"]) == ["modes"]
    assert busy["metrics"]["modes"] == plain["metrics"]["modes"]


def test_a_trick_that_only_samples_changes_no_weight(go):
    plain, plain_folder = go()
    truncated, truncated_folder = go(tricks=["truncation:psi=0.01"])
    assert not differing(trained(plain_folder), trained(truncated_folder))
    assert plain["identity"] != truncated["identity"]
    assert plain["metrics"]["modes"]["sampler"] == "plain"
    assert truncated["metrics"]["modes"]["sampler"] == "truncation"


def test_a_trick_that_trains_changes_the_weights(go):
    _, plain_folder = go()
    _, folder = go(tricks=["r1"])
    assert differing(trained(plain_folder), trained(folder))


@pytest.mark.parametrize("role", ["generator", "discriminator"])
def test_a_run_that_diverges_is_a_result(go, role):
    result, folder = go(
        kimg=4,
        evaluations=2,
        **{
            f"recipe.{role}_optimizer.kind": "sgd",
            f"recipe.{role}_optimizer.learning_rate": 1e6,
        },
    )
    assert result["status"] == folder.result()["status"] == "diverged"
    assert result["metrics"] == {}
    assert result["kimg"] < 4
    assert None in folder.stats()[-1].values()
    assert (folder.samples_folder / "final.png").is_file()
    assert folder.checkpoint_file.is_file()
    json.loads(folder.result_file.read_text(), parse_constant=pytest.fail)


def test_a_run_that_diverged_and_could_not_be_recorded_does_not_train_on(go, monkeypatch):
    settings = {
        "kimg": 4,
        "recipe.generator_optimizer.kind": "sgd",
        "recipe.generator_optimizer.learning_rate": 1e6,
    }
    with monkeypatch.context() as broken:
        broken.setattr(RunFolder, "write_result", lambda *_: pytest.fail("the disk is gone"))
        with pytest.raises(pytest.fail.Exception):
            go(**settings)
    monkeypatch.setattr(Trainer, "_advance", lambda *_: pytest.fail("it trained on"))
    result, folder = go(options={"resume": True}, **settings)
    assert result["status"] == folder.result()["status"] == "diverged"
    assert result["kimg"] == folder.stats()[-1]["kimg"] < 4


@pytest.mark.parametrize(("kimg", "evaluations"), [(0.1, 0), (0.3, 5)])
def test_samples_that_are_not_finite_end_in_a_status_not_a_crash(go, kimg, evaluations):
    """The first update breaks the weights after the loss was computed: only the samples show it."""
    result, folder = go(
        kimg=kimg,
        evaluations=evaluations,
        **{
            "recipe.generator_optimizer.kind": "sgd",
            "recipe.generator_optimizer.learning_rate": 1e38,
            "recipe.schedule": "constant",
        },
    )
    assert None not in folder.stats()[0].values()
    assert (result["status"], result["metrics"]) == ("diverged", {})
    assert [row["metrics"] for row in folder.measurements()] == [{}] * bool(evaluations)


@pytest.mark.parametrize("dataset", ["ring8", "digits"])
def test_a_run_that_collapses_is_a_result(go, constant_model, dataset):
    result, folder = go(str(constant_model), dataset)
    assert result["status"] == folder.result()["status"] == "collapsed"
    assert result["metrics"], "a collapsed generator is measured"
    assert result["metrics"]["modes"]["value"] <= 1


def test_a_mistake_leaves_no_folder_behind(go, tmp_path):
    for options, error in (
        ({"metrics": ("modez",)}, UnknownNameError),
        ({"metrics": ("is",)}, ConfigError),
        ({"device": "tpu"}, ConfigError),
        ({"device": "cuda:99"}, ConfigError),
    ):
        with pytest.raises(error):
            go(options=options)
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_cannot_be_written_is_known_before_training(go, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("kept")
    monkeypatch.setattr(Trainer, "train", lambda self: pytest.fail("it was trained"))
    with pytest.raises(StorageError, match="cannot be written"):
        go(out="file/runs")
    assert (tmp_path / "file").read_text() == "kept"


def test_a_finished_run_is_taken_as_it_is(go, monkeypatch):
    first, _ = go(options={"resume": True})
    monkeypatch.setattr(Trainer, "train", lambda self: pytest.fail("it was trained"))
    again, _ = go(options={"resume": True})
    assert again == first


def test_without_resume_a_run_begins_anew(go):
    first, folder = go()
    second, other_folder = go()
    assert other_folder.path.name == folder.path.name + "-2"
    assert first["identity"] == second["identity"]


def test_a_stop_before_training_is_honored(tmp_path):
    run_plan = plan("vanilla", "ring8", settings={"recipe.kimg": 1})
    stopped = Run(run_plan, RunOptions(out=tmp_path))
    stopped.stop()
    result = stopped.execute()
    assert (result["status"], result["kimg"], result["metrics"]) == ("interrupted", 0.0, {})
    assert stopped.folder.checkpoint_file.is_file()
    assert not stopped.folder.finished
    resumed = Run(run_plan, RunOptions(out=tmp_path, resume=True))
    assert resumed.folder == stopped.folder
    assert resumed.execute()["status"] != "interrupted"


def test_what_a_kill_in_the_middle_of_a_write_left_is_swept_up(go):
    _, folder = go(options={"resume": True})
    folder.result_file.unlink()
    temporary = folder.path / ".checkpoint.safetensors.ab12_xyz"
    temporary.write_bytes(b"half")
    go(options={"resume": True})
    assert not temporary.exists()
    assert folder.finished


def test_data_that_changed_are_not_trained_on(tmp_path, monkeypatch):
    config = plan("vanilla", "ring8").config.model_copy(update={"dataset_version": "0"})
    with pytest.raises(ConfigError, match="ring8 has changed"):
        Run(plan_of(config), RunOptions(out=tmp_path)).execute()


# -- loading -----------------------------------------------------------------------------------


def test_a_trained_run_draws_what_it_drew(go):
    _, folder = go("vanilla", "digits", tricks=["ema"])
    state = loaded(folder)
    with evaluating(state):
        first, again = (draw(loaded(folder), 8, seed=3).samples for _ in range(2))
        assert torch.equal(draw(state, 8, seed=3).samples, first)
    assert torch.equal(first, again)
    with safe_open(folder.generator_file, "pt") as file:
        exported = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        facts = json.loads(file.metadata()["facts"])
    average = state.memory["ema"]["generator"].state_dict()
    assert not differing(exported, average), "samples are drawn with the exported weights"
    assert facts["config"] == folder.config()["config"]


def test_sampling_takes_tricks_that_only_sample(go):
    _, folder = go(tricks=["truncation:psi=0.5"])
    state = loaded(folder, sampling=[parse_trick("truncation:psi=2")])
    assert [trick.psi for trick in state.tricks] == [2.0]
    state = loaded(folder, sampling=[parse_trick("drs")])
    assert len(list(state.tricks)) == 2
    with pytest.raises(ConfigError, match="'ema' acts on training") as raised:
        loaded(folder, sampling=[parse_trick("ema")])
    assert "truncation" in raised.value.hint


def test_a_damaged_run_is_not_loaded(go):
    _, folder = go()
    whole = folder.checkpoint_file.read_bytes()
    folder.checkpoint_file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DamagedRunError, match="missing or damaged"):
        loaded(folder)
    folder.checkpoint_file.write_bytes(whole)
    config = folder.config_file.read_text()
    for damage in (
        "",
        "{}",
        '{"config": {"model": "vanilla"}}',
        config.replace("recipe", "reciep"),
    ):
        folder.config_file.write_text(damage)
        with pytest.raises(DamagedRunError, match=r"config\.json"):
            loaded(folder)
    folder.config_file.write_text(config)
    loaded(folder)


def test_a_damaged_result_is_neither_overwritten_nor_taken(go):
    _, folder = go(options={"resume": True})
    result = folder.result_file.read_text()
    for damage in (result[:50], "{}", result.replace('"status"', '"statos"')):
        folder.result_file.write_text(damage)
        with pytest.raises(DamagedRunError) as raised:
            go(options={"resume": True})
        assert "Delete it" in raised.value.hint
        assert folder.result_file.read_text() == damage
    folder.result_file.unlink()
    again, same_folder = go(options={"resume": True})
    before = json.loads(result)
    assert same_folder == folder
    assert again["metrics"] == before["metrics"]


def test_a_checkpoint_cut_short_stays_and_is_said(go):
    _, folder = go(options={"resume": True})
    folder.result_file.unlink()
    data = folder.checkpoint_file.read_bytes()[:-100]
    folder.checkpoint_file.write_bytes(data)
    rows = folder.stats_file.read_bytes()
    with pytest.raises(DamagedRunError, match="missing or damaged"):
        go(options={"resume": True})
    assert folder.checkpoint_file.read_bytes() == data
    assert folder.stats_file.read_bytes() == rows


@pytest.mark.skipif(os.name == "nt", reason="needs file names made of bytes")
def test_a_path_that_is_not_utf_8_is_written_resumed_and_read(go, tmp_path):
    name = os.fsdecode(b"caf\xe9")
    try:
        (tmp_path / name).mkdir()
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    images = tmp_path / name / "images"
    for index in range(20):
        images.mkdir(exist_ok=True)
        Image.new("L", (8, 8), 12 * index).save(images / f"{index}.png")
    options = {"resume": True, "metrics": ()}
    first, folder = go("vanilla", f"{images}@8", out=f"{name}/runs", options=options)
    assert folder.description().dataset == f"{images}@8" == first["dataset"]
    assert read_run(folder).status == first["status"]
    folder.result_file.unlink()
    again, same_folder = go("vanilla", f"{images}@8", out=f"{name}/runs", options=options)
    assert (again["identity"], same_folder) == (first["identity"], folder)
    with evaluating(state := loaded(folder)):
        assert len(draw(state, 4, seed=0)) == 4


# -- side by side, and again -------------------------------------------------------------------


def test_equal_runs_at_once_do_not_share_a_folder(tmp_path):
    run_plan = plan("vanilla", "ring8", settings={"recipe.kimg": 0.3})
    options = RunOptions(out=tmp_path, metrics=())
    first, second = Run(run_plan, options), Run(run_plan, options)
    assert first.folder == second.folder, "both were named before either began"
    first.execute()
    second.execute()
    assert second.folder.path.name == f"{first.folder.path.name}-2"
    assert first.folder.stats_file.read_bytes().count(b"\n") == len(first.folder.stats())
    assert not differing(tensors(first.folder), tensors(second.folder))


def test_a_run_that_another_process_carries_out_is_left_to_it(tmp_path):
    run_plan = plan("vanilla", "ring8", settings={"recipe.kimg": 0.3})
    ours = Run(run_plan, RunOptions(out=tmp_path, metrics=(), resume=True))
    ours.folder.path.mkdir(parents=True)
    with holding(ours.folder.path), pytest.raises(TakenError, match="is being written by process"):
        ours.execute()
    assert not ours.folder.config_file.exists()
    theirs = Run(run_plan, RunOptions(out=tmp_path, metrics=(), resume=True))
    result = theirs.execute()
    assert ours.execute() == result, "it has been finished meanwhile"


def test_a_finished_run_is_measured_with_what_it_lacks(go, monkeypatch):
    _, folder = go(options={"metrics": ("modes",), "resume": True})
    monkeypatch.setattr(Trainer, "train", lambda self: pytest.fail("it was trained"))
    again, same_folder = go(options={"metrics": ("high-quality", "modes"), "resume": True})
    assert same_folder == folder
    assert set(again["metrics"]) == {"modes", "high-quality"} == set(folder.result()["metrics"])
    rows = folder.measurements()
    assert set(rows[-1]["metrics"]) == set(again["metrics"])
    with pytest.raises(UnknownNameError):
        go(options={"metrics": ("modez",), "resume": True})


def test_a_metric_that_is_added_later_is_what_it_would_have_been(go):
    whole, _ = go(out="whole", options={"metrics": ("modes", "high-quality")})
    go(out="parts", options={"metrics": (), "resume": True})
    added, _ = go(out="parts", options={"metrics": ("modes", "high-quality"), "resume": True})
    assert added["metrics"] == whole["metrics"]


# -- what has changed since --------------------------------------------------------------------


def test_code_that_has_changed_since_is_said(go, constant_model, tmp_path):
    trick = tmp_path / "mine.py"
    trick.write_text(TRICK)
    _, folder = go(str(constant_model), tricks=[str(trick)])
    assert changed_code(plan_of(folder.description()), folder) == []
    trick.write_text(TRICK + "# changed\n")
    assert changed_code(plan_of(folder.description()), folder) == [
        f"The trick {trick} has changed since the run was trained"
    ]
    constant_model.write_text(constant_model.read_text() + "\n# changed\n")
    sentences = changed_code(plan_of(folder.description()), folder)
    assert sentences[0] == f"The model {constant_model} has changed since the run was trained"
    result = ganbench.evaluate(fake=folder.path, samples=64, metrics=["modes"], progress=False)
    assert sentences[0] in result["metrics"]["modes"]["warning"]
    with pytest.warns(UserWarning, match="has changed since"):
        ganbench.load_run(folder.path).sample(2)


def test_a_backbone_that_has_changed_since_is_said(go, tmp_path):
    backbone = tmp_path / "mine.py"
    backbone.write_text(OWN_BACKBONE)
    _, folder = go("lsgan", **{"model.backbone": f"{backbone}:width=5"})
    assert changed_code(plan_of(folder.description()), folder) == []
    backbone.write_text(OWN_BACKBONE + "# changed\n")
    sentence = f"The backbone {backbone} has changed since the run was trained"
    assert changed_code(plan_of(folder.description()), folder) == [sentence]
    with pytest.warns(UserWarning, match="The backbone .* has changed since"):
        ganbench.load_run(folder.path).sample(2)


def test_data_that_changed_are_not_taken_for_those_it_was_trained_on(go, tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    for index in range(8):
        Image.new("L", (8, 8), 30 * index).save(images / f"{index}.png")
    _, folder = go("vanilla", f"{images}@8", options={"metrics": ()})
    measure = {"fake": folder.path, "samples": 8, "metrics": ["kid@pixels"], "progress": False}
    whole = ganbench.evaluate(**measure)
    Image.new("L", (8, 8), 255).save(images / "8.png")
    with pytest.raises(ConfigError, match="has changed since the run was trained") as raised:
        ganbench.evaluate(**measure)
    assert raised.value.hint.endswith(f"--real {images}@8")
    named = ganbench.evaluate(**measure, real=f"{images}@8")
    assert named["real"]["count"] == whole["real"]["count"] + 1
