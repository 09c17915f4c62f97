# SPDX-License-Identifier: MIT
"""The token generator's temperature during training."""

import pytest
import torch
from small_states import state_of
from torch.nn.functional import one_hot

from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.moving import Moving
from ganbench.step import alternate
from ganbench.training.build import create
from ganbench.training.checkpoint import continue_from, save_checkpoint

TEXT = DataSpec("text", "1", (3, 6), alphabet=("a", "b", "c"))


def states(temperature, updates):
    """Yield the state before training and after each iteration, in batches of eight."""
    yield from states_of(
        create("gumbel-softmax-gan", TEXT, {"width": 4, "temperature": temperature}), updates
    )


def states_of(gan, updates):
    recipe = gan.recipe.model_copy(update={"kimg": 0.08, "batch_size": 8})
    state = state_of(gan, TEXT, gan.tricks, recipe=recipe)
    tokens = torch.randint(3, (8, 6), generator=torch.Generator().manual_seed(0))

    def next_batch():
        state.images_seen += 8
        return Batch(one_hot(tokens, 3).transpose(1, 2).float())

    yield state
    for _ in range(updates):
        alternate(state, next_batch)
        yield state


def test_a_temperature_that_moves_is_the_generators():
    moving = Moving(2, 0.5, shape="linear")
    reached = [float(state.generator.temperature) for state in states(str(moving), 10)]
    expected = [moving.at(8 * update / 1000, 0.08) for update in range(11)]
    assert reached == pytest.approx(expected)
    assert reached[-1] == 0.5


def test_the_temperature_falls_from_five_to_one_unless_it_is_set():
    gan = create("gumbel-softmax-gan", TEXT, {"width": 4})
    reached = [float(state.generator.temperature) for state in states_of(gan, 10)]
    assert reached == pytest.approx([5 - 0.4 * update for update in range(11)])


def test_a_plain_temperature_stays():
    reached = {float(state.generator.temperature) for state in states(0.25, 2)}
    assert reached == {0.25}


def test_a_plain_temperature_is_that_of_a_run_which_goes_on_from_another(tmp_path):
    """The checkpoint holds that of the run before."""
    before = list(states("5->1", 3))[-1]
    save_checkpoint(before, tmp_path / "before.safetensors", {})
    state = next(states(3, 0))
    continue_from(
        state, tmp_path / "before.safetensors", same_optimizers=(), same_pace=True, streams=True
    )
    assert float(before.generator.temperature) < 5
    assert float(state.generator.temperature) == 3


@pytest.mark.parametrize("temperature", [0, -1, "1->0", "warm"])
def test_a_temperature_is_positive(temperature):
    with pytest.raises(ConfigError, match=r"model\.temperature"):
        create("gumbel-softmax-gan", TEXT, {"temperature": temperature})


def test_signals_are_refused():
    with pytest.raises(ConfigError, match="draws text, and sound has no alphabet") as refusal:
        create("gumbel-softmax-gan", DataSpec("sound", "1", (1, 64)))
    assert "alphabet" in refusal.value.hint
