# SPDX-License-Identifier: MIT
"""What a lab trains, as data: a recipe that TOML, the command line and Python can all repeat."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ganbench import registry
from ganbench.config import parse_trick
from ganbench.errors import ConfigError, suggest
from ganbench.typed_values import changed_settings, parse_toml

TRICKS = "tricks"
"""The key under which the tricks of a running lab are changed, all at once."""

OWN_POINTS = "own-points"
"""The name of data that were drawn on the page, or read there from a file."""

CHANGEABLE = (
    "recipe.generator_optimizer.learning_rate",
    "recipe.discriminator_optimizer.learning_rate",
    "recipe.discriminator_steps",
    "recipe.generator_steps",
    "loss",
    TRICKS,
)
"""The settings that may change while a run goes on; any other starts a new one."""

_KEYS = ("model", "dataset", TRICKS, "seed", "set")
_NOTES = ("title", "text", "points_to", "order")
_PLAIN = re.compile(r"[\w @.:,=+>-]*")
"""What the page may send as text: no path has only such characters and is no name."""

_MOST_SETTINGS = 100
_MOST_TEXT = 200


@dataclass(frozen=True)
class LabRecipe:
    """A model on a dataset, with tricks as they are written on the command line, and settings."""

    model: str = "vanilla"
    dataset: str = "ring8"
    tricks: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Values by the dotted keys that ``--set`` takes."""
    seed: int = 0

    @staticmethod
    def read(values: Mapping[str, Any]) -> LabRecipe:
        """Return the recipe of plain values, as TOML and the page give them.

        Raises:
            ConfigError: A key is unknown, or a value is of another type.
        """
        for key in values:
            if key not in (*_KEYS, *_NOTES):
                near = suggest(str(key), _KEYS)
                raise ConfigError(f"Unknown key '{key}' in the recipe. {near}".strip())
        tricks, settings = values.get(TRICKS, ()), values.get("set", {})
        if not isinstance(settings, Mapping):
            raise ConfigError("'set' is a table of settings: set.kimg = 200")
        flat = dict(_flat(settings))
        seed = flat.pop("seed", values.get("seed", 0))
        if not isinstance(tricks, list | tuple) or not all(
            isinstance(name, str) for name in tricks
        ):
            raise ConfigError('\'tricks\' is a list of texts: tricks = ["ema", "r1:weight=0.1"]')
        if not isinstance(seed, int) or isinstance(seed, bool):
            raise ConfigError(f"'seed' is a whole number, not {seed!r}.")
        names = {key: values.get(key, getattr(_DEFAULT, key)) for key in ("model", "dataset")}
        for key, name in names.items():
            if not isinstance(name, str):
                raise ConfigError(f"'{key}' is the name of a {key}, not {name!r}.")
        return LabRecipe(**names, tricks=tuple(tricks), settings=flat, seed=seed)

    @staticmethod
    def parse(text: str) -> LabRecipe:
        """Return the recipe of a TOML text.

        Raises:
            ConfigError: It is no TOML, or no recipe.
        """
        try:
            return LabRecipe.read(parse_toml(text))
        except ValueError as error:
            raise ConfigError(f"The recipe is no TOML: {error}.") from error

    def changed(self, key: str, value: Any) -> LabRecipe:
        """Return a copy with a setting replaced; ``tricks`` replaces them all."""
        if key == TRICKS:
            return replace(self, tricks=LabRecipe.read({TRICKS: value}).tricks)
        return replace(self, settings=changed_settings(self.settings, {key: value}))

    def values(self) -> dict[str, Any]:
        """Return the recipe as plain values, which ``read`` takes."""
        return {
            "model": self.model,
            "dataset": self.dataset,
            TRICKS: list(self.tricks),
            "seed": self.seed,
            "set": dict(self.settings),
        }

    def toml(self) -> str:
        """Return the recipe as TOML."""
        lines = [f"{key} = {_toml(value)}" for key, value in self.values().items() if key != "set"]
        if self.settings:
            lines += ["", "[set]"]
            lines += [f'"{key}" = {_toml(value)}' for key, value in self.settings.items()]
        return "\n".join(lines) + "\n"

    def command(self, threads: int | None = None) -> str:
        """Return the command that makes the same run."""
        words = ["ganbench", "run", "--model", self.model, "--dataset", self.dataset]
        for trick in self.tricks:
            words += ["--trick", trick]
        for key, value in self.settings.items():
            text = value if isinstance(value, str) else _toml(value)
            words += ["--set", f"{key}={text}"]
        words += ["--seed", str(self.seed)]
        if threads is not None:
            words += ["--threads", str(threads)]
        return shlex.join(words)

    def python(self, threads: int | None = None) -> str:
        """Return the Python that makes the same run."""
        arguments = [f"{self.model!r}", f"{self.dataset!r}"]
        if self.tricks:
            arguments.append(f"tricks={list(self.tricks)!r}")
        if self.settings:
            arguments.append(f"settings={dict(self.settings)!r}")
        arguments.append(f"seed={self.seed}")
        if threads is not None:
            arguments.append(f"threads={threads}")
        lines = "".join(f"    {argument},\n" for argument in arguments)
        return f"import ganbench\n\nrun = ganbench.run(\n{lines})\n"

    def require_registered(self, known: Collection[str] = ()) -> None:
        """Refuse everything that is not a name of the registries: paths, files, code.

        Args:
            known: Texts that are allowed all the same, because the user's own command has them.

        Raises:
            ConfigError: A name is unknown, or a text could be something else than a name.
        """
        from ganbench.data.dataset_names import is_path, parse_dataset_name  # which loads torch

        if len(self.settings) > _MOST_SETTINGS or len(self.tricks) > _MOST_SETTINGS:
            raise ConfigError(f"A recipe has at most {_MOST_SETTINGS} settings and tricks.")
        for text in texts_in(self.values()):
            if text in known:
                continue
            if len(text) > _MOST_TEXT or not _PLAIN.fullmatch(text) or ".py" in text:
                raise ConfigError(f"The page may name registered things only, not {text[:80]!r}.")
        if self.dataset not in known:
            dataset = parse_dataset_name(self.dataset)
            if is_path(dataset.name):
                raise ConfigError(f"The page may name registered data only, not {self.dataset!r}.")
            registry.datasets.entry(dataset.name)
        if self.model not in known:
            registry.models.entry(self.model)
        for trick in self.tricks:
            if trick not in known:
                registry.tricks.entry(parse_trick(trick).name)


_DEFAULT = LabRecipe()


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield settings by their dotted keys."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def texts_in(value: Any) -> Iterator[str]:
    """Yield every text in plain values, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from texts_in(key)
            yield from texts_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts_in(inner)


def _toml(value: Any) -> str:
    """Return a plain value as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return repr(value)
