# SPDX-License-Identifier: MIT
"""The session trains the same run as every other command, whatever is shown meanwhile."""

import time

import pytest
import torch
from lab_links import hold
from safetensors.torch import load_file

import ganbench
from ganbench.lab.lockstep import Lockstep
from ganbench.lab.points_view import PointsView

QUICK = {"model": "vanilla", "dataset": "ring8", "set": {"kimg": 0.5, "batch_size": 20}}


def weights_in(folder):
    return {
        name: value
        for name, value in load_file(folder / "checkpoint.safetensors").items()
        if not name.startswith("statistics")
    }


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name, value in first.items():
        torch.testing.assert_close(value, second[name], rtol=0, atol=0, msg=name)


@pytest.mark.parametrize(
    ("model", "tricks"),
    [("vanilla", ["ema", "instance-noise"]), ("wgan-gp", []), ("vanilla", ["unrolled"])],
)
def test_what_is_shown_changes_no_weight(tmp_path, model, tricks, every_iteration):
    recipe = {**QUICK, "model": model, "tricks": tricks}
    link, session = hold(tmp_path, recipe, {"kind": "play"})
    assert len(link.frames) == link.frames[-1].header["iteration"] + 1 > 5
    plain = ganbench.run(
        model,
        "ring8",
        tricks=tricks,
        settings=QUICK["set"],
        threads=1,
        out=tmp_path / "plain",
        metrics=[],
        progress=False,
    )
    assert_same(weights_in(session._showing.segment.folder.path), weights_in(plain.path))


def frames_by_iteration(link):
    return {frame.header["iteration"]: frame for frame in link.frames}


def same_frame(first, second):
    keys = ("numbers", "boxes", "heat_level", "kimg")
    assert {key: first.header[key] for key in keys} == {key: second.header[key] for key in keys}
    for name, array in first.arrays.items():
        assert (array == second.arrays[name]).all(), name


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Show little, so that many frames are quick."""
    monkeypatch.setattr(PointsView, "drawn", 120)
    monkeypatch.setattr(PointsView, "count", 60)
    monkeypatch.setattr("ganbench.lab.points_view.SHOWN_ARROWS", 20)
    monkeypatch.setattr("ganbench.lab.points_view.HEAT_CELLS", 8)


@pytest.fixture
def every_iteration(monkeypatch):
    monkeypatch.setattr("ganbench.lab.pace.FRAMES_PER_SECOND", 1e9)
    monkeypatch.setattr("ganbench.lab.pace.TRAINING_PER_FRAME", 0.0)


@pytest.mark.parametrize("state_seconds", [0.0, 1e9])
def test_going_back_and_playing_again_gives_the_same_frames(
    tmp_path, every_iteration, monkeypatch, state_seconds
):
    monkeypatch.setattr("ganbench.lab.showing.STATE_SECONDS", state_seconds)
    monkeypatch.setattr("ganbench.lab.showing.STATE_SHARE", 0)
    recipe = {**QUICK, "tricks": ["ema", "r1:weight=0.1"]}
    play, fork = {"kind": "play"}, {"kind": "fork", "frame": 7}
    link, _ = hold(tmp_path, recipe, play, {**fork, "after": 26}, {"kind": "play"})
    cut = next(place for place, message in enumerate(link.sent) if message["kind"] == "cut")
    assert link.sent[cut]["frame"] == 7
    before, after = link.frames[:26], link.frames[26:]
    assert after[0].header["frame"] == after[0].header["iteration"] == 7
    for frame in before[7:]:
        again = after[frame.header["frame"] - 7]
        assert again.header["frame"] == frame.header["frame"]
        same_frame(frame, again)


def test_a_change_goes_on_from_the_weights_as_run_from_does(tmp_path, every_iteration):
    change = {"kind": "set", "key": "recipe.generator_optimizer.learning_rate", "value": 0.0001}
    tricks = {"kind": "set", "key": "tricks", "value": ["r1:weight=0.1"]}
    messages = [{"kind": "play"}, {**change, "after": 11}, {**tricks, "after": 18}]
    link, session = hold(tmp_path, QUICK, *messages)
    (first, second) = link.of_kind("event")
    assert first["what"] == "recipe.generator_optimizer.learning_rate = 0.0001"
    assert second["what"] == "tricks = r1:weight=0.1"
    assert second["graph"]["tricks"][0]["name"] == "r1"
    assert not link.of_kind("code")[-1]["exact"]
    segment = session._showing.segment
    assert segment.plan.config.origin is not None
    assert segment.folder.config()["identity"] == segment.plan.config.identity
    assert link.frames[-1].header["kimg"] == 0.5
    iterations = [frame.header["iteration"] for frame in link.frames]
    assert iterations == sorted(iterations)
    assert iterations[-1] == 25


def test_a_change_after_a_reset_is_of_the_run_that_begins(tmp_path, every_iteration):
    change = {"kind": "set", "key": "loss", "value": "hinge"}
    messages = [{"kind": "play"}, {"kind": "reset", "after": 11}, {**change, "after": 11}]
    link, _ = hold(tmp_path, QUICK, *messages)
    _, again = link.of_kind("hello")
    assert again["recipe"]["set"] == {**QUICK["set"], "loss": "hinge"}
    assert link.of_kind("event") == []
    iterations = [frame.header["iteration"] for frame in link.frames]
    assert iterations.count(0) == 2
    assert iterations[-1] == 25


@pytest.mark.parametrize("state_seconds", [0.0, 1e9])
def test_changes_right_after_a_fork_are_made_at_its_frame(
    tmp_path, every_iteration, monkeypatch, state_seconds
):
    monkeypatch.setattr("ganbench.lab.showing.STATE_SECONDS", state_seconds)
    monkeypatch.setattr("ganbench.lab.showing.STATE_SHARE", 0)
    rate = {"kind": "set", "key": "recipe.generator_optimizer.learning_rate", "value": 0.0001}
    loss = {"kind": "set", "key": "loss", "value": "hinge"}
    fork = {"kind": "fork", "frame": 7}
    again = [{**message, "after": 20} for message in (fork, rate, loss, {"kind": "play"})]
    link, session = hold(tmp_path, QUICK, {"kind": "play"}, *again)
    (event,) = link.of_kind("event")
    assert event["what"] == "recipe.generator_optimizer.learning_rate = 0.0001, loss = hinge"
    assert event["frame"] == 7
    assert [cut["frame"] for cut in link.of_kind("cut")] == [7]
    config = session._showing.segment.plan.config
    assert config.loss == "hinge"
    assert config.origin is not None
    assert link.frames[-1].header["iteration"] == 25


def test_a_fork_to_before_a_change_tells_what_is_trained_from_there_on(tmp_path, every_iteration):
    rate = {"kind": "set", "key": "recipe.generator_optimizer.learning_rate", "value": 0.0001}
    tricks = {"kind": "set", "key": "tricks", "value": ["r1"]}
    messages = [{**rate, "after": 5}, {**tricks, "after": 12}, {"kind": "fork", "frame": 8}]
    messages[2]["after"] = 16
    link, _ = hold(tmp_path, QUICK, {"kind": "play"}, *messages)
    (recipe,) = link.of_kind("recipe")
    first, second = link.of_kind("event")
    assert second["frame"] > 8 > first["frame"]
    for key in ("recipe", "resolved", "graph"):
        assert recipe[key] == first[key] != second[key]
    assert link.sent[link.sent.index(recipe) + 1]["toml"] == link.of_kind("code")[0]["toml"]


def test_a_reset_after_a_fork_forgets_its_changes(tmp_path, every_iteration):
    messages = [{"kind": "fork", "frame": 7}, {"kind": "set", "key": "loss", "value": "hinge"}]
    again = [{**message, "after": 20} for message in (*messages, {"kind": "reset"})]
    link, session = hold(tmp_path, QUICK, {"kind": "play"}, *again)
    assert link.of_kind("event") == link.of_kind("cut") == []
    assert session._showing.segment.plan.config.loss != "hinge"


def test_what_cannot_change_is_refused_in_a_sentence_and_the_run_goes_on(tmp_path, every_iteration):
    wrong = [
        {"kind": "set", "key": "recipe.batch_size", "value": 3},
        {"kind": "set", "key": "loss", "value": "hinges"},
        {"kind": "set", "key": "tricks", "value": ["spectral-norm"]},
        {"kind": "set", "key": "tricks", "value": ["./mine.py"]},
        {"kind": "start", "recipe": {"model": "/etc/passwd"}},
        {"kind": "start", "lesson": "none"},
        {"kind": "fork", "frame": 999},
    ]
    link, _ = hold(
        tmp_path, QUICK, {"kind": "play"}, *({**message, "after": 5} for message in wrong)
    )
    errors = link.of_kind("error")
    assert len(errors) == len(wrong)
    assert "batch_size cannot change" in errors[0]["message"]
    assert "Did you mean 'hinge'" in errors[1]["message"]
    assert "spectral-norm would change the networks" in errors[2]["message"]
    assert "registered things only" in errors[3]["message"]
    assert "registered things only" in errors[4]["message"]
    assert "no lesson" in errors[5]["message"]
    assert "no frame 999" in errors[6]["message"]
    assert link.of_kind("state")[-1]["state"] == "ended"


def test_single_turns_and_steps(tmp_path):
    turns = [{"kind": "step", "turn": turn} for turn in ("both", "discriminator", "generator")]
    link, session = hold(tmp_path, QUICK, *turns)
    assert [frame.header["iteration"] for frame in link.frames] == [0, 1, 2, 3]
    state = session._showing.view.state
    assert state.updates == {"generator": 2, "discriminator": 2}
    assert state.images_seen == 40
    events = [event["what"] for event in link.of_kind("event")]
    assert events == ["Only the discriminator took its turn.", "Only the generator took its turn."]
    assert [message["exact"] for message in link.of_kind("code")] == [False, False]


@pytest.mark.parametrize("turn", ["discriminator", "generator"])
def test_a_run_in_step_goes_on_after_a_turn_of_one_player(tmp_path, turn):
    lockstep = Lockstep((sent := []).append, None, time.perf_counter)
    lockstep.begin()
    lockstep.step()
    lockstep.take_turn({"kind": "step", "turn": turn})
    lockstep.step()
    frames_before = (0, 0, 1, 2, 2, 2, 3)  # each message comes when both wait
    messages = zip(sent, frames_before, strict=True)
    link, session = hold(tmp_path, QUICK, *({**each, "after": after} for each, after in messages))
    assert [frame.header["iteration"] for frame in link.frames][-1] == 3
    state = session._showing.view.state
    assert state.updates == {"generator": 2, "discriminator": 2, turn: 3}


def test_slow_motion_tells_each_part_and_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("ganbench.lab.lab_session.CAPTION_SECONDS", 0.0)
    recipe = {**QUICK, "set": {"kimg": 0.1, "batch_size": 20}}
    link, session = hold(tmp_path, recipe, {"kind": "slow", "on": True}, {"kind": "play"})
    captions = [frame.header for frame in link.frames if frame.header["caption"]]
    assert [header["turn"] for header in captions] == 4 * (
        6 * ["discriminator"] + 5 * ["generator"]
    )
    assert captions[0]["caption"].startswith("The discriminator's turn. The disc")
    assert captions[6]["caption"].startswith("The generator's turn. New latents")
    assert captions[10]["caption"] == "The generator's weights take a step: the fakes move."
    plain = ganbench.run(
        "vanilla",
        "ring8",
        settings=recipe["set"],
        threads=1,
        out=tmp_path,
        metrics=[],
        progress=False,
    )
    assert_same(weights_in(session._showing.segment.folder.path), weights_in(plain.path))


def test_own_points_a_probe_and_a_mistake_in_the_recipe(tmp_path):
    points = [[x / 10, (x % 7) / 3] for x in range(60)]
    messages = [
        {"kind": "data", "points": points},
        {"kind": "probe", "latent": [0.1, 0.2], "client": 3},
        {"kind": "probe", "latent": [0.1], "client": 3},
        {"kind": "nearest", "index": 1, "client": 3},
        {"kind": "start", "recipe": {"model": "acgan"}},
    ]
    link, _ = hold(
        tmp_path, QUICK, *({**message, "after": place} for place, message in enumerate(messages))
    )
    hello = link.of_kind("hello")[-1]
    assert hello["recipe"]["dataset"] == "own-points"
    assert not hello["exact"]
    assert hello["modes"] is None
    (low, high), _ = hello["bounds"]
    assert low < 0 < 5.9 < high
    (point,) = link.of_kind("point")
    assert point["client"] == 3
    assert len(point["fake"]) == 2
    messages = [error["message"] for error in link.of_kind("error")]
    assert messages[0] == "A latent has 2 numbers here, not 1."
    assert messages[1] == "There is no nearest of points."
    assert link.of_kind("state")[-1]["state"] == "paused", "the run before is still there"


def test_own_points_are_trained_on_again_with_other_settings(tmp_path):
    points = {"kind": "data", "points": [[x / 10, (x % 7) / 3] for x in range(60)]}
    recipe = {**QUICK, "dataset": "own-points", "set": {"kimg": 0.04, "batch_size": 20}, "seed": 3}
    toml = 'model = "vanilla"\ndataset = "own-points"\n[set]\nkimg = 0.04\n'
    messages = [
        {"kind": "start", "recipe": recipe},  # there are none yet
        points,
        {"kind": "reset"},  # before the run has begun
        {"kind": "start", "recipe": recipe, "after": 2},
        {"kind": "start", "recipe": QUICK, "after": 3},
        {"kind": "start", "toml": toml, "after": 4},
    ]
    link, _ = hold(tmp_path, QUICK, *messages)
    (error,) = link.of_kind("error")
    assert error["message"] == "This lab has no points of your own."
    hellos = link.of_kind("hello")
    datasets = [hello["recipe"]["dataset"] for hello in hellos]
    assert datasets == ["ring8", "own-points", "own-points", "ring8", "own-points"]
    ring, own, *others = [hello["bounds"] for hello in hellos]
    assert others == [own, ring, own]
    assert hellos[2]["recipe"]["seed"] == 3
    assert hellos[1]["resolved"]["dataset"] == "own-points"


def test_images_and_text_are_shown(tmp_path):
    recipe = {"model": "dcgan", "dataset": "digits", "set": {"kimg": 0.064}}
    messages = [
        {"kind": "nearest", "index": 2},
        {"kind": "plane", "u": 0.0, "v": 1.0},
        {"kind": "play"},
    ]
    link, _ = hold(tmp_path, recipe, *messages)
    frame = link.frames[-1]
    assert frame.arrays["fake"].shape[0] == frame.arrays["real"].shape[0] == 64
    assert frame.arrays["scores"].shape == frame.arrays["real_scores"].shape == (64,)
    assert len(link.of_kind("neighbors")[0]["images"]) == 5
    (point,) = link.of_kind("point")
    # The second fixed latent itself.
    assert point["fake"] == link.frames[0].arrays["fake"][1].tolist()
