# SPDX-License-Identifier: MIT
"""The graph of a model: its boxes, what flows between them, and the tricks where they act."""

from __future__ import annotations

import re
from typing import Any

from ganbench import registry
from ganbench.gan import Loss
from ganbench.state import State
from ganbench.trick import Hooks, Trick, hooks_name, overridden_hooks

EDGES = (
    ("latents", "generator", "latents"),
    ("generator", "fake", "fakes"),
    ("fake", "discriminator", "fakes"),
    ("real", "discriminator", "real examples"),
    ("discriminator", "discriminator_loss", "logits"),
    ("discriminator", "generator_loss", "logits of fakes"),
    ("discriminator_loss", "discriminator", "gradient"),
    ("generator_loss", "generator", "gradient"),
)
"""What flows from where to where; gradients flow back."""

_PLACES = {
    "latents": "latents",
    "wrap_generator": "generator",
    "sampler": "generator",
    "generator_terms": "generator_loss",
    "opponent": "generator_loss",
    "subset": "real",
    "reals": "real",
    "fakes": "fake",
    "see": "discriminator",
    "wrap_discriminator": "discriminator",
    "discriminator_terms": "discriminator_loss",
    "wrap_loss": "discriminator_loss",
    "gradients": "generator",
    "optimizer": "generator",
    "step_rule": "discriminator",
    "condition": "latents",
    "after_step": "generator",
}
"""The box at which a hook acts; of several hooks the first of this list counts."""

_FORMULA = re.compile(r"``([^`]*[=*^|+/(][^`]*)``")


def model_graph(state: State, loss: Loss) -> dict[str, Any]:
    """Return ``boxes``, ``edges`` and ``tricks`` of a model that is about to be trained.

    Args:
        state: The training state.
        loss: The run's loss, before tricks change it.
    """
    sizes = state.sizes()
    shape = " × ".join(map(str, state.data.shape))
    boxes = [
        _box("latents", "Latents", str(state.recipe.latent_dim)),
        _box("generator", "Generator", "", sizes["generator"]),
        _box("fake", "Fakes", shape),
        _box("real", "Real examples", shape),
        _box("discriminator", "Discriminator", "", sizes["discriminator"]),
        _box("discriminator_loss", f"Discriminator's loss: {loss.name}", ""),
        _box("generator_loss", f"Generator's loss: {loss.name}", ""),
    ]
    tricks = [_trick(hooks) for hooks in state.tricks if isinstance(hooks, Trick)]
    return {"boxes": boxes, "edges": [list(edge) for edge in EDGES], "tricks": tricks}


def _box(name: str, title: str, size: str, parameters: int | None = None) -> dict[str, Any]:
    return {"name": name, "title": title, "size": size, "parameters": parameters}


def _trick(trick: Hooks) -> dict[str, Any]:
    """Return where a trick acts, its formula as its docstring writes it, and its paper."""
    name, hooks = hooks_name(trick), overridden_hooks(trick)
    entry = registry.tricks.entry(name)
    formula = _FORMULA.search(entry.documentation)
    return {
        "name": name,
        "at": next((place for hook, place in _PLACES.items() if hook in hooks), "discriminator"),
        "formula": " ".join(formula[1].split()) if formula else "",
        "summary": entry.summary,
        "paper": entry.paper,
    }
