# SPDX-License-Identifier: MIT
"""An order that cannot be carried out is refused, and what is trained goes on."""

import pytest
from lab_links import hold
from safetensors.torch import load_file

import ganbench
from ganbench.errors import ConfigError
from ganbench.lab.points_view import PointsView
from ganbench.lab.segments import Segments

QUICK = {"model": "vanilla", "dataset": "ring8", "set": {"kimg": 0.5, "batch_size": 20}}
OWN = [[x / 10, (x % 7) / 3] for x in range(60)]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Show little, so that many frames are quick."""
    monkeypatch.setattr(PointsView, "drawn", 120)
    monkeypatch.setattr(PointsView, "count", 60)
    monkeypatch.setattr("ganbench.lab.points_view.HEAT_CELLS", 8)


@pytest.mark.parametrize(
    "message",
    [
        {"kind": "start", "recipe": {**QUICK, "model": "dcgan"}},
        {"kind": "start", "recipe": {**QUICK, "dataset": "own-points"}},
        {"kind": "start", "recipe": {**QUICK, "dataset": "celeba"}},  # which is not here
        {"kind": "start", "recipe": {**QUICK, "tricks": ["spectral-norm", "weight-norm"]}},
        {"kind": "fork", "frame": 1},
    ],
    ids=lambda message: message.get("recipe", message).get("dataset", message["kind"]),
)
def test_what_could_not_begin_leaves_the_run_as_it_is(tmp_path, message, monkeypatch):
    def lost(segments, frame, iteration):
        raise ConfigError(f"Frame {frame} is not kept any more.")

    monkeypatch.setattr(Segments, "kept_before", lost)
    recipe = {**QUICK, "model": "vanilla", "tricks": ["instance-noise"]}
    messages = [{**message, "after": 3}, {"kind": "save", "name": "mine", "after": 4}]
    link, session = hold(tmp_path, recipe, {"kind": "play"}, *messages)
    (error,) = link.of_kind("error")
    assert error["message"]
    assert link.of_kind("saved")
    assert len(link.of_kind("hello")) == 1
    assert "failed" not in {state["state"] for state in link.of_kind("state")}
    plain = ganbench.run(
        "vanilla",
        "ring8",
        tricks=recipe["tricks"],
        settings=recipe["set"],
        threads=1,
        out=tmp_path / "plain",
        metrics=[],
        progress=False,
    )
    made, wanted = (
        load_file(folder / "generator.safetensors")
        for folder in (session._showing.segment.folder.path, plain.path)
    )
    assert all((made[name] == wanted[name]).all() for name in wanted)


def test_own_points_next_to_a_model_of_images_leave_the_run_as_it_is(tmp_path):
    recipe = {"model": "dcgan", "dataset": "digits", "set": {"kimg": 0.064}}
    link, _ = hold(tmp_path, recipe, {"kind": "data", "points": OWN, "after": 1})
    assert link.of_kind("error")
    assert link.of_kind("state")[-1]["state"] == "paused"
    assert link.of_kind("hello")[-1]["recipe"]["dataset"] == "digits"


def test_after_a_failure_nothing_plays_until_something_begins(tmp_path):
    asked = [
        {"kind": "play"},
        {"kind": "step", "turn": "both"},
        {"kind": "set", "key": "loss", "value": "hinge"},
        {"kind": "save", "name": ""},
        {"kind": "speed", "updates_per_second": 3.0},
        {"kind": "slow", "on": True},
    ]
    first, failed = hold(tmp_path, {**QUICK, "model": "dcgan"}, *asked)
    assert failed.failure is not None
    assert {state["state"] for state in first.of_kind("state")} == {"starting", "failed"}
    assert first.of_kind("state")[-1]["reason"] == failed.failure.message
    assert len(first.of_kind("error")) == 5, "the failure, and four that ask for a run"
    again, session = hold(
        tmp_path, {**QUICK, "model": "dcgan"}, {"kind": "start", "recipe": QUICK}, {"kind": "play"}
    )
    assert session.failure is None
    assert again.of_kind("state")[-1]["state"] == "ended"
