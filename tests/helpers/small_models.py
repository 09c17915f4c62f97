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


IMAGES_ONLY = {
    *("aae", "began", "biggan", "cogan", "dcgan", "ebgan", "fastgan", "gat", "msggan", "progan"),
    *("projected-gan", "sagan", "ssgan", "stylegan2", "stylegan2-ada", "unet-gan"),
}


def takes(model, data):
    """Tell whether a model must take some data, which have classes, and refuse it otherwise."""
    is_text = data.alphabet is not None
    kinds = {
        "pix2pix": data.source is not None,
        "wavegan": not data.is_image and not is_text and len(data.shape) == 2,
        "gumbel-softmax-gan": is_text,
    }
    return kinds.get(model, data.is_image or model not in IMAGES_ONLY)


def small(model, data, parameters=None):
    """Return a model for some data, on networks as narrow as it can have them."""
    known = inspect.signature(registry.models.get(model)).parameters
    narrow = {name: value for name, value in NARROW.items() if name in known}
    return create(model, data, {**narrow, **(parameters or {})})
