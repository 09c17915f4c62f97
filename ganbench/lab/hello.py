# SPDX-License-Identifier: MIT
"""What the page is told when a run begins: the recipe, the code that repeats it, the choices."""

from __future__ import annotations

from functools import cache
from typing import Any

from ganbench import __version__, registry
from ganbench.lab.lab_recipe import CHANGEABLE
from ganbench.lab.lesson_files import lessons
from ganbench.lab.model_graph import model_graph
from ganbench.lab.segments import Segment
from ganbench.lab.view import View


def hello_of(segment: Segment, view: View) -> dict[str, Any]:
    """Return the first message about a run."""
    state = view.state
    return {
        **code_of(segment),
        "kind": "hello",
        "version": __version__,
        "recipe": segment.recipe.values(),
        "resolved": resolved_of(segment),
        "bounds": view.bounds,
        "data": view.data,
        "latent": [len(view.fixed), state.recipe.latent_dim],
        "choices": _choices(),
        "changeable": list(CHANGEABLE),
        "graph": model_graph(state, segment.plan.loss),
        "modes": view.modes,
        "sides": 1,
    }


def code_of(segment: Segment) -> dict[str, Any]:
    """Return the run as TOML, as a command and as Python; ``exact`` says whether they repeat it."""
    recipe = segment.recipe
    return {
        "kind": "code",
        "toml": recipe.toml(),
        "command": recipe.command(segment.threads),
        "python": recipe.python(segment.threads),
        "exact": not segment.changes and not segment.plan.in_memory,
    }


def resolved_of(segment: Segment) -> dict[str, Any]:
    """Return all settings of a run, those at their defaults included."""
    config = segment.plan.config.model_dump(mode="json")
    keys = ("model", "dataset", "loss", "precision", "seed", "parameters", "recipe", "tricks")
    named = {"dataset": segment.recipe.dataset}  # the configuration has no name for own points
    return {**{key: config[key] for key in keys}, **named}


@cache
def _choices() -> dict[str, Any]:
    """Return what the page offers, by name, and a line about each."""
    kinds = ("models", "tricks", "datasets", "losses")
    entries = {kind: registry.KINDS[kind].entries() for kind in kinds}
    return {
        **{kind: list(found) for kind, found in entries.items()},
        "summaries": {
            kind: {name: entry.summary for name, entry in found.items()}
            for kind, found in entries.items()
        },
        "lessons": [lesson.card() for lesson in lessons()],
    }
