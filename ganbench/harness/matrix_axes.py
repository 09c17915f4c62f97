# SPDX-License-Identifier: MIT
"""The axes of a matrix as Python passes them: names, objects, and lists of both."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ganbench import registry
from ganbench.backbone import AUTO
from ganbench.config import Record, RunConfig, parse_trick, trick_text
from ganbench.data import Source, open_dataset
from ganbench.data.dataset_names import parse_dataset_name
from ganbench.harness.plan import Model, TrickChoice, trick_choice
from ganbench.harness.scheduler import Scheduler


def as_list(value: Any) -> list[Any]:
    """Return values as a list; a single value, such as a name, stands for a list of itself."""
    several = isinstance(value, Iterable) and not isinstance(value, str | Mapping | type | Record)
    return list(value) if several else [value]


def has_name(data: object) -> bool:
    """Tell whether data are named or in files, so that they can be opened again."""
    return isinstance(data, str | os.PathLike)


def model_name(model: Model) -> str:
    """Return the name of a model; a function is registered for this session."""
    return model if isinstance(model, str) else registry.models.add(model)


def trick_set(tricks: str | TrickChoice | Sequence[TrickChoice]) -> str:
    """Return a set of tricks as it is written on the command line: ``r1:weight=0.1+ema``."""
    if isinstance(tricks, str):
        return tricks
    configs = [trick_choice(trick) for trick in as_list(tricks)]
    return "+".join(trick_text(config) for config in configs) or "none"


def named_and_opened(data: Any, root: Path | None) -> tuple[list[str], dict[str, Source]]:
    """Return the names of data that have one, and all other data opened, by the name they get."""
    given = list(data) if isinstance(data, list | tuple) and all(map(has_name, data)) else [data]
    opened = [open_dataset(dataset, root) for dataset in given if not has_name(dataset)]
    names = [os.fspath(dataset) for dataset in given if has_name(dataset)]
    return names, {source.spec.name: source for source in opened}


def only_here(scheduler: Scheduler) -> list[str]:
    """Return in words what of a matrix exists in this process alone: ``the trick 'calm'``.

    No other process can train with a notebook's functions and classes, or on data in memory.
    """
    options = scheduler.options
    used: dict[tuple[str, str], None] = {}  # in the order in which they are first used
    for arm in dict.fromkeys(state.cell.arm for state in scheduler.states):
        used |= dict.fromkeys(_parts(arm.config))
    metrics = [part for name in options.metrics or () for part in name.split("@")]
    measured = {"metrics": metrics, "networks": metrics, "loggers": options.loggers}
    used |= dict.fromkeys((plural, name) for plural, names in measured.items() for name in names)
    sources = [f"the data '{name}'" for name in options.sources]
    return sources + [
        f"the {registry.KINDS[plural].kind} '{name}'"
        for plural, name in used
        if registry.canonical(name) in registry.KINDS[plural].session()
    ]


def _parts(config: RunConfig) -> list[tuple[str, str]]:
    """Return the names in a configuration, each after the plural of its kind."""
    return [
        ("models", config.model),
        ("backbones", parse_trick(str(config.parameters.get("backbone", AUTO))).name),
        ("losses", config.loss),
        *(("tricks", trick.name) for trick in config.tricks),
        ("datasets", parse_dataset_name(config.dataset).name),
    ]
