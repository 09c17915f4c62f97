# SPDX-License-Identifier: MIT
"""Every trick on every registered model: it trains, or is refused in a sentence."""

import pytest
import torch
from small_states import state_of

from ganbench import registry
from ganbench.config import parse_trick
from ganbench.errors import ConfigError
from ganbench.gan import Batch, DataSpec
from ganbench.step import alternate
from ganbench.training.build import create
from ganbench.training.trainer import evaluating
from ganbench.trick_config import make_trick

POINTS = DataSpec("points", "1", (2,), classes=2)
IMAGES = DataSpec("images", "1", (1, 8, 8), classes=2)
REFUSED = {
    "diffaugment": {"vanilla", "wgan-gp", "infogan", "bigan", "acgan", "cgan-projection"}
    | {"diffusion-gan"},  # on points
    "pacgan": {"infogan", "bigan", "acgan", "cgan-projection", "msggan", "diffusion-gan"},
    "label-smoothing": {"began"},
}
"""The only pairs that may be refused."""


def trains(model, data, name):
    """Make two iterations with a trick and draw samples; return whether it was not refused."""
    gan = create(model, data)
    tricks = [trick for trick in gan.tricks if registry.name_of(trick) != name]
    settings = {"batch_size": 4, "kimg": 0.1, "discriminator_steps": 1}
    values = torch.rand(4, *data.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    try:
        state = state_of(
            gan,
            data,
            [*tricks, make_trick(parse_trick(name))],
            recipe=gan.recipe.model_copy(update=settings),
        )
    except ConfigError:
        return False
    for _ in range(2):
        state.tricks.step_rule(alternate)(state, lambda: Batch(values, torch.tensor([0, 1, 1, 0])))
    for role in state.updates:
        assert all(weight.isfinite().all() for weight in state.parameters(role))
    with evaluating(state):
        sample = state.sampler()(4, torch.Generator().manual_seed(0))
    assert sample.images.shape == (4, *data.shape)
    return True


@pytest.mark.parametrize("model", registry.models.names())
def test_every_trick_trains_or_is_refused(model):
    try:
        create(model, POINTS)
        data = POINTS
    except ConfigError:
        data = IMAGES
    for name in registry.tricks.names():
        assert trains(model, data, name) or model in REFUSED.get(name, ()), f"{name} is refused"
