# SPDX-License-Identifier: MIT
"""What a session is to train next, from what the page asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ganbench.data import Source, open_dataset
from ganbench.errors import ConfigError
from ganbench.lab.lab_recipe import CHANGEABLE, OWN_POINTS, LabRecipe
from ganbench.lab.lesson_files import lesson
from ganbench.lab.segments import Segment, Segments


@dataclass(frozen=True)
class Order:
    """What to train next: a recipe from the start, a change of the run, or a fork from a frame."""

    recipe: LabRecipe
    source: Source | None = None
    """Data of the page's own."""
    change: str = ""
    """The change in words, where it is one."""
    frame: int | None = None
    """The frame to fork from, where it is a fork."""


class Orders:
    """Makes orders, and refuses those that could not be carried out.

    Args:
        segments: Carries them out.
    """

    def __init__(self, segments: Segments) -> None:
        self.known: set[str] = {OWN_POINTS}
        """What the page may name besides what is registered."""
        self._segments = segments
        self._own: Source | None = None
        """The page's own points, drawn or read last."""

    def from_the_start(self, message: Mapping[str, Any], recipe: LabRecipe) -> Order:
        """Return the order of ``start``, ``data``, or ``reset``, which trains a recipe again.

        Raises:
            GanbenchError: It could not begin; what is trained now goes on.
        """
        own = self._own
        if message["kind"] == "data":
            own = open_dataset(np.array(message["points"], np.float32))
            recipe = replace(recipe, dataset=OWN_POINTS)
        elif message["kind"] == "start":
            recipe = self._started(message)
        order = Order(recipe, _source_of(recipe, own))
        self._segments.check_begin(order.recipe, order.source)
        self._own = own
        return order

    def change(
        self, key: str, value: Any, *, recipe: LabRecipe, segment: Segment, earlier: Order | None
    ) -> Order:
        """Return the order of a change.

        Args:
            key: The setting, in dots.
            value: Its new value.
            recipe: What is trained, or was ordered last.
            segment: The run that goes on.
            earlier: An order that has not been carried out yet.

        Raises:
            GanbenchError: It cannot be made while the run goes on.
        """
        if key not in CHANGEABLE:
            raise ConfigError(
                f"{key} cannot change while a run goes on.", "Start again with another recipe."
            )
        recipe = recipe.changed(key, value)
        recipe.require_registered(self.known)
        self._segments.check_change(segment, recipe)
        if earlier is not None and not earlier.change and earlier.frame is None:
            return replace(earlier, recipe=recipe)  # another run is about to begin
        shown = (" ".join(value) or "none") if isinstance(value, list) else value
        change = f"{key} = {shown}"
        if earlier is not None and earlier.change:
            change = f"{earlier.change}, {change}"
        return Order(recipe, _source_of(recipe, self._own), change=change)

    def _started(self, message: Mapping[str, Any]) -> LabRecipe:
        """Return the recipe that the page starts: a lesson's, or one of registered names."""
        if "lesson" in message:
            return lesson(message["lesson"]).recipe
        text = message.get("toml")
        recipe = LabRecipe.read(message["recipe"]) if text is None else LabRecipe.parse(text)
        recipe.require_registered(self.known)
        return recipe


def _source_of(recipe: LabRecipe, own: Source | None) -> Source | None:
    """Return data of the page's own, if a recipe is for them.

    Raises:
        ConfigError: There are none.
    """
    if recipe.dataset != OWN_POINTS:
        return None
    if own is None:
        raise ConfigError("This lab has no points of your own.", "Draw them, or open a file.")
    return own
