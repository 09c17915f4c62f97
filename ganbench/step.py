# SPDX-License-Identifier: MIT
"""The step: what every GAN of the zoo does in one iteration, on one screen.

Tricks take part through what they add to the passes (``Turn``), to the terms, and to the order of
the updates; nothing here knows a trick by name.
"""

from __future__ import annotations

from collections.abc import Callable

from ganbench.gan import Batch, Role
from ganbench.state import State
from ganbench.trick import Terms
from ganbench.turn import Turn


def discriminator_objective(turn: Turn) -> Terms:
    """Return the terms that the discriminator minimizes, each a scalar."""
    real, fake = turn.real.logits, turn.fake.logits
    return {
        "adversarial": turn.state.loss.discriminator(real, fake),
        **turn.state.tricks.terms(turn),
    }


def generator_objective(turn: Turn) -> Terms:
    """Return the terms that the generator minimizes; few losses look at the real logits."""
    fake = turn.fake.logits
    real = turn.real.logits if turn.state.loss.paired else fake.new_empty(0)
    return {"adversarial": turn.state.loss.generator(real, fake), **turn.state.tricks.terms(turn)}


OBJECTIVES = {"discriminator": discriminator_objective, "generator": generator_objective}


def gradients(state: State, role: Role, batch: Batch, beside: Turn | None = None) -> Turn:
    """Compute the gradients of one player's objective in its own parameters, and no others.

    Returns the turn, with which ``State.descend`` finishes the update. ``beside`` is the other
    player's turn at the same point, where both players move at once.
    """
    turn = Turn(state, role, batch, beside=beside)
    with state.casting():
        turn.terms = OBJECTIVES[role](turn)
    state.backward(turn)
    return turn


def update(state: State, role: Role, batch: Batch) -> None:
    """Move one player's weights down the gradient of its objective."""
    state.descend(gradients(state, role, batch))


def alternate(state: State, next_batch: Callable[[], Batch]) -> None:
    """Update the discriminator, then the generator (Goodfellow et al., 2014, algorithm 1)."""
    for _ in range(state.recipe.discriminator_steps):
        batch = next_batch()
        update(state, "discriminator", batch)
    for _ in range(state.recipe.generator_steps):
        update(state, "generator", batch)
