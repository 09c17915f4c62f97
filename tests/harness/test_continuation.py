# SPDX-License-Identifier: MIT
"""Runs that start from the weights of a finished run."""

import json

import pytest
import torch
from comparing import differing, without_times
from safetensors.torch import load_file

from ganbench.config import RunConfig
from ganbench.errors import ConfigError, DamagedRunError
from ganbench.harness.continuation import begins_anew, plan_continuation
from ganbench.harness.plan import plan, plan_of
from ganbench.harness.run import Run
from ganbench.harness.run_options import RunOptions
from ganbench.images_per_update import images_per_update
from ganbench.records.labels import variant_key
from ganbench.records.load import load_runs
from ganbench.training.checkpoint import load_checkpoint
from ganbench.training.trainer import Schedule

CONSTANT = {"recipe.schedule": "constant", "recipe.batch_size": 32}


@pytest.fixture
def go(tmp_path):
    """Return a function that carries out a plan, and returns its folder."""

    def call(run_plan, **options):
        quick = Schedule(ticks=5, snapshots=0, evaluations=0)
        run = Run(run_plan, RunOptions(out=tmp_path, metrics=(), schedule=quick, **options))
        run.execute()
        return run.folder

    return call


def trained(kimg, tricks=(), model="vanilla", **settings):
    settings = {**CONSTANT, "kimg": kimg, **settings}
    return plan(model, "ring8", tricks=tricks, settings=settings)


def tensors(folder):
    return load_file(folder.checkpoint_file)


@pytest.mark.parametrize(
    ("model", "tricks"),
    [
        ("vanilla", ["ema", "lookahead", "optimistic-adam", "r1:every=3", "replay"]),
        ("wgan-gp", ["spectral-norm"]),
    ],
)
def test_a_longer_run_equals_one_of_that_length_bit_for_bit(go, model, tricks):
    whole = go(trained(0.7, tricks, model))
    first = go(trained(0.3, tricks, model))
    longer = go(plan_continuation(first, settings={"kimg": 0.7}))
    assert not differing(tensors(longer), tensors(whole))
    assert longer.result()["kimg"] == whole.result()["kimg"]
    assert longer.result()["seconds"] >= first.result()["seconds"]
    last = [folder.stats()[-1] for folder in (longer, whole)]
    assert without_times(last[0]) == without_times(last[1])
    assert longer.stats()[0]["kimg"] > first.result()["kimg"]


def test_the_origin_is_recorded_and_part_of_the_identity(go):
    first = go(trained(0.3))
    longer = go(plan_continuation(first, settings={"kimg": 0.6}))
    origin = longer.config()["config"]["origin"]
    before = first.config()["config"]
    assert origin == {"run": first.config()["identity"], "kimg": 0.32, "variant": origin["variant"]}
    assert origin["variant"] == variant_key(before)
    assert "origin" not in before, "records of other runs are as they were"
    description = longer.description()
    assert description.identity == longer.config()["identity"]
    assert description.identity != trained(0.6).config.identity
    without = RunConfig.model_validate({**longer.config()["config"], "origin": None})
    assert without.identity == trained(0.6).config.identity


def test_seeds_of_a_continued_run_are_one_variant(go, tmp_path):
    for seed in (0, 1):
        first = go(trained(0.1, seed=seed))
        go(plan_continuation(first, settings={"kimg": 0.2}))
        go(trained(0.2, seed=seed))
    variants = {run.name: run.variant for run in load_runs([tmp_path])}
    assert len(set(variants.values())) == 3
    continued = [run for run in load_runs([tmp_path]) if "origin" in run.config]
    assert len(continued) == 2
    assert continued[0].variant == continued[1].variant
    assert "origin.kimg=0.128" in continued[0].variant


def test_a_run_goes_on_from_a_continued_one(go):
    first = go(trained(0.2))
    second = go(plan_continuation(first, settings={"kimg": 0.4}))
    third = go(plan_continuation(second, settings={"kimg": 0.6}))
    assert third.description().origin.run == second.config()["identity"]
    assert not differing(tensors(third), tensors(go(trained(0.6))))


def test_what_is_carried_over_depends_on_what_changes(go):
    first = go(trained(0.3, ["lecam"]))
    moments = "optimizer/discriminator/0/exp_avg"

    def begun(**changes):
        """Train one batch further, and return the checkpoint."""
        settings = {"kimg": 0.35, "learning_rate": 1e-12, **changes.pop("settings", {})}
        return tensors(go(plan_continuation(first, settings=settings, **changes)))

    before = tensors(first)
    weight = next(key for key in before if key.startswith("generator/"))
    slow = begun()
    assert torch.allclose(slow[weight], before[weight])
    assert slow["optimizer/discriminator/0/step"] == before["optimizer/discriminator/0/step"] + 1
    other_kind = begun(settings={"recipe.discriminator_optimizer.kind": "rmsprop"})
    assert moments not in other_kind
    assert other_kind["optimizer/discriminator/0/step"] == 1
    assert other_kind["optimizer/generator/0/step"] == slow["optimizer/generator/0/step"]
    assert begun(tricks=["optimistic-adam"])["optimizer/generator/0/step"] == 1
    averaged = begun(tricks=["ema"])
    assert torch.allclose(averaged[f"memory/ema/{weight}"], before[weight]), "not the initial ones"
    assert averaged["memory/lecam/real"] != 0
    assert not any(key.startswith("memory/lecam") for key in begun(tricks=["lecam:off"]))
    assert torch.equal(slow["streams/noise"], averaged["streams/noise"])
    assert not torch.equal(begun(settings={"seed": 1})["streams/noise"], slow["streams/noise"])


@pytest.mark.parametrize(("before", "after"), [(2, 1), (1, 2)])
def test_moments_are_those_of_the_weights_that_learn(go, before, after):
    """Where other layers are frozen, an optimizer's list of weights is another one."""
    first = go(trained(0.2, [f"freeze-d:layers={before}"]))
    settings = {"kimg": 0.25}
    longer = go(plan_continuation(first, tricks=[f"freeze-d:layers={after}"], settings=settings))
    assert tensors(longer)["optimizer/discriminator/0/step"] < 3, (
        "the moments of the first run are dropped"
    )
    same = go(plan_continuation(first, settings=settings))
    assert tensors(same)["optimizer/discriminator/0/step"] > 6


@pytest.mark.parametrize(
    ("settings", "images"),
    [({}, 32), ({"batch_size": 64}, 64), ({"recipe.discriminator_steps": 3}, 96)],
)
def test_images_per_update_are_those_of_the_run_that_goes_on(go, settings, images):
    """And of the run before where it had the same pace, also after it is resumed."""
    first = go(trained(0.32, ["ema"]))
    longer = plan_continuation(first, settings={"kimg": 1.28, **settings})
    assert paces(go(longer)) == {images}
    assert paces(go(plan_continuation(go(longer), settings={"kimg": 2.24}))) == {images}


def paces(folder):
    """Return the images for each update of the generator in a checkpoint that is loaded again."""
    recorded = plan_of(folder.description())
    state = recorded.build(torch.device("cpu"))
    load_checkpoint(state, folder.checkpoint_file)
    return {images_per_update(state, "generator")}


def test_the_models_own_loss_is_not_taken_for_a_chosen_one(go):
    """With other parameters it may have another name."""
    first = go(plan("fgan", "ring8", settings={**CONSTANT, "kimg": 0.1}))
    other = plan_continuation(first, settings={"kimg": 0.2, "model.divergence": "pearson"})
    assert other.config.loss == "f-gan-pearson"
    chosen = go(plan("fgan", "ring8", settings={**CONSTANT, "kimg": 0.1, "loss": "hinge"}))
    assert plan_continuation(chosen, settings={"kimg": 0.2}).config.loss == "hinge"


def test_tricks_and_settings_stay_unless_they_are_changed(go):
    first = go(trained(0.2, ["r1:weight=0.5", "ema"], loss="hinge", seed=3))
    same = plan_continuation(first, settings={"kimg": 0.4}).config
    wanted = first.description().model_dump()
    assert {**same.model_dump(), "recipe": wanted["recipe"], "origin": None} == {
        **wanted,
        "origin": None,
    }
    changed = plan_continuation(
        first, tricks=["r1:weight=2", "ema:off", "lecam"], settings={"kimg": 0.4, "loss": "minimax"}
    ).config
    assert [trick.name for trick in changed.tricks] == ["lecam", "r1"]
    assert changed.tricks[1].parameters["weight"] == 2.0
    assert (changed.loss, changed.seed) == ("minimax", 3)


def test_a_trick_of_the_model_that_was_left_out_stays_out(go):
    first = go(trained(0.2, ["gradient-penalty:off"], "wgan-gp"))
    assert first.description().tricks == ()
    assert plan_continuation(first, settings={"kimg": 0.4}).config.tricks == ()


def test_what_cannot_go_on_is_said(go, tmp_path):
    first = go(trained(0.2))
    with pytest.raises(ConfigError, match=r"trained for 0\.224 kimg, and kimg counts") as raised:
        plan_continuation(first)
    assert raised.value.hint == "For example: --kimg 0.448"
    with pytest.raises(ConfigError, match="network 'generator' has other weights"):
        go(plan_continuation(first, settings={"kimg": 0.4, "recipe.latent_dim": 5}))
    assert [path.name for path in tmp_path.iterdir()] == [first.path.name]
    result = first.result_file.read_text()
    first.result_file.write_text(
        result.replace('"done"', '"diverged"').replace("collapsed", "diverged")
    )
    with pytest.raises(ConfigError, match="has diverged"):
        plan_continuation(first, settings={"kimg": 0.4})
    first.result_file.unlink()
    with pytest.raises(ConfigError, match="is not finished"):
        plan_continuation(first, settings={"kimg": 0.4})


def test_a_checkpoint_of_another_moment_is_refused(go, tmp_path):
    first, other = go(trained(0.2)), go(trained(0.5))
    planned = plan_continuation(first, settings={"kimg": 0.4})
    first.checkpoint_file.write_bytes(other.checkpoint_file.read_bytes())
    with pytest.raises(DamagedRunError, match="not written at the end of its run"):
        go(planned)
    first.checkpoint_file.unlink()
    with pytest.raises(DamagedRunError, match=r"missing or damaged: No such file or directory\.$"):
        go(planned)
    assert set(tmp_path.iterdir()) == {first.path, other.path}, "no folder was left behind"


def test_a_recorded_plan_does_not_start_from_new_weights(go):
    first = go(trained(0.2))
    recorded = plan_continuation(first, settings={"kimg": 0.4}).config
    with pytest.raises(ConfigError, match="starts from the weights of the run") as raised:
        go(plan_of(recorded))
    assert "--from" in raised.value.hint


def test_a_continued_run_that_was_interrupted_is_resumed_without_its_origin(go, tmp_path):
    first = go(trained(0.2))
    planned = plan_continuation(first, settings={"kimg": 0.6})
    run = Run(planned, RunOptions(out=tmp_path, metrics=()))
    run.stop()
    assert run.execute()["status"] == "interrupted"
    first.checkpoint_file.unlink()
    resumed = go(planned, resume=True)
    assert resumed.path == run.folder.path
    assert not differing(tensors(resumed), tensors(go(trained(0.6))))


def test_what_differs_from_the_nearest_run_is_said(go, tmp_path):
    first = go(trained(0.2))
    go(trained(0.2, ["ema"]))
    wanted = trained(0.4)
    sentence = begins_anew(wanted.config, tmp_path, wanted.folder_stem)
    assert sentence == (
        f"{tmp_path} holds no run of these settings, so a new one begins. {first.path.name} "
        f"differs in recipe.kimg (0.2, not 0.4). To go on from its weights: --from {first.path}"
    )
    assert "--from" not in begins_anew(trained(0.1).config, tmp_path, wanted.folder_stem)
    assert begins_anew(wanted.config, tmp_path / "none", wanted.folder_stem).endswith("begins.")
    for damaged in ("{", json.dumps({"config": {**first.config()["config"], "seed": "none"}})):
        first.config_file.write_text(damaged)
        sentence = begins_anew(wanted.config, tmp_path, wanted.folder_stem)
        assert sentence.endswith("so a new one begins.")
