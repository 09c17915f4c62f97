# SPDX-License-Identifier: MIT
"""Suites: comparisons as TOML files. The bundled ones are in ``suites/``.

    title = "Which trick helps DCGAN on digits?"
    models = ["dcgan"]
    tricks = ["none", "r1", "r1:weight=0.1+ema"]
    datasets = ["mnist5k"]
    seeds = "0-4"
    threads = 1
    metric = "fid@mnist-cnn"   # the primary metric: verdicts on it are corrected for all tests

    [set]                      # any setting of --set, or a key of the recipe
    kimg = 40

    [vary]                     # further axes
    learning_rate = [1e-4, 2e-4, 1e-3]

All mistakes in a file are told at once, each with its line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from ganbench.config import Record
from ganbench.data import Source, open_dataset
from ganbench.errors import ConfigError, GanbenchError, UnknownNameError, suggest
from ganbench.harness.builtin_suites import builtin_suites
from ganbench.harness.matrix import Cell, MatrixError, Problem, plan_matrix
from ganbench.harness.plan import expand_setting
from ganbench.paths import expand
from ganbench.training.trainer import Schedule
from ganbench.typed_values import changed_settings, parse_seeds, read_toml


def _as_list(value: Any) -> Any:
    """Let a single name stand for a list."""
    return [value] if isinstance(value, str) else value


def _as_seeds(value: Any) -> Any:
    """Read seeds as ``compare --seeds`` does; a number stands for a list."""
    if not isinstance(value, str):
        return [value] if isinstance(value, int) else value
    try:
        return parse_seeds(value)
    except ConfigError as error:
        raise ValueError(error.message) from error


def _each_once(seeds: tuple[int, ...]) -> tuple[int, ...]:
    """Return seeds without those that are there before, as ``compare --seeds`` does."""
    return tuple(dict.fromkeys(seeds))


Axis = Annotated[tuple[Any, ...], Field(min_length=1)]
Names = Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Seeds = Annotated[
    tuple[Seed, ...], BeforeValidator(_as_seeds), AfterValidator(_each_once), Field(min_length=1)
]


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
    """The primary metric, which the verdicts are about; by default FID, KID or reverse KL."""
    samples: int | None = Field(default=None, ge=2)
    """The number of samples to measure; by default it follows published protocols."""
    real_split: str | None = None
    """The split of the data that metrics compare with; by default the one that is trained on."""
    evaluations: int | None = Field(default=None, ge=0)
    threads: int | None = Field(default=None, ge=1)
    search: str | None = None
    """``random:N`` or ``halving:N`` tries that many configurations of ``vary`` in place of all."""
    settings: dict[str, Any] = Field(default={}, alias="set")
    vary: dict[str, Annotated[Axis, BeforeValidator(_as_list)]] = Field(default={})

    @property
    def comparisons(self) -> int:
        """The number of comparisons with a baseline in the primary metric, on all datasets."""
        groups = len(self.models) * math.prod(map(len, self.vary.values()))
        several = len(self.tricks) > 1
        treatments = groups * (len(self.tricks) - 1) if several else groups - 1
        return treatments * len(self.datasets)

    @property
    def run_options(self) -> dict[str, Any]:
        """What the suite says of how its cells are carried out, as arguments of ``RunOptions``."""
        return {
            "threads": self.threads,
            "metrics": self.metrics,
            "samples": self.samples,
            "real_split": self.real_split,
            "schedule": Schedule(evaluations=self.evaluations),
        }

    def cells(self, open_source: Callable[[str], Source] = open_dataset) -> list[Cell]:
        """Resolve the matrix.

        Args:
            open_source: opens a dataset by its name.

        Raises:
            GanbenchError: all mistakes in it.
        """
        return plan_matrix(
            self.models,
            self.tricks,
            self.datasets,
            self.seeds,
            settings=self.settings,
            vary=self.vary,
            open_source=open_source,
        )


def make_suite(values: Mapping[str, Any]) -> Suite:
    """Return the suite of some keys, such as those of the command line; None is no value.

    Raises:
        ConfigError: The first thing that is wrong.
    """
    try:
        return Suite.model_validate(
            {key: value for key, value in values.items() if value is not None}
        )
    except ValidationError as error:
        raise _problem(error.errors()[0]).error from error


def find_suite(name: str) -> Path:
    """Return the file of a suite: a path, or the name of a bundled suite.

    Raises:
        UnknownNameError: there is no such file and no such suite.
    """
    path, known = expand(name), builtin_suites()
    if path.is_file():
        return path
    if path.suffix in {"", ".toml"} and path.stem in known:
        return known[path.stem]
    raise UnknownNameError(
        f"There is no suite '{name}'. {suggest(path.stem, known)}".strip(),
        f"There are: {', '.join(known)}; or name a file.toml.",
    )


class SuiteFile:
    """The file of a suite, which knows the line of each word."""

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

        Args:
            changes: values that replace keys of the file.
            settings: settings that are added to the file's, or replace them.

        Raises:
            ConfigError: unknown keys, empty axes, values of a wrong kind; all of them, by line.
        """
        values = {**self._values, **(changes or {})}
        table = values.get("set", {})
        if isinstance(table, dict):  # the validation below tells of anything else
            values["set"] = _resolved(changed_settings(dict(_flat(table)), settings or {}))
        try:
            return Suite.model_validate(values)
        except ValidationError as error:
            complaints = error.errors()
        problems = [_problem(complaint) for complaint in complaints]
        wrong_keys = {complaint["loc"][0] for complaint in complaints}
        rest = {key: value for key, value in values.items() if key not in wrong_keys}
        raise self._error([*problems, *self._further_problems(rest)])

    def _further_problems(self, rest: Mapping[str, Any]) -> list[Problem]:
        """Return the mistakes in the other keys of a file of which some keys are wrong."""
        try:
            Suite.model_validate({"models": (), **rest}).cells()
        except MatrixError as error:
            return list(error.problems)
        except GanbenchError as error:
            return [Problem(error, _quoted(error.message))]
        except ValidationError:  # no models: that mistake is known
            return []
        return []

    def cells(
        self, suite: Suite, open_source: Callable[[str], Source] = open_dataset
    ) -> list[Cell]:
        """Resolve the matrix of a suite that was read from this file.

        Args:
            suite: the result of ``read``.
            open_source: opens a dataset by its name.

        Raises:
            ConfigError: all mistakes in it, by line.
        """
        try:
            return suite.cells(open_source)
        except MatrixError as error:
            raise self._error(error.problems) from error
        except GanbenchError as error:
            raise type(error)(f"{self.path}: {error.message}", error.hint) from error

    def _error(self, problems: Sequence[Problem]) -> ConfigError:
        """Return all problems as one error, in the order of their lines."""
        by_line = sorted(
            ((self.line_of(problem.where) or 0, problem) for problem in problems),
            key=lambda pair: pair[0],
        )
        sentences = []
        for line, problem in by_line:
            parts = [f"line {line}:" if line else "", problem.error.message, _hint(problem)]
            sentences.append(" ".join(filter(None, parts)))
        if len(sentences) == 1:
            return ConfigError(f"{self.path}, {sentences[0]}")
        return ConfigError("\n  ".join([f"{self.path} has {len(sentences)} mistakes:", *sentences]))

    def line_of(self, word: str) -> int | None:
        """Return the first line that assigns to a key, opens a table, or quotes a value."""
        escaped = re.escape(word)
        whole = re.compile(rf"""^\s*\[?\s*["']?{escaped}["']?\s*(?:=|\])|["']{escaped}["']""")
        last_part = re.compile(rf"\b{re.escape(word.rpartition('.')[2])}\b")
        lines = self._text.splitlines()
        for pattern in (whole, last_part):
            for number, line in enumerate(lines, 1):
                if pattern.search(line.partition(" #")[0]):
                    return number
        return None


def _quoted(message: str) -> str:
    """Return the first word that a message quotes."""
    match = re.search(r"'([^']+)'", message)
    return match[1] if match else message


def _hint(problem: Problem) -> str:
    """Return the hint of a problem, unless it only lists names."""
    return "" if problem.error.hint.startswith("There are:") else problem.error.hint


def _resolved(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings by dotted key, so that of two spellings of a key the later one counts."""
    resolved: dict[str, Any] = {}
    for key, value in settings.items():
        try:
            resolved |= expand_setting(key, value)
        except ConfigError:
            resolved[key] = value  # told together with all other mistakes
    return resolved


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield nested tables by dotted key."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _problem(error: Any) -> Problem:
    """Return a complaint of the validation as a sentence, with the key that it is about."""
    keys = [part for part in error["loc"] if isinstance(part, str)]
    key = keys[-1] if keys else ""
    if error["type"] == "extra_forbidden":
        known = [field.alias or name for name, field in Suite.model_fields.items()]
        return Problem(ConfigError(f"Unknown key '{key}'. {suggest(key, known)}".strip()), key)
    if error["type"] == "missing":
        return Problem(ConfigError(f"'{key}' is missing; name at least one."), key)
    if error["type"] == "too_short":
        return Problem(ConfigError(f"'{key}' is empty; name at least one."), key)
    message = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    if error["type"] == "value_error":  # its sentence quotes the value
        return Problem(ConfigError(f"{key}: {message}."), key)
    return Problem(ConfigError(f"{key}: {message}, not {error.get('input')!r}."), key)
