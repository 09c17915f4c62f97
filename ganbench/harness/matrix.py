# SPDX-License-Identifier: MIT
"""A matrix of runs: models, sets of tricks, datasets, varied settings and seeds.

An ``Arm`` is what all seeds share; a ``Cell`` is one run. All mistakes in a matrix are found at
once, before its first cell is trained.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import torch

from ganbench import registry
from ganbench.config import RunConfig, TrickConfig, join_words, parse_trick
from ganbench.data import Source, open_dataset
from ganbench.errors import ConfigError, GanbenchError
from ganbench.harness.plan import RunPlan, expand_setting, plan_for
from ganbench.records.labels import short

T = TypeVar("T")

_PLAIN = "none"
"""The set that adds no tricks to the model's own."""

Setting = tuple[tuple[str, Any], ...]
"""Varied keys with their values."""


@dataclass(frozen=True, eq=False)
class Arm:
    """A combination that all its seeds share; the seed of ``config`` means nothing."""

    model: str
    tricks: str
    dataset: str
    setting: Setting
    config: RunConfig
    stem: str
    notices: tuple[str, ...] = ()
    """What a user must know of how the dataset was read, in sentences."""

    @property
    def label(self) -> str:
        """The arm in words: the model, the tricks added to it, and the varied settings."""
        first = self.model if self.tricks == _PLAIN else f"{self.model} + {self.tricks}"
        return ", ".join([first, *(f"{key}={short(value)}" for key, value in self.setting)])


@dataclass(frozen=True)
class Cell:
    """One run of a matrix: an arm with a seed, and the identity of the run."""

    arm: Arm
    seed: int
    identity: str

    @property
    def config(self) -> RunConfig:
        """The configuration of the run."""
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
        """Where the cell stands on each axis; ``vary`` is an axis if a setting is varied."""
        arm = self.arm
        axes = {"model": arm.model, "tricks": arm.tricks, "dataset": arm.dataset, "seed": self.seed}
        return {**axes, "vary": dict(arm.setting)} if arm.setting else axes


@dataclass(frozen=True)
class Problem:
    """A mistake in a matrix, and the word by which its line in a suite file is found."""

    error: GanbenchError
    where: str


class MatrixError(ConfigError):
    """All mistakes in a matrix, in one error."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        errors = [problem.error for problem in problems]
        lines = [f"  {error.message} {error.hint}".rstrip() for error in errors]
        super().__init__("\n".join([f"The matrix has {len(problems)} mistakes:", *lines]))


def parse_trick_sets(text: str) -> list[str]:
    """Split sets of tricks at commas: ``none,r1,r1:weight=1,every=4+ema`` are four.

    A part that only assigns a value belongs to the trick before it.

    >>> parse_trick_sets("none,r1:weight=1,every=4+ema")
    ['none', 'r1:weight=1,every=4+ema']
    """
    parts: list[str] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        if parts and "=" in part and ":" not in part.split("=")[0]:
            parts[-1] += f",{part}"
        else:
            parts.append(part)
    if not parts:
        raise ConfigError("No set of tricks is given.", "For example: --tricks none,r1,r1+ema")
    return parts


def parse_trick_set(text: str) -> list[TrickConfig]:
    """Read one set of tricks, joined by plus signs; ``none`` is the empty set."""
    return [] if text == _PLAIN else [parse_trick(part) for part in text.split("+")]


def baseline_arms(arms: Sequence[Arm], baseline: str) -> list[Arm]:
    """Return the arms that the name of a baseline stands for; none if it names none.

    The name is a set of tricks, otherwise the label of an arm, otherwise a model, which stands
    for its first arm on each dataset that adds no tricks to it.
    """
    of_tricks = [arm for arm in arms if arm.tricks == baseline]
    of_label = [arm for arm in arms if arm.label == baseline]
    of_model = {
        arm.dataset: arm for arm in reversed(arms) if arm.model == baseline and arm.tricks == _PLAIN
    }
    return of_tricks or of_label or list(of_model.values())


def baselines(arms: Sequence[Arm]) -> list[str]:
    """Return all names that a baseline may have."""
    names = [name for arm in arms for name in (arm.tricks, arm.label, arm.model)]
    return [name for name in dict.fromkeys(names) if baseline_arms(arms, name)]


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
    """Resolve every cell; two cells that are the same run are an error.

    Args:
        models: names or files of GANs.
        trick_sets: sets of tricks as ``parse_trick_set`` reads them.
        datasets: names, folders or files.
        seeds: of each arm.
        settings: of all cells, by keys of ``expand_setting``.
        vary: further axes, by keys of ``expand_setting``.
        open_source: opens a dataset by its name.

    Raises:
        GanbenchError: the mistake, if there is one.
        MatrixError: all mistakes, if there are several.
    """
    arms, problems = _arms(models, trick_sets, datasets, settings, vary or {}, open_source)
    problems += _clashes(settings, vary or {})
    cells = [
        Cell(arm, seed, identity)
        for arm in arms
        for seed, identity in zip(seeds, arm.config.identities(seeds), strict=True)
    ]
    problems += _same_runs(cells)
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
    """Return the arms that can be planned, and the mistakes in the others, each once."""
    problems = _Problems()
    entries = problems.each(registry.models.entry, models)
    known_models = [model for model in models if model in entries]  # one twice is a mistake, too
    sources = problems.each(open_source, datasets)
    sets = problems.each(parse_trick_set, trick_sets)  # a name may be that of a model's own trick
    settings = _known_settings(settings, problems)
    known_axes = problems.each(partial(_expand_shared, value=None), vary)
    grid = list(_grid({key: vary[key] for key in known_axes}))
    combinations = list(itertools.product(sources.items(), known_models))
    arms = []
    for ((dataset, source), model), setting in itertools.product(combinations, grid):
        make = partial(plan_for, source, dataset, model)
        varied = {**settings, **_resolved(setting)}
        plainer = {model: partial(make, (), settings)}
        plainer |= {key: partial(make, (), varied) for key, _ in setting[:1]}
        for name, tricks in sets.items():
            plan = problems.unless(partial(_buildable, make, tricks, varied), name, plainer)
            if plan is not None:
                stem = plan.variant_stem
                arms.append(Arm(model, name, dataset, setting, plan.config, stem, source.notices))
    if not arms and all(
        _mistake(partial(plan_for, source, dataset, model, (), settings))
        for (dataset, source), model in combinations
    ):  # otherwise, planning finds the tricks that are unknown
        problems.each(_check_names, sets)
    return arms, problems.gathered


def _buildable(
    make: Callable[..., RunPlan], tricks: Sequence[TrickConfig], settings: Mapping[str, Any]
) -> RunPlan:
    """Return a plan whose networks can be built: some tricks refuse only what they find there."""
    plan = make(tricks, settings)
    plan.build(torch.device("cpu"))
    return plan


def _check_names(text: str) -> None:
    """Refuse a set of tricks with a name that no catalogue has."""
    for trick in parse_trick_set(text):
        registry.tricks.entry(trick.name)


def _known_settings(settings: Mapping[str, Any], problems: _Problems) -> dict[str, Any]:
    """Return settings by dotted key, without those that are unknown."""
    resolved: dict[str, Any] = {}
    for key, value in settings.items():
        resolved |= problems.unless(partial(_expand_shared, key, value), key) or {}
    return resolved


def _expand_shared(key: str, value: Any) -> dict[str, Any]:
    """Return the settings that a key stands for, which all seeds of an arm share.

    Raises:
        ConfigError: No setting has that key, or it is the seed, which is an axis by itself.
    """
    expanded = expand_setting(key, value)
    if "seed" in expanded:
        raise ConfigError(
            "'seed' is no setting of a matrix, whose seeds are an axis of their own.",
            "Name the seeds: --seeds 0-4, or seeds in a suite.",
        )
    return expanded


def _clashes(settings: Mapping[str, Any], vary: Mapping[str, Sequence[Any]]) -> list[Problem]:
    """Return a problem for each axis that varies what is set, or what an earlier axis varies."""
    problems = []
    axes = {key: _reach(key) for key in vary}
    for key, reach in axes.items():
        also_set = [other for other in settings if _overlap(reach, _reach(other))]
        if also_set:
            sentence = f"A matrix cannot both vary '{key}' and set {join_words(also_set)}."
            hint = "Leave one of them out; --vary takes the place of all axes of a suite."
            problems.append(Problem(ConfigError(sentence, hint), key))
    for one, other in itertools.combinations(axes, 2):
        if _overlap(axes[one], axes[other]):
            sentence = f"'{one}' and '{other}' vary the same setting."
            problems.append(Problem(ConfigError(sentence, "Leave one of them out."), other))
    return problems


def _reach(key: str) -> set[str]:
    """Return the dotted keys that a key sets; none if there is no such setting."""
    try:
        return set(expand_setting(key, None))
    except ConfigError:  # told by those who plan with it
        return set()


def _overlap(reach: set[str], other: set[str]) -> bool:
    """Tell whether two groups of dotted keys have a key in common, or a table with its key."""
    return any(
        f"{one}.".startswith(f"{two}.") or f"{two}.".startswith(f"{one}.")
        for one, two in itertools.product(reach, other)
    )


class _Problems:
    """Gathers mistakes, each once, while the rest of a matrix is tried."""

    def __init__(self) -> None:
        self._by_message: dict[str, Problem] = {}

    @property
    def gathered(self) -> list[Problem]:
        """All mistakes so far."""
        return list(self._by_message.values())

    def unless(
        self,
        make: Callable[[], T],
        where: str,
        plainer: Mapping[str, Callable[[], object]] | None = None,
    ) -> T | None:
        """Return the result of ``make``; if it raises an error, note that and return None.

        Args:
            make: What is tried.
            where: The word by which its mistakes are found.
            plainer: What is made with less, by the word by which mistakes are found that it has,
                too; the plainest comes first.
        """
        try:
            return make()
        except GanbenchError as error:
            if error.message not in self._by_message:
                words = (
                    word
                    for word, each in (plainer or {}).items()
                    if _mistake(each) == error.message
                )
                self._by_message[error.message] = Problem(error, next(words, where))
            return None

    def each(self, make: Callable[[str], T], names: Iterable[str]) -> dict[str, T]:
        """Return the results of ``make`` by name; names for which it raises are left out."""
        results = {name: self.unless(partial(make, name), name) for name in names}
        return {name: result for name, result in results.items() if result is not None}


def _mistake(make: Callable[[], object]) -> str:
    """Return the message of the error that ``make`` raises; nothing if it raises none."""
    try:
        make()
    except GanbenchError as error:
        return error.message
    return ""


def _resolved(setting: Setting) -> dict[str, Any]:
    """Return varied settings by dotted key."""
    resolved: dict[str, Any] = {}
    for key, value in setting:
        resolved |= expand_setting(key, value)
    return resolved


def _grid(vary: Mapping[str, Sequence[Any]]) -> Iterator[Setting]:
    """Yield every combination of varied settings; one empty combination if nothing is varied."""
    for values in itertools.product(*vary.values()):
        yield tuple(zip(vary, values, strict=True))


def _same_runs(cells: Sequence[Cell]) -> list[Problem]:
    """Return a problem for each pair of arms that are the same run."""
    seen: dict[str, Cell] = {}
    problems: dict[tuple[str, str], Problem] = {}
    for cell in cells:
        earlier = seen.setdefault(cell.identity, cell)
        if earlier is not cell:
            error = ConfigError(
                f"'{earlier.arm.label}' and '{cell.arm.label}' are the same run on "
                f"{cell.arm.dataset}.",
                "Remove one of them.",
            )
            where = cell.arm.tricks if cell.arm.tricks != _PLAIN else cell.arm.model
            problems.setdefault((earlier.arm.label, cell.arm.label), Problem(error, where))
    return list(problems.values())
