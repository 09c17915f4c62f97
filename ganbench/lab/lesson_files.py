# SPDX-License-Identifier: MIT
"""The lessons: recipes with a title and a text, each known to show what it says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ganbench.errors import UnknownNameError, suggest
from ganbench.lab.lab_recipe import LabRecipe
from ganbench.typed_values import read_toml

LESSONS_FOLDER = Path(__file__).parent / "lessons"


@dataclass(frozen=True)
class Lesson:
    """A recipe, and what one can see with it."""

    name: str
    title: str
    text: str
    points_to: tuple[str, ...]
    """The parts of the page to look at: heat, arrows, grid, modes, losses, …"""
    recipe: LabRecipe
    order: float

    def card(self) -> dict[str, object]:
        """Return what the page shows of it."""
        return {
            "name": self.name,
            "title": self.title,
            "text": self.text,
            "points_to": list(self.points_to),
            "recipe": self.recipe.values(),
        }


def lessons() -> list[Lesson]:
    """Return all lessons, in the order in which they are learned."""
    return sorted(map(_read, LESSONS_FOLDER.glob("*.toml")), key=lambda read: read.order)


def lesson(name: str) -> Lesson:
    """Return the lesson of a name.

    Raises:
        UnknownNameError: There is none.
    """
    known = {path.stem: path for path in sorted(LESSONS_FOLDER.glob("*.toml"))}
    if name not in known:
        raise UnknownNameError(
            f"There is no lesson '{name[:80]}'. {suggest(name, known)}".strip(),
            f"There are: {', '.join(known)}.",
        )
    return _read(known[name])


def _read(path: Path) -> Lesson:
    values = read_toml(path)
    return Lesson(
        name=path.stem,
        title=str(values["title"]),
        text=" ".join(str(values["text"]).split()),
        points_to=tuple(map(str, values["points_to"])),
        recipe=LabRecipe.read(values),
        order=float(values["order"]),
    )
