# SPDX-License-Identifier: MIT
"""Suites: comparisons as TOML files. Those that come with ganbench lie in ``suites/``.

    title = "Which trick helps DCGAN on digits?"
    models = ["dcgan"]
    tricks = ["none", "r1", "r1:weight=0.1+ema"]
    datasets = ["mnist5k"]
    seeds = "0-4"
    threads = 1

    [set]                      # any setting, as --set has it, or a key of the recipe
    kimg = 40

    [vary]                     # a further axis each
    learning_rate = [1e-4, 2e-4, 1e-3]

All that is wrong with a file is said at once, each mistake with its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from ganbench.config import Record, parse_seeds, read_toml
from ganbench.data import open_dataset
from ganbench.errors import ConfigError, GanbenchError, UnknownNameError, suggest
from ganbench.harness.builtin_suites import builtin_suites
from ganbench.harness.matrix import Cell, MatrixError, Problem, plan_matrix
from ganbench.harness.plan import expand_setting


def _several(value: Any) -> Any:
    """Let one name stand for a list of one."""
    return [value] if isinstance(value, str) else value


def _numbers(value: Any) -> Any:
    """Read seeds as ``compare --seeds`` does, or as a list of numbers."""
    if not isinstance(value, str):
        return [value] if isinstance(value, int) else value
    try:
        return parse_seeds(value)
    except ConfigError as error:
        raise ValueError(error.message) from error


Axis = Annotated[tuple[Any, ...], Field(min_length=1)]
Names = Annotated[tuple[str, ...], BeforeValidator(_several), Field(min_length=1)]
Seeds = Annotated[tuple[int, ...], BeforeValidator(_numbers), Field(min_length=1)]


class Suite(Record):
    """A comparison: its axes, and how its cells are carried out and judged."""

    title: str = ""
    models: Names
    tricks: Names = ("none",)
    datasets: Names = ("mnist5k",)
    seeds: Seeds = (0, 1, 2)
    baseline: str | None = None
    metrics: Names | None = None
    metric: str | None = None
    """The metric that the verdicts are about."""
    evaluations: int | None = Field(default=None, ge=0)
    threads: int | None = Field(default=None, ge=1)
    settings: dict[str, Any] = Field(default={}, alias="set")
    vary: dict[str, Axis] = Field(default={})

    def cells(self, data_root: Path | None = None) -> list[Cell]:
        """Resolve the matrix.

        Raises:
            GanbenchError: what is wrong with it, all at once.
        """
        return plan_matrix(
            self.models,
            self.tricks,
            self.datasets,
            self.seeds,
            settings=self.settings,
            vary=self.vary,
            open_source=partial(open_dataset, root=data_root),
        )


def find_suite(name: str) -> Path:
    """Return the file of a suite: a path, or the name of one that comes with ganbench.

    Raises:
        UnknownNameError: there is neither.
    """
    path, known = Path(name).expanduser(), builtin_suites()
    if path.is_file():
        return path
    if path.suffix in {"", ".toml"} and path.stem in known:
        return known[path.stem]
    raise UnknownNameError(
        f"There is no suite '{name}'. {suggest(path.stem, known)}".strip(),
        f"There are: {', '.join(known)}; or name a file.toml.",
    )


class SuiteFile:
    """A suite as it is written: what it says, and on which line it says it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._values = read_toml(path)
        self._text = path.read_text(encoding="utf-8")

    def read(
        self,
        changes: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> Suite:
        """Return the suite, with some of its keys replaced and some settings added.

        Raises:
            ConfigError: unknown keys, empty axes, values of a wrong kind; all of them, by line.
        """
        values = {**self._values, **(changes or {})}
        own = values.get("set", {})
        if isinstance(own, dict):  # what is none is found out below
            values["set"] = _resolved({**dict(_flat(own)), **(settings or {})})
        try:
            return Suite.model_validate(values)
        except ValidationError as error:
            complaints = error.errors()
        problems = [_problem(one) for one in complaints]
        wrong = {one["loc"][0] for one in complaints}
        problems += self._further({key: values[key] for key in values if key not in wrong})
        raise self._error(problems)

    def _further(self, rest: Mapping[str, Any]) -> list[Problem]:
        """Return what is wrong with the rest of a file of which some keys are."""
        try:
            Suite.model_validate({"models": (), **rest}).cells()
        except MatrixError as error:
            return list(error.problems)
        except GanbenchError as error:
            return [Problem(error, _quoted(error.message))]
        except ValidationError:  # no models: what is wrong with that is said already
            return []
        return []

    def cells(self, suite: Suite, data_root: Path | None = None) -> list[Cell]:
        """Resolve the matrix of the suite.

        Raises:
            ConfigError: all that is wrong with it, by line.
        """
        try:
            return suite.cells(data_root)
        except MatrixError as error:
            raise self._error(error.problems) from error
        except GanbenchError as error:
            raise type(error)(f"{self.path}: {error.message}", error.hint) from error

    def _error(self, problems: Sequence[Problem]) -> ConfigError:
        """Return all problems as one error, in the order of their lines."""
        placed = sorted(
            ((self.line_of(one.where) or 0, one) for one in problems), key=lambda pair: pair[0]
        )
        lines = [
            " ".join(filter(None, [f"line {line}:" if line else "", one.error.message, _hint(one)]))
            for line, one in placed
        ]
        if len(lines) == 1:
            return ConfigError(f"{self.path}, {lines[0]}")
        return ConfigError("\n  ".join([f"{self.path} has {len(lines)} mistakes:", *lines]))

    def line_of(self, word: str) -> int | None:
        """Return the first line that assigns to a key, opens a table, or quotes a value."""
        key = re.escape(word)
        own = re.compile(rf"""^\s*\[?\s*["']?{key}["']?\s*(?:=|\])|["']{key}["']""")
        last = re.compile(rf"\b{re.escape(word.rpartition('.')[2])}\b")
        lines = self._text.splitlines()
        for pattern in (own, last):
            for number, line in enumerate(lines, 1):
                if pattern.search(line.partition(" #")[0]):
                    return number
        return None


def _quoted(message: str) -> str:
    """Return the first word that a message quotes."""
    found = re.search(r"'([^']+)'", message)
    return found[1] if found else message


def _hint(problem: Problem) -> str:
    """Return what to do about a problem, if its message does not say so."""
    return "" if problem.error.hint.startswith("There are:") else problem.error.hint


def _resolved(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings under one name each, so that of two spellings the later counts."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        try:
            found |= expand_setting(key, value)
        except ConfigError:
            found[key] = value  # said with all that is wrong
    return found


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield nested tables by dotted key."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _problem(error: Any) -> Problem:
    """Turn one complaint of the validation into a sentence and the key that it is about."""
    keys = [part for part in error["loc"] if isinstance(part, str)]
    key = keys[-1] if keys else ""
    if error["type"] == "extra_forbidden":
        known = [one.alias or name for name, one in Suite.model_fields.items()]
        return Problem(ConfigError(f"Unknown key '{key}'. {suggest(key, known)}".strip()), key)
    if error["type"] == "missing":
        return Problem(ConfigError(f"'{key}' is missing; name at least one."), key)
    if error["type"] == "too_short":
        return Problem(ConfigError(f"'{key}' is empty; name at least one."), key)
    message = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    given = error.get("input")
    return Problem(ConfigError(f"{key}: {message}, not {given!r}."), key)
