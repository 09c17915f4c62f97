# SPDX-License-Identifier: MIT
"""Files of weights: what is rounded, equal bytes, and weights of another generator."""

import json

import pytest
import torch
from small_states import state_of

from ganbench import losses
from ganbench.config import Recipe, RunConfig
from ganbench.errors import DamagedRunError
from ganbench.export.weights_file import halved, load_exported, write_weights_file
from ganbench.gan import GAN, DataSpec
from ganbench.nn import MLP
from ganbench.records.exported_run import ExportedRun

POINTS = DataSpec("points", "1", (2,))
RECIPE = Recipe(kimg=1, latent_dim=3)
CONFIG = RunConfig(model="vanilla", dataset="points", loss="minimax", recipe=RECIPE,
                   model_source="0", dataset_version="1")  # fmt: skip
DOCUMENT = {"data": {"name": "points"}, "run": {"config": CONFIG.model_dump(mode="json")}}


def state(width):
    gan = GAN(
        generator=lambda size: MLP((size,), [width], (2,)),
        discriminator=lambda shape: MLP(shape, [4], (1,)),
        loss=losses.non_saturating,
        recipe=RECIPE,
    )
    return state_of(gan, POINTS)


def test_matrices_are_rounded_and_vectors_and_counts_are_not():
    tensors = {
        "kernel": torch.full((2, 3), 1 / 3),
        "running_var": torch.full((3,), 1e9),
        "count": torch.tensor([[7]]),
    }
    rounded = halved(tensors)
    assert rounded["kernel"].dtype == torch.float16
    assert (rounded["kernel"].float() - 1 / 3).abs().max() < 2**-12
    assert torch.equal(rounded["running_var"], tensors["running_var"])
    assert rounded["count"].dtype == torch.int64


def test_equal_weights_are_equal_bytes_and_are_loaded_in_the_networks_precision(tmp_path):
    trained, new = state(4), state(4)
    weights = trained.generator.state_dict()
    for name in ("a", "b"):
        write_weights_file(halved(weights), DOCUMENT, tmp_path / f"{name}.safetensors")
    contents = [(tmp_path / f"{name}.safetensors").read_bytes() for name in ("a", "b")]
    assert contents[0] == contents[1]
    with torch.no_grad():
        for weight in new.generator.parameters():
            weight.zero_()
    load_exported(new, ExportedRun(tmp_path / "a.safetensors"))
    loaded = new.generator.state_dict()
    for name, weight in weights.items():
        assert loaded[name].dtype == torch.float32
        assert torch.equal(loaded[name], halved(weights)[name].float())
        assert torch.allclose(loaded[name], weight, atol=1e-3)


def test_weights_of_another_generator_are_one_sentence(tmp_path):
    path = tmp_path / "a.safetensors"
    write_weights_file(state(5).generator.state_dict(), json.loads(json.dumps(DOCUMENT)), path)
    with pytest.raises(DamagedRunError, match="does not hold the weights of the model 'vanilla'"):
        load_exported(state(4), ExportedRun(path))
