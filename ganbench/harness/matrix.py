# SPDX-License-Identifier: MIT
"""A matrix of runs: models, sets of tricks, datasets, varied settings and seeds.

An ``Arm`` is what all seeds share, a ``Cell`` is one run. All that can be wrong with a matrix is
found before its first cell is trained, and all of it at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from ganbench import registry
from ganbench.config import RunConfig, TrickConfig, parse_trick
from ganbench.data import Source, open_dataset
from ganbench.errors import ConfigError, GanbenchError
from ganbench.evaluation.requests import Request
from ganbench.harness.plan import expand_setting, plan_for
from ganbench.harness.run import RunOptions
from ganbench.harness.run_metrics import wanted_metrics
from ganbench.records.labels import short
from ganbench.runtime.device import choose_device

T = TypeVar("T")

_PLAIN = "none"
"""The set of tricks that adds none to the model's own."""

Setting = tuple[tuple[str, Any], ...]


@dataclass(frozen=True, eq=False)
class Arm:
    """What all seeds of one combination share; ``config`` is that of no seed in particular."""

    model: str
    tricks: str
    dataset: str
    setting: Setting
    config: RunConfig
    stem: str

    @property
    def label(self) -> str:
        """What is compared: the model, the tricks added to it, and the varied settings."""
        first = self.model if self.tricks == _PLAIN else f"{self.model} + {self.tricks}"
        return ", ".join([first, *(f"{key}={short(value)}" for key, value in self.setting)])


@dataclass(frozen=True)
class Cell:
    """One run of a matrix: an arm with a seed. ``identity`` is that of the run."""

    arm: Arm
    seed: int
    identity: str

    @property
    def config(self) -> RunConfig:
        """What the run is."""
        return self.arm.config.model_copy(update={"seed": self.seed})

    @property
    def name(self) -> str:
        """The name of the run's folder."""
        return f"{self.arm.stem}{self.seed}-{self.identity[:8]}"

    @property
    def label(self) -> str:
        """The cell in words."""
        return f"{self.arm.label} on {self.arm.dataset}, seed {self.seed}"

    @property
    def axes(self) -> dict[str, Any]:
        """Where the cell stands on each axis; ``vary`` is there where a setting is varied."""
        arm = self.arm
        axes = {"model": arm.model, "tricks": arm.tricks, "dataset": arm.dataset, "seed": self.seed}
        return {**axes, "vary": dict(arm.setting)} if arm.setting else axes


@dataclass(frozen=True)
class Problem:
    """Something wrong with a matrix, and the word by which its place in a suite file is found."""

    error: GanbenchError
    where: str


class MatrixError(ConfigError):
    """All that is wrong with a matrix, in one error."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        lines = [f"  {one.error.message} {one.error.hint}".rstrip() for one in problems]
        super().__init__("\n".join([f"The matrix has {len(problems)} mistakes:", *lines]))


def parse_trick_sets(text: str) -> list[str]:
    """Split sets of tricks at commas: ``none,r1,r1:weight=1,every=4+ema`` are four.

    A part that only assigns a value belongs to the trick before it.

    >>> parse_trick_sets("none,r1:weight=1,every=4+ema")
    ['none', 'r1:weight=1,every=4+ema']
    """
    parts: list[str] = []
    for part in filter(None, (one.strip() for one in text.split(","))):
        if parts and "=" in part and ":" not in part.split("=")[0]:
            parts[-1] += f",{part}"
        else:
            parts.append(part)
    if not parts:
        raise ConfigError("No set of tricks is given.", "For example: --tricks none,r1,r1+ema")
    return parts


def parse_trick_set(text: str) -> list[TrickConfig]:
    """Read one set of tricks, joined by plus signs; ``none`` is the empty one."""
    return [] if text == _PLAIN else [parse_trick(one) for one in text.split("+")]


def plan_matrix(
    models: Sequence[str],
    trick_sets: Sequence[str],
    datasets: Sequence[str],
    seeds: Sequence[int],
    *,
    settings: Mapping[str, Any],
    vary: Mapping[str, Sequence[Any]] | None = None,
    open_source: Callable[[str], Source] = open_dataset,
) -> list[Cell]:
    """Resolve every cell; cells that resolve to one and the same run are an error.

    ``settings`` hold for all, ``vary`` gives further axes; the keys of both are those of
    ``expand_setting``.

    Raises:
        GanbenchError: what is wrong, if it is one thing.
        MatrixError: all that is wrong, if it is more.
    """
    arms, problems = _arms(models, trick_sets, datasets, settings, vary or {}, open_source)
    cells = [
        Cell(arm, seed, identity)
        for arm in arms
        for seed, identity in zip(seeds, arm.config.identities(seeds), strict=True)
    ]
    problems += _twice(cells)
    if len(problems) == 1:
        raise problems[0].error
    if problems:
        raise MatrixError(problems)
    return cells


def _arms(
    models: Sequence[str],
    trick_sets: Sequence[str],
    datasets: Sequence[str],
    settings: Mapping[str, Any],
    vary: Mapping[str, Sequence[Any]],
    open_source: Callable[[str], Source],
) -> tuple[list[Arm], list[Problem]]:
    """Return the arms that can be planned, and what is wrong with the others, each once."""
    problems = _Problems()
    good_models = [
        one for one in models if problems.unless(partial(registry.models.entry, one), one)
    ]
    sources = problems.each(open_source, datasets)
    sets = problems.each(_known_tricks, trick_sets)
    settings = {
        key: value
        for pair in settings.items()
        for key, value in (problems.unless(partial(expand_setting, *pair), pair[0]) or {}).items()
    }
    known = {key for key in vary if problems.unless(partial(expand_setting, key, None), key)}
    grid = list(_grid({key: values for key, values in vary.items() if key in known}))
    arms = []
    for (dataset, source), model in itertools.product(sources.items(), good_models):
        make = partial(plan_for, source, dataset, model)
        if problems.unless(partial(make, (), settings), model) is None:
            continue  # what is wrong without tricks and varied settings is wrong with them
        for setting in grid:
            varied = {**settings, **_resolved(setting)}
            if setting and problems.unless(partial(make, (), varied), setting[0][0]) is None:
                continue
            for name, tricks in sets.items():
                plan = problems.unless(partial(make, tricks, varied), name)
                if plan is not None:
                    stem = plan.variant_stem
                    arms.append(Arm(model, name, dataset, setting, plan.config, stem))
    return arms, problems.found


class _Problems:
    """Gathers what is wrong, each thing once, while the rest is tried."""

    def __init__(self) -> None:
        self._found: dict[str, Problem] = {}

    @property
    def found(self) -> list[Problem]:
        return list(self._found.values())

    def unless(self, make: Callable[[], T], where: str) -> T | None:
        """Return what is made, or note the error and return None."""
        try:
            return make()
        except GanbenchError as error:
            self._found.setdefault(error.message, Problem(error, where))
            return None

    def each(self, make: Callable[[str], T], names: Iterable[str]) -> dict[str, T]:
        """Return what can be made of each name."""
        made = {name: self.unless(partial(make, name), name) for name in names}
        return {name: one for name, one in made.items() if one is not None}


def _known_tricks(text: str) -> list[TrickConfig]:
    """Read a set of tricks all of whose names are known."""
    tricks = parse_trick_set(text)
    for trick in tricks:
        registry.tricks.entry(trick.name)
    return tricks


def _resolved(point: Setting) -> dict[str, Any]:
    """Return a point of the grid by dotted keys."""
    return {key: value for pair in point for key, value in expand_setting(*pair).items()}


def _grid(vary: Mapping[str, Sequence[Any]]) -> Iterator[Setting]:
    """Yield every combination of varied settings; one empty one where nothing is varied."""
    for values in itertools.product(*vary.values()):
        yield tuple(zip(vary, values, strict=True))


def _twice(cells: Sequence[Cell]) -> list[Problem]:
    """Return a problem for each pair of arms that are the same run."""
    seen: dict[str, Cell] = {}
    found: dict[tuple[str, str], Problem] = {}
    for cell in cells:
        same = seen.setdefault(cell.identity, cell)
        if same is not cell:
            error = ConfigError(
                f"'{same.arm.label}' and '{cell.arm.label}' are the same run on "
                f"{cell.arm.dataset}.",
                "Take one of them away.",
            )
            place = cell.arm.tricks if cell.arm.tricks != _PLAIN else cell.arm.model
            found.setdefault((same.arm.label, cell.arm.label), Problem(error, place))
    return list(found.values())


def check_options(cells: Sequence[Cell], options: RunOptions) -> dict[str, Sequence[Request]]:
    """Find what would make every cell fail before the first one is trained.

    Returns what is to be measured, by dataset.

    Raises:
        GanbenchError: a device or a metric that cannot be used.
    """
    choose_device(options.device)
    datasets = dict.fromkeys(cell.arm.dataset for cell in cells)
    return {name: wanted_metrics(options.open(name).spec, options.metrics) for name in datasets}
