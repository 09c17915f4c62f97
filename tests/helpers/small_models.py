# SPDX-License-Identifier: MIT
"""Models of the zoo on narrow networks, so that tests over all of them are quick."""

import inspect

from ganbench import registry
from ganbench.training.build import create

NARROW = {"backbone": "auto:width=4", "width": 4}
"""What makes a model narrow, by the parameter that it has."""


def small(model, data, parameters=None):
    """Return a model for some data, on networks as narrow as it can have them."""
    known = inspect.signature(registry.models.get(model)).parameters
    narrow = {name: value for name, value in NARROW.items() if name in known}
    return create(model, data, {**narrow, **(parameters or {})})
