# SPDX-License-Identifier: MIT
"""Every registered model is exported, and what is exported draws the same."""

import pytest
import torch
from shared_zoo import DATA, IMAGES
from small_models import small
from small_states import state_of

from ganbench import registry
from ganbench.export.plain_generator import plain_generator
from ganbench.export.torchscript_file import run_torchscript, write_torchscript
from ganbench.export.weights_file import examples_of, halved
from ganbench.gan import DataSpec
from ganbench.samples.modules import load_torchscript
from ganbench.training.build import create
from ganbench.training.trainer import evaluating

POINTS = DataSpec("points", "1", (2,), classes=2)


def state_for(gan, spec):
    state = state_of(gan, spec, gan.tricks)
    if gan.conditional == "source":
        state.sources = lambda count, stream: torch.rand(count, *spec.source) * 2 - 1
    return state


@pytest.mark.parametrize("model", registry.models.names())
def test_torchscript_of_every_model_draws_the_same(model, tmp_path):
    spec = DATA.get(model, IMAGES)
    state = state_for(small(model, spec), spec)
    with evaluating(state):
        exported = plain_generator(state)
        write_torchscript(exported, {"generator": exported.facts.record()}, tmp_path / "g.pt")
        assert torch.equal(run_torchscript(exported, tmp_path / "g.pt"), exported.examples)
        module = load_torchscript(tmp_path / "g.pt", torch.device("cpu"))[0]
        few = tuple(tensor[:3] for tensor in exported.inputs)
        assert module(*few).shape == (3, *spec.shape)
    assert exported.examples.shape[1:] == spec.shape
    assert exported.facts.latent_dim == state.recipe.latent_dim
    assert exported.examples.isfinite().all()


@pytest.mark.parametrize("model", registry.models.names())
def test_half_precision_hardly_moves_what_a_new_generator_draws(model):
    spec = DATA.get(model, IMAGES)
    state = state_for(create(model, spec), spec)  # in its own width, which rounding errors follow
    with evaluating(state):
        exported = plain_generator(state)
        before = exported.network.generator.state_dict()
        kept = {name: tensor.clone() for name, tensor in before.items()}
        made = examples_of(exported, halved(kept))
        after = exported.network.generator.state_dict()
        assert all(torch.equal(kept[name], after[name]) for name in kept), "it has its own back"
    if spec.alphabet is None:
        assert (made - exported.examples).abs().max() < 0.05
