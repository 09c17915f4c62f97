# SPDX-License-Identifier: MIT
"""One run from its description to its result."""

import json
from dataclasses import replace
from importlib.metadata import version

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from ganbench.config import parse_trick
from ganbench.errors import ConfigError, DamagedRunError, StorageError, UnknownNameError
from ganbench.gan import DataSpec, Mixture
from ganbench.harness.plan import plan, plan_of
from ganbench.harness.run import Run, RunOptions, load_state
from ganbench.harness.run_metrics import default_samples
from ganbench.progress import SILENT
from ganbench.records.run_folder import OUTCOME
from ganbench.runtime.threads import set_threads
from ganbench.sampling.draw import draw
from ganbench.training.trainer import Schedule, Trainer, evaluating

CPU = torch.device("cpu")


@pytest.fixture
def go(tmp_path):
    """Run a tiny GAN and return its result and its folder."""

    def call(
        model="vanilla", dataset="ring8", *, out="runs", tricks=(), evaluations=0, options=None,
        kimg=0.6, **settings,
    ):  # fmt: skip
        job = plan(
            model,
            dataset,
            tricks=[parse_trick(one) for one in tricks],
            settings={"recipe.kimg": kimg, **settings},
        )
        how = RunOptions(
            out=tmp_path / out,
            samples=64,
            schedule=Schedule(ticks=5, snapshots=2, evaluations=evaluations),
            **(options or {}),
        )
        run = Run(job, how)
        return run.execute(), run.folder

    return call


def loaded(folder, **settings):
    """The trained state of a run, from what its folder says that it is."""
    return load_state(plan_of(folder.description()), folder, CPU, **settings)


def tensors(folder):
    return load_file(folder.checkpoint_file)


def trained(folder):
    """The weights and the moments of the players, without what tricks gather."""
    parts = ("generator/", "discriminator/", "optimizer/")
    return {name: value for name, value in tensors(folder).items() if name.startswith(parts)}


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


# -- planning ----------------------------------------------------------------------------------


def test_a_plan_is_the_models_recipe_for_the_data():
    config = plan("WGAN_GP", "RING8").config
    assert (config.model, config.dataset, config.loss) == ("wgan-gp", "ring8", "wasserstein")
    assert config == plan("wgan-gp", "ring8").config
    assert config.tricks[0].name == "gradient-penalty"
    assert config.tricks[0].parameters["weight"] == 0.1
    assert config.seed == 0
    assert plan("wgan-gp", "digits").config.recipe != config.recipe


def test_settings_change_the_plan_by_dotted_key():
    settings = {"recipe.generator_optimizer.learning_rate": 0.5, "loss": "hinge", "seed": 7}
    config = plan("vanilla", "ring8", settings=settings).config
    assert config.recipe.generator_optimizer.learning_rate == 0.5
    assert (config.loss, config.seed) == ("hinge", 7)
    back = plan("vanilla", "ring8", settings={"loss": config.loss, "seed": 7}).config
    assert back.recipe == plan("vanilla", "ring8").config.recipe


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"model": "vanila"}, UnknownNameError, "Did you mean 'vanilla'"),
        ({"dataset": "ring9"}, UnknownNameError, "Did you mean 'ring8'"),
        ({"tricks": [parse_trick("emma")]}, UnknownNameError, "Did you mean 'ema'"),
        ({"tricks": [parse_trick("emma:off")]}, UnknownNameError, "Did you mean 'ema'"),
        ({"tricks": [parse_trick("ema:halflife=3")]}, ConfigError, "half_life_kimg"),
        ({"tricks": [parse_trick("ema:warm_up=-1")]}, ConfigError, "greater than or equal"),
        ({"settings": {"loss": "hing"}}, UnknownNameError, "hinge"),
        ({"settings": {"reciep.kimg": 3}}, ConfigError, "recipe"),
        ({"settings": {"model": "dcgan"}}, ConfigError, "Unknown setting 'model'"),
        ({"model": "dcgan"}, ConfigError, "dcgan draws images"),
        ({"tricks": [parse_trick("diffaugment")]}, ConfigError, "images"),
    ],
)
def test_what_is_wrong_with_a_plan_is_one_sentence(arguments, error, words):
    with pytest.raises(error) as raised:
        plan(**{"model": "vanilla", "dataset": "ring8", **arguments})
    assert words in raised.value.message
    assert "\n" not in raised.value.message
    assert raised.value.exit_code == 2


def test_a_trick_of_the_models_own_is_changed_or_taken_away():
    changed = plan("wgan-gp", "ring8", tricks=["gradient_penalty:weight=2"]).config
    assert changed.tricks[0].parameters["weight"] == 2.0
    assert len(changed.tricks) == 1
    assert plan("wgan-gp", "ring8", tricks=["gradient-penalty:off"]).config.tricks == ()


def test_the_order_of_tricks_is_not_part_of_what_a_run_is():
    one = plan("vanilla", "ring8", tricks=["r1", "ema"]).config
    other = plan("vanilla", "ring8", tricks=["ema", "R1"]).config
    assert one.identity == other.identity
    spelled = plan("vanilla", "ring8", tricks=["r1:weight=1", "ema"]).config
    explicit = plan("vanilla", "ring8", tricks=["r1:weight=1.0", "ema"]).config
    assert spelled.identity == explicit.identity


def test_the_number_of_samples_follows_the_published_protocols():
    mixture = Mixture(((0.0, 0.0),), 1.0)
    assert default_samples(DataSpec("ring", "1", (2,), mixture=mixture)) == 2500
    assert default_samples(DataSpec("digits", "1", (1, 28, 28), classes=10)) == 5000
    assert default_samples(DataSpec("stacked", "1", (3, 28, 28), classes=1000)) == 26_000


def test_a_folder_is_named_after_what_was_added(tmp_path, constant_model):
    def stem(model="vanilla", dataset="ring8", *tricks):
        return plan(model, dataset, tricks=tricks).folder_stem

    assert stem() == "vanilla-ring8-seed0"
    assert stem("vanilla", "ring8", "r1", "ema") == "vanilla+ema+r1-ring8-seed0"
    assert stem("wgan-gp", "ring8", "ema") == "wgan-gp+ema-ring8-seed0"
    assert stem(str(constant_model)) == "constant.py-ring8-seed0"
    ring = plan("vanilla", "ring8")
    config = ring.config.model_copy(update={"dataset": f"{tmp_path}/my photos@64"})
    elsewhere = replace(ring, config=config, added=(f"{tmp_path}/odd/trick.py",))
    assert elsewhere.folder_stem == "vanilla+trick.py-my-photos@64-seed0"


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
        "checkpoint.safetensors", "generator.safetensors",
    }  # fmt: skip
    for name, one in result["metrics"].items():
        assert one["protocol"].startswith(name)
        assert one["n"] == 64
        assert {"value", "low", "high", "n", "floor", "protocol", "better", "unit"} <= one.keys()


def test_one_seed_gives_the_same_weights_and_numbers(go):
    first, one = go("vanilla", "digits", seed=1)
    again, other = go("vanilla", "digits", seed=1)
    assert one.path != other.path
    assert same(tensors(one), tensors(other))
    assert one.generator_file.read_bytes() == other.generator_file.read_bytes()
    assert first["metrics"] == again["metrics"]
    different, third = go("vanilla", "digits", seed=2)
    assert not same(tensors(one), tensors(third))
    assert different["metrics"] != first["metrics"]
    assert different["identity"] != first["identity"]


def test_how_a_run_is_carried_out_changes_neither_weights_nor_identity(go):
    plain, one = go()
    busy, other = go(
        evaluations=5,
        options={"threads": 1, "device": "auto", "metrics": ("modes",), "command": "x"},
    )
    assert len(other.measurements()) == 5
    assert same(tensors(one), tensors(other))
    assert plain["identity"] == busy["identity"]
    assert list(busy["metrics"]) == ["modes"]
    assert busy["metrics"]["modes"] == plain["metrics"]["modes"]


def test_a_trick_that_only_samples_changes_no_weight(go):
    plain, one = go()
    truncated, other = go(tricks=["truncation:psi=0.01"])
    assert same(trained(one), trained(other))
    assert plain["identity"] != truncated["identity"]
    assert plain["metrics"]["modes"]["sampler"] == "plain"
    assert truncated["metrics"]["modes"]["sampler"] == "truncation"


def test_a_trick_that_trains_changes_the_weights(go):
    assert not same(trained(go()[1]), trained(go(tricks=["r1"])[1]))


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


@pytest.mark.parametrize(("kimg", "evaluations"), [(0.1, 0), (0.3, 5)])
def test_samples_that_are_not_finite_end_in_a_status_not_a_crash(go, kimg, evaluations):
    """The first update breaks the weights after the loss was computed: only the samples tell."""
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
    first, one = go()
    second, other = go()
    assert other.path.name == one.path.name + "-2"
    assert first["identity"] == second["identity"]


def test_a_stop_before_training_is_honoured(tmp_path):
    job = plan("vanilla", "ring8", settings={"recipe.kimg": 1})
    one = Run(job, RunOptions(out=tmp_path), SILENT)
    one.stop()
    result = one.execute()
    assert (result["status"], result["kimg"], result["metrics"]) == ("interrupted", 0.0, {})
    assert one.folder.checkpoint_file.is_file()
    assert not one.folder.finished
    resumed = Run(job, RunOptions(out=tmp_path, resume=True))
    assert resumed.folder == one.folder
    assert resumed.execute()["status"] != "interrupted"


def test_what_a_kill_in_the_middle_of_a_write_left_is_swept_up(go):
    _, folder = go(options={"resume": True})
    folder.result_file.unlink()
    left = folder.path / ".checkpoint.safetensors.ab12_xyz"
    left.write_bytes(b"half")
    go(options={"resume": True})
    assert not left.exists()
    assert folder.finished


def test_data_that_changed_are_not_trained_on(tmp_path, monkeypatch):
    config = plan("vanilla", "ring8").config.model_copy(update={"dataset_version": "0"})
    with pytest.raises(ConfigError, match="ring8 has changed"):
        Run(plan_of(config), RunOptions(out=tmp_path)).execute()


def test_threads_are_set_and_told():
    before = torch.get_num_threads()
    assert set_threads(None) == before
    assert set_threads(2) == torch.get_num_threads() == 2
    set_threads(before)


# -- loading -----------------------------------------------------------------------------------


def test_a_trained_run_draws_what_it_drew(go):
    _, folder = go("vanilla", "digits", tricks=["ema"])
    state = loaded(folder)
    with evaluating(state):
        first, again = (draw(loaded(folder), 8, seed=3) for _ in range(2))
        assert torch.equal(draw(state, 8, seed=3), first)
    assert torch.equal(first, again)
    with safe_open(folder.generator_file, "pt") as file:
        exported = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        facts = json.loads(file.metadata()["facts"])
    average = state.memory["ema"]["generator"].state_dict()
    assert same(exported, average), "what is exported is what samples are drawn with"
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
