# SPDX-License-Identifier: MIT
"""What a run is, resolved from names and settings before anything takes place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from ganbench import registry
from ganbench.config import Precision, Recipe, Record, RunConfig, TrickConfig, override
from ganbench.data import is_path, open_dataset
from ganbench.data.dataset import Source
from ganbench.gan import DataSpec
from ganbench.losses import get as get_loss
from ganbench.registry import name_of
from ganbench.training.build import create, source_hash, trick_sources
from ganbench.trick_config import describe_trick, merge_tricks


class RunSettings(Record):
    """What ``--set`` can change."""

    loss: str
    precision: Precision = "fp32"
    seed: int = Field(default=0, ge=0, lt=2**63)
    recipe: Recipe


def plan(
    model: str,
    dataset: str = "mnist5k",
    *,
    tricks: Sequence[TrickConfig] = (),
    settings: Mapping[str, Any] | None = None,
    data_root: Path | None = None,
) -> RunConfig:
    """Resolve what a run is: the model's recipe for the data, with ``settings`` by dotted key.

    Raises:
        ConfigError: an unknown name or key, or parts that do not fit together.
    """
    return plan_for(open_dataset(dataset, data_root), dataset, model, tricks, settings or {})


def plan_for(
    source: Source,
    dataset: str,
    model: str,
    tricks: Sequence[TrickConfig],
    settings: Mapping[str, Any],
) -> RunConfig:
    """Resolve what a run is on a dataset that is open already (see ``plan``)."""
    data = source.spec
    gan = create(model, data)
    defaults = RunSettings(loss=gan.loss.name, recipe=gan.recipe)
    chosen = override(defaults, settings)
    if chosen.loss != gan.loss.name:
        get_loss(chosen.loss)
    resolved = merge_tricks(gan.tricks, tricks)
    for trick in resolved:
        trick.check(gan, chosen.recipe, data)
    return RunConfig(
        model=_spelled(model),
        dataset=_spelled(dataset),
        loss=chosen.loss,
        tricks=tuple(sorted((describe_trick(trick) for trick in resolved), key=lambda t: t.name)),
        recipe=chosen.recipe,
        seed=chosen.seed,
        precision=chosen.precision,
        model_source=source_hash(model),
        trick_sources=trick_sources(tricks),
        dataset_version=data.version,
    )


def _spelled(name: str) -> str:
    """Return the one spelling of a registered name; a file or folder keeps its own."""
    own = registry.is_file_name(name) or is_path(name)
    return name if own else registry.canonical(name)


def folder_stem(config: RunConfig, data: DataSpec) -> str:
    """Return the readable part of a run folder's name: the model's own tricks are not in it.

    Of a file or folder only its own name is, because a report shows the name of each run.
    """
    return f"{variant_stem(config, data)}{config.seed}"


def variant_stem(config: RunConfig, data: DataSpec) -> str:
    """Return the part of ``folder_stem`` that all seeds of a variant share."""
    own = {name_of(trick) for trick in create(config.model, data).tricks}
    added = [_last_part(trick.name) for trick in config.tricks if trick.name not in own]
    first = "+".join([_last_part(config.model), *added])
    plain = re.sub(r"[^A-Za-z0-9.+@_-]+", "-", f"{first}-{_last_part(config.dataset)}")
    return f"{plain.strip('-.')[:100]}-seed"


def _last_part(name: str) -> str:
    return Path(name).name or name
