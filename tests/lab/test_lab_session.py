# SPDX-License-Identifier: MIT
"""The session trains the same run as every other command, whatever is shown meanwhile."""

import pytest
import torch
from lab_links import hold
from safetensors.torch import load_file

import ganbench

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
def test_what_is_shown_changes_no_weight(tmp_path, model, tricks, monkeypatch):
    monkeypatch.setattr("ganbench.lab.pace.FRAMES_PER_SECOND", 1e9)
    monkeypatch.setattr("ganbench.lab.pace.TRAINING_PER_FRAME", 0.0)
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
    assert_same(weights_in(session._segment.folder.path), weights_in(plain.path))
