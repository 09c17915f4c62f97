# SPDX-License-Identifier: MIT
"""Searches over varied settings: random, or by successive halving, with a budget known before.

The protocol is that of "Are GANs Created Equal?" (Lucic et al., 2018, arXiv:1711.10337): each
combination of model, tricks and dataset gets the same configurations, each configuration the same
seeds. The best one by the primary metric is then trained on fresh seeds, because the values that
it was chosen by are better than it is. Successive halving (Jamieson & Talwalkar, 2016,
arXiv:1502.07943) trains many configurations for a short time, and the best third of them for three
times as long, until the last ones are trained in full.

A search is made of cells like any other: those that are stored are not trained again, so a search
that was interrupted continues, and a larger one adds only its own cells.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from ganbench.data import Source
from ganbench.errors import ConfigError
from ganbench.harness.matrix import Cell, plan_matrix
from ganbench.harness.suite import Suite
from ganbench.records.json_values import as_mapping, as_number
from ganbench.records.labels import short
from ganbench.records.measurement import Better
from ganbench.typed_values import changed_settings

KEPT = 3
"""One in this many configurations goes on to the next rung."""

Configuration = dict[str, Any]
"""A value for each varied key."""

DRAWS_EACH = 100
"""How often it is drawn at random for each configuration, as the same one may come again."""

_RANGE = re.compile(r"\s*(\S+?)\s*\.\.\s*(\S+?)\s*")


@dataclass(frozen=True)
class Search:
    """How many configurations are tried, and whether all of them in full."""

    kind: Literal["random", "halving"]
    count: int

    @property
    def rungs(self) -> list[Rung]:
        """The rungs, of which the last one trains in full."""
        counts = [self.count]
        while self.kind == "halving" and counts[-1] // KEPT >= 2:
            counts.append(counts[-1] // KEPT)
        last = len(counts) - 1
        return [Rung(count, KEPT ** (index - last)) for index, count in enumerate(counts)]


@dataclass(frozen=True)
class Rung:
    """Some configurations that are trained for a share of the full length."""

    count: int
    share: float


@dataclass(frozen=True)
class Group:
    """What is searched for by itself: every group gets the same configurations."""

    model: str
    tricks: str
    dataset: str

    @property
    def label(self) -> str:
        """The group in words."""
        tricks = "" if self.tricks == "none" else f" + {self.tricks}"
        return f"{self.model}{tricks} on {self.dataset}"


@dataclass(frozen=True)
class Tried:
    """A configuration with its cells on one rung."""

    configuration: Configuration
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Found:
    """The best configuration of a group, with its values while searching and on fresh seeds."""

    group: Group
    configuration: Configuration
    searched: tuple[float, ...]
    fresh: tuple[float, ...]
    fresh_seeds: tuple[int, ...]

    @property
    def label(self) -> str:
        """The configuration in words."""
        return ", ".join(f"{key}={short(value)}" for key, value in self.configuration.items())


Results = Mapping[str, Mapping[str, Any]]
"""The result of each cell by its identity; cells without one are left out."""

CarryOut = Callable[[Sequence[Cell]], Results]
"""Brings cells to their results."""


def parse_search(text: str) -> Search:
    """Read ``random:20`` or ``halving:27``.

    Raises:
        ConfigError: It is neither, or has too many configurations, or too few.
    """
    kind, _, count = text.partition(":")
    if kind not in {"random", "halving"} or not count.isascii() or not count.isdigit():
        raise ConfigError(
            f"'{text}' is not a search: random:N or halving:N was expected.",
            "For example: --search random:20 --vary learning_rate=1e-5..1e-3",
        )
    if not 2 <= int(count) <= 10_000:
        raise ConfigError(f"A search tries 2 to 10,000 configurations, not {count}.")
    if kind == "halving" and int(count) < 2 * KEPT:
        raise ConfigError(
            f"Of {count} configurations no two are left after a short training of them all, so "
            "there is nothing to halve.",
            f"Try halving:{2 * KEPT} or more, or random:{count}, which trains each in full.",
        )
    return Search("random" if kind == "random" else "halving", int(count))


def draw_configurations(vary: Mapping[str, Sequence[Any]], count: int) -> list[Configuration]:
    """Return random configurations, the first ones of which do not depend on ``count``.

    An axis is a list of values, each as likely as the others, or a range ``1e-5..1e-3``. Ranges
    between positive numbers are drawn uniformly in the logarithm, others uniformly; between
    integers, integers are drawn.

    Raises:
        ConfigError: There is no axis, a range is empty, or too many draws give the same
            configurations.
    """
    if not vary:
        raise ConfigError(
            "A search needs settings to vary.", "For example: --vary learning_rate=1e-5..1e-3"
        )
    axes = {key: _axis(key, values) for key, values in vary.items()}
    random = np.random.default_rng(0)
    drawn: dict[str, Configuration] = {}
    for _ in range(DRAWS_EACH * count):
        if len(drawn) == count:
            break
        configuration = {key: draw(random.random()) for key, draw in axes.items()}
        drawn.setdefault(repr(configuration), configuration)
    if len(drawn) < count:
        raise ConfigError(
            f"{count:,} configurations were asked for, and {DRAWS_EACH * count:,} random draws "
            f"gave only {len(drawn):,} different ones.",
            "Search fewer, or give a range: --vary learning_rate=1e-5..1e-3",
        )
    return list(drawn.values())


def check_no_range(vary: Mapping[str, Sequence[Any]]) -> None:
    """Refuse ranges where every combination of values is to be trained.

    Raises:
        ConfigError: An axis is a range.
    """
    for key, values in vary.items():
        if len(values) == 1 and isinstance(values[0], str) and _RANGE.fullmatch(values[0]):
            raise ConfigError(
                f"{key}: '{values[0]}' is a range, from which values are drawn in a search only.",
                "Add --search random:20, or list values: --vary learning_rate=1e-4,1e-3",
            )


def _axis(key: str, values: Sequence[Any]) -> Callable[[float], Any]:
    """Return a function from [0, 1) to the values of an axis."""
    found = _RANGE.fullmatch(values[0]) if len(values) == 1 and isinstance(values[0], str) else None
    if found is None:
        return lambda share: values[int(share * len(values))]
    try:
        low, high = float(found[1]), float(found[2])
    except ValueError:
        low, high = math.nan, math.nan
    if not -math.inf < low < high < math.inf:
        raise ConfigError(
            f"{key}: '{values[0]}' is not a range: two rising numbers were expected.",
            f"For example: --vary {key}=1e-5..1e-3",
        )
    whole = all(re.fullmatch(r"[+-]?\d+", end) for end in found.groups())
    if whole:
        high += 1

    def draw(share: float) -> Any:
        value = low * (high / low) ** share if low > 0 else low + (high - low) * share
        return math.floor(value) if whole else float(f"{value:.4g}")

    return draw


class SearchPlan:
    """The cells of a search, resolved as its rungs come up.

    Args:
        suite: The models, tricks, datasets and seeds, and the axes that are searched.
        search: How it is searched.
        open_source: Opens a dataset by its name.

    Raises:
        GanbenchError: The suite has a mistake; every configuration is resolved at once.
    """

    def __init__(self, suite: Suite, search: Search, open_source: Callable[[str], Source]) -> None:
        if search.kind == "halving" and {"kimg", "recipe.kimg"} & set(suite.vary):
            raise ConfigError("Successive halving chooses the length of training itself.")
        self.suite = suite
        self.search = search
        self._open = open_source
        self.configurations = draw_configurations(suite.vary, search.count)
        names = itertools.product(suite.models, suite.tricks, suite.datasets)
        self.groups = [Group(*group) for group in names]
        self.first = self._tried(dict.fromkeys(self.groups, self.configurations), search.rungs[0])

    @property
    def fresh_seeds(self) -> tuple[int, ...]:
        """As many seeds as were searched with, beyond all of them."""
        first = max(self.suite.seeds) + 1
        return tuple(range(first, first + len(self.suite.seeds)))

    @cached_property
    def runs(self) -> int:
        """The number of runs, those on fresh seeds included."""
        tried = sum(rung.count for rung in self.search.rungs) + 1
        return tried * len(self.suite.seeds) * len(self.groups)

    @cached_property
    def kimg(self) -> float:
        """The length of all runs together; where lengths are varied, that of the longest ones."""
        total = 0.0
        first = self.search.rungs[0].share
        shares = sum(rung.count * rung.share for rung in self.search.rungs) + 1
        for tried in self.first.values():
            longest = max(cell.config.recipe.kimg for each in tried for cell in each.cells)
            total += longest / first * shares * len(self.suite.seeds)
        return total

    def carry_out(self, carry_out: CarryOut, metric: str, better: Better) -> list[Found]:
        """Bring the search to its end, and return the best configuration of each group.

        Raises:
            ConfigError: No configuration of a group has a value of the metric.
        """
        tried, rungs = self.first, self.search.rungs
        ranked: dict[Group, list[Tried]] = {}
        results: Results = {}
        for index in range(len(rungs)):
            if index:
                kept = {
                    group: [each.configuration for each in ranked[group][: rungs[index].count]]
                    for group in self.groups
                }
                tried = self._tried(kept, rungs[index])
            results = carry_out(_cells(tried))
            ranked = {
                group: sorted(tried[group], key=lambda each: _rank(each, results, metric, better))
                for group in self.groups
            }
        best = {group: ranked[group][0] for group in self.groups}
        for group, each in best.items():
            if len(values_of(each.cells, results, metric)) < len(each.cells):
                raise ConfigError(
                    f"No configuration of {group.label} has a value of {metric} for every seed."
                )
        fresh = {
            group: [self._resolved(group, each.configuration, self.fresh_seeds, 1.0)]
            for group, each in best.items()
        }
        rerun = carry_out(_cells(fresh))
        return [
            Found(
                group,
                each.configuration,
                tuple(values_of(each.cells, results, metric)),
                tuple(values_of(fresh[group][0].cells, rerun, metric)),
                self.fresh_seeds,
            )
            for group, each in best.items()
        ]

    def _tried(
        self, configurations: Mapping[Group, Sequence[Configuration]], rung: Rung
    ) -> dict[Group, list[Tried]]:
        """Return the configurations of a rung with their cells."""
        return {
            group: [self._resolved(group, each, self.suite.seeds, rung.share) for each in listed]
            for group, listed in configurations.items()
        }

    def _resolved(
        self, group: Group, configuration: Configuration, seeds: Sequence[int], share: float
    ) -> Tried:
        """Return a configuration with its cells, trained for a share of the full length."""
        settings = dict(self.suite.settings)

        def plan() -> list[Cell]:
            return plan_matrix(
                [group.model],
                [group.tricks],
                [group.dataset],
                seeds,
                settings=settings,
                vary={key: [value] for key, value in configuration.items()},
                open_source=self._open,
            )

        cells = plan()
        if share < 1:
            kimg = cells[0].config.recipe.kimg * share
            settings = changed_settings(settings, {"recipe.kimg": kimg})
            cells = plan()
        return Tried(configuration, tuple(cells))


def values_of(cells: Sequence[Cell], results: Results, metric: str) -> list[float]:
    """Return the finite values of a metric of those cells that have one."""
    records = (as_mapping(results.get(cell.identity, {}).get("metrics")) for cell in cells)
    values = (as_number(as_mapping(record.get(metric)).get("value")) for record in records)
    return [value for value in values if value is not None and math.isfinite(value)]


def _rank(tried: Tried, results: Results, metric: str, better: Better) -> tuple[int, float]:
    """Return what sorts the best first: seeds without a value count before the mean does."""
    values = values_of(tried.cells, results, metric)
    mean = float(np.mean(values)) if values else 0.0
    return len(tried.cells) - len(values), -mean if better == "higher" else mean


def _cells(tried: Mapping[Group, Sequence[Tried]]) -> list[Cell]:
    """Return the cells of all groups, each run once."""
    cells = (cell for listed in tried.values() for each in listed for cell in each.cells)
    return list({cell.identity: cell for cell in cells}.values())
