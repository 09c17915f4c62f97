# SPDX-License-Identifier: MIT
"""A matrix of runs: models, sets of tricks, datasets and seeds; each cell is one run."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganbench.config import RunConfig, TrickConfig, parse_trick
from ganbench.data import open_dataset
from ganbench.errors import ConfigError, GanbenchError
from ganbench.harness.device import choose_device
from ganbench.harness.run import Run, RunOptions, plan
from ganbench.inputs.samples import facts_of
from ganbench.metrics.requests import resolve
from ganbench.records.files import check_writable
from ganbench.records.run import RunFolder
from ganbench.training.trainer import Observer

PLAIN = "none"
"""The set of tricks that adds none to the model's own."""


@dataclass(frozen=True)
class Cell:
    """One run of a matrix: where it stands on each axis, and what it is."""

    model: str
    tricks: str
    dataset: str
    seed: int
    config: RunConfig

    @property
    def axes(self) -> dict[str, Any]:
        """Where the cell stands on each axis."""
        return {
            "model": self.model,
            "tricks": self.tricks,
            "dataset": self.dataset,
            "seed": self.seed,
        }

    @property
    def variant(self) -> str:
        """What is compared: the model, and the tricks added to it."""
        return self.model if self.tricks == PLAIN else f"{self.model} + {self.tricks}"


def parse_trick_sets(text: str) -> dict[str, list[TrickConfig]]:
    """Read sets of tricks: ``none,r1,r1:weight=1,every=4+ema`` are four, by name.

    A part that only assigns a value belongs to the trick before it.

    >>> list(parse_trick_sets("none,r1:weight=1,every=4+ema"))
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
    return {
        part: [] if part == PLAIN else [parse_trick(one) for one in part.split("+")]
        for part in parts
    }


def plan_matrix(
    models: Sequence[str],
    trick_sets: Mapping[str, Sequence[TrickConfig]],
    datasets: Sequence[str],
    seeds: Sequence[int],
    *,
    settings: Mapping[str, Any],
    data_root: Path | None = None,
) -> list[Cell]:
    """Resolve every cell, so that a mistake is found before the first one is trained.

    Cells that resolve to one and the same run are an error: the comparison would count it twice.
    """
    cells = [
        Cell(
            model,
            name,
            dataset,
            seed,
            plan(
                model,
                dataset,
                tricks=trick_sets[name],
                settings={**settings, "seed": seed},
                data_root=data_root,
            ),
        )
        for dataset, model, name, seed in itertools.product(datasets, models, trick_sets, seeds)
    ]
    seen: dict[str, Cell] = {}
    for cell in cells:
        if (same := seen.setdefault(cell.config.identity, cell)) is not cell:
            raise ConfigError(
                f"'{same.variant}' and '{cell.variant}' are the same run on {cell.dataset}.",
                "Take one of them away.",
            )
    return cells


def check_options(cells: Sequence[Cell], options: RunOptions) -> None:
    """Find what would make every cell fail before the first one is trained.

    Raises:
        GanbenchError: a device, a metric or a folder that cannot be used.
    """
    choose_device(options.device)
    for dataset in dict.fromkeys(cell.dataset for cell in cells):
        spec = open_dataset(dataset, options.data_root).spec
        resolve(facts_of(spec, "train"), options.metrics, None)
    check_writable(options.out)


def run_cell(
    cell: Cell, options: RunOptions, observer: Observer, begun: Callable[[Run], None]
) -> tuple[dict[str, Any], RunFolder]:
    """Carry out one cell, or take its stored result; an error of its own is its status."""
    run = Run(cell.config, options, observer)
    begun(run)
    try:
        return run.execute(), run.folder
    except GanbenchError as error:
        return {"status": "failed", "error": error.message, "metrics": {}}, run.folder
