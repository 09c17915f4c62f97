# SPDX-License-Identifier: MIT
"""Answers to what a page asks about the moment: a latent, a place of a plane, near images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ganbench.errors import ConfigError
from ganbench.lab.image_view import ImageView
from ganbench.lab.view import View


def answer_to(message: Mapping[str, Any], view: View) -> dict[str, Any]:
    """Return the answer to ``probe``, ``plane`` or ``nearest``.

    Raises:
        ConfigError: The question does not fit the run.
    """
    kind = message["kind"]
    if kind == "probe":
        return {"kind": "point", **view.probe(_latent(message, view))}
    if not isinstance(view, ImageView):
        raise ConfigError(f"There is no {kind} of {view.data}.")
    if kind == "plane":
        place = {"u": message["u"], "v": message["v"]}
        return {"kind": "point", **place, **view.probe(view.on_plane(**place))}
    index = message["index"]
    if index >= view.count:
        raise ConfigError(f"There are {view.count} fakes, counted from 0.")
    return {"kind": "neighbors", "index": index, "images": view.neighbors(index)}


def _latent(message: Mapping[str, Any], view: View) -> torch.Tensor:
    """Return a latent (1, latent_dim) of a message; ``index`` names a fixed one."""
    if message.get("index") is not None:
        if message["index"] >= len(view.fixed):
            raise ConfigError(f"There are {len(view.fixed)} latents, counted from 0.")
        return view.fixed.latents[message["index"]][None]
    size = view.state.recipe.latent_dim
    if len(message["latent"]) != size:
        raise ConfigError(f"A latent has {size} numbers here, not {len(message['latent'])}.")
    return torch.tensor([message["latent"]], dtype=torch.float32)
