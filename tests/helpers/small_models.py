# SPDX-License-Identifier: MIT
"""Models of the zoo on narrow networks, so that tests over all of them are quick."""

import inspect

from ganbench import registry
from ganbench.training.build import create

NARROW = {"backbone": "auto:width=4", "width": 4}
"""What makes a model narrow, by the parameter that it has."""

OWN_BACKBONE = """
from ganbench import Backbone, DataSpec, MLP, Recipe, register

@register
def mine(data: DataSpec, *, width: int = 8) -> Backbone:
    return Backbone(
        generator=lambda latent_dim: MLP((latent_dim,), [width], data.shape),
        network=lambda shape, outputs: MLP(shape, [width], (outputs,)),
        recipe=Recipe.preset(data),
    )
"""
"""The file of a user with a backbone."""


def small(model, data, parameters=None):
    """Return a model for some data, on networks as narrow as it can have them."""
    known = inspect.signature(registry.models.get(model)).parameters
    narrow = {name: value for name, value in NARROW.items() if name in known}
    return create(model, data, {**narrow, **(parameters or {})})
