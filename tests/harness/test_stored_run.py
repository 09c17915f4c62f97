# SPDX-License-Identifier: MIT
"""Stored runs: further tricks that act on their samples, and data that were in memory."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from ganbench import registry
from ganbench.config import TrickConfig
from ganbench.errors import MissingDataError
from ganbench.harness.stored_run import load_state, plan_of_run
from ganbench.training.checkpoint import read_tensors, write_tensors
from ganbench.trick import Trick


@dataclass(frozen=True)
class Shifted(Trick):
    """Gathers a number before samples are drawn."""

    shift: float = 3.0

    def start(self, state):
        return {"shift": torch.tensor(self.shift)}

    def sampler(self, sampler, state):
        return sampler


def test_a_further_trick_has_what_it_gathers_at_the_start(train, session):
    name = registry.tricks.add(Shifted)
    new, old = train(metrics=[]), train(metrics=[], tricks=[Shifted(2.0)])
    for run, parameters, shift in (
        (new, {}, 3.0),
        (old, {}, 2.0),
        (old, {"shift": 5.0}, 5.0),
    ):
        sampling = [TrickConfig(name=name, parameters=parameters)]
        state = load_state(run.plan, run.folder, torch.device("cpu"), sampling=sampling)
        assert state.memory[name] == {"shift": shift}
        assert state.memory_names[name] == {"shift"}


@pytest.fixture
def on_images(train):
    """Return a run on images that only the process that trained it had."""
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
    return train(data=images, metrics=[])


def test_a_run_on_data_in_memory_is_drawn_from_and_exported(cli, on_images, tmp_path):
    run = str(on_images.path)
    drawn = cli(
        "sample", run, "--count", 5, "--format", "npz", "--out", tmp_path / "five", "--json"
    )
    with np.load(drawn.document["out"]) as arrays:
        assert arrays["images"].shape == (5, 8, 8, 1)
    exported = cli("export", run, "--to", "safetensors", "--out", tmp_path / "made", "--json")
    assert exported.code == 0
    file = exported.document["out"]
    for generator in (run, file):
        for words in (
            ("eval", generator, "--metrics", "fid@pixels", "--samples", 30),
            *([("run", "--from", run, "--kimg", 0.5)] if generator == run else []),
        ):
            refused = cli(*words)
            assert refused.code == 4
            assert "trained on data in memory, called 'array'" in refused.err
            assert "load_run(path, data=...)" in refused.err
    real = cli("eval", run, "--real", "mnist5k", "--metrics", "modes", "--samples", 30)
    assert "in memory" not in real.err


def test_data_in_memory_of_an_older_checkpoint_have_to_be_passed(on_images):
    path = on_images.folder.checkpoint_file
    tensors, metadata = read_tensors(path, torch.device("cpu"))
    state = json.loads(metadata["state"])
    assert state.pop("data")["shape"] == [1, 8, 8]
    write_tensors(path, tensors, {"state": json.dumps(state)})
    with pytest.raises(MissingDataError, match="trained on data in memory, called 'array'"):
        plan_of_run(on_images.folder)
    source = on_images.plan.source
    assert plan_of_run(on_images.folder, source).source is source
