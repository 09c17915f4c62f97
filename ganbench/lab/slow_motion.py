# SPDX-License-Identifier: MIT
"""An update part by part, each told in words before it happens; the update itself is unchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ganbench.gan import Role
from ganbench.state import State

Tell = Callable[[str, Role], None]
"""Is given what happens now, in words, and whose turn it is; returns when it may happen."""

_CAPTIONS: dict[str, dict[Role, str]] = {
    "draw_latents": {
        "discriminator": "Latents are drawn at random.",
        "generator": "New latents are drawn at random.",
    },
    "generate": {
        "discriminator": "The generator turns each latent into a fake.",
        "generator": "The generator turns each latent into a fake, and remembers how.",
    },
    "discriminate": {
        "discriminator": "The discriminator judges examples: how real does each look?",
        "generator": "The discriminator judges the fakes.",
    },
    "backward": {
        "discriminator": "The loss says how wrong the discriminator was, and the gradient says "
        "which way each of its weights should move.",
        "generator": "The loss is low where the discriminator was fooled; its gradient goes back "
        "through the discriminator into the generator's weights.",
    },
    "move": {
        "discriminator": "The discriminator's weights take a step.",
        "generator": "The generator's weights take a step: the fakes move.",
    },
}


@contextmanager
def slow_motion(state: State, tell: Tell) -> Iterator[None]:
    """Tell of each part of the updates that are made in the meantime.

    Args:
        state: The training state.
        tell: Is called before each part.
    """
    moved, begins, telling = 0, True, False
    plain: dict[str, Callable[..., Any]] = {name: getattr(state, name) for name in _CAPTIONS}

    def role_now() -> Role:
        return "discriminator" if moved < state.recipe.discriminator_steps else "generator"

    def told(name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal moved, begins, telling
            if telling:  # what is shown meanwhile is no part of the update
                return plain[name](*arguments, **options)
            telling = True
            role = role_now()
            opening = f"The {role}'s turn. " if begins else ""
            tell(opening + _CAPTIONS[name][role], role)
            telling, begins = False, name == "move"
            result = plain[name](*arguments, **options)
            moved += name == "move"
            return result

        return call

    vars(state).update({name: told(name) for name in _CAPTIONS})
    try:
        yield
    finally:
        for name in _CAPTIONS:
            vars(state).pop(name, None)
