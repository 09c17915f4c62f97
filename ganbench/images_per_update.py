# SPDX-License-Identifier: MIT
"""How many real images are shown for each update of a player."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ganbench.gan import Role

if TYPE_CHECKING:
    from ganbench.state import State


@dataclass(frozen=True)
class Counts:
    """What a run has done by some moment."""

    images: int = 0
    """The number of real images shown to the discriminator."""
    updates: dict[Role, int] = field(default_factory=lambda: {"generator": 0, "discriminator": 0})
    """The number of updates that each player has made."""


def images_per_update(state: State, role: Role) -> float:
    """Return how many real images are shown for each update of a player, on average so far.

    What an earlier run did with other batches or other numbers of steps does not count.
    """
    updates = state.updates[role] - state.other_pace.updates[role]
    return (state.images_seen - state.other_pace.images) / updates
