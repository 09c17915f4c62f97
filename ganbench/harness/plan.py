# SPDX-License-Identifier: MIT
"""What a run is, resolved from names, objects and settings before anything takes place."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import Field

from ganbench import registry
from ganbench.config import (
    Precision,
    Recipe,
    Record,
    RunConfig,
    TrickConfig,
    override,
    parse_trick,
)
from ganbench.data import is_path, open_dataset, split_resolution
from ganbench.data.dataset import Source
from ganbench.errors import ConfigError, suggest
from ganbench.gan import GAN, Loss
from ganbench.registry import name_of
from ganbench.runtime.execution import USUAL, Execution
from ganbench.runtime.process_group import ALONE, ProcessGroup
from ganbench.state import State
from ganbench.training.build import (
    build_state,
    create,
    loss_source,
    resolve_loss,
    source_hash,
    trick_sources,
)
from ganbench.trick import Trick
from ganbench.trick_config import describe_trick, merge_tricks, rebuild_tricks

BOTH_PLAYERS = {
    "learning_rate": (
        "recipe.generator_optimizer.learning_rate",
        "recipe.discriminator_optimizer.learning_rate",
    )
}
"""Words for settings that both players have."""

Model = str | Callable[..., GAN]
"""A model by its name, by ``./file.py``, or as the function itself."""
TrickChoice = str | Trick | type[Trick] | TrickConfig
"""A trick as the command line takes it (``r1:weight=0.1``), as an object, or as its class."""


class RunSettings(Record):
    """What ``--set`` can change."""

    loss: str
    precision: Precision = "fp32"
    seed: int = Field(default=0, ge=0, lt=2**63)
    recipe: Recipe


@dataclass(frozen=True)
class RunPlan:
    """A run that is resolved: what is recorded of it, and the objects that the record names.

    ``config`` is plain data and has the identity. ``added`` names the tricks that the model does
    not bring itself.
    """

    config: RunConfig
    source: Source
    gan: GAN
    loss: Loss
    tricks: tuple[Trick, ...]
    added: tuple[str, ...]

    @property
    def variant_stem(self) -> str:
        """The readable part of a run folder's name that all seeds of a variant share.

        The model's own tricks are not in it. Of a file or folder only its own name is, because a
        report shows the name of each run.
        """
        first = "+".join([_last_part(self.config.model), *map(_last_part, self.added)])
        plain = re.sub(r"[^A-Za-z0-9.+@_-]+", "-", f"{first}-{_last_part(self.config.dataset)}")
        return f"{plain.strip('-.')[:100]}-seed"

    @property
    def folder_stem(self) -> str:
        """The readable part of the run folder's name."""
        return f"{self.variant_stem}{self.config.seed}"

    @property
    def in_memory(self) -> bool:
        """Whether the data were handed over as an object, so that no name opens them again."""
        name = split_resolution(self.config.dataset)[0]
        named = registry.is_file_name(name) or is_path(name)
        return not named and registry.canonical(name) not in registry.datasets.entries()

    def build(
        self,
        device: torch.device,
        group: ProcessGroup = ALONE,
        execution: Execution = USUAL,
    ) -> State:
        """Build the training state, ready for its first step.

        Raises:
            ConfigError: the model, the loss, the tricks, the recipe and the data do not fit.
        """
        return build_state(
            self.gan,
            self.source.spec,
            recipe=self.config.recipe,
            tricks=self.tricks,
            loss=self.loss,
            seed=self.config.seed,
            device=device,
            precision=self.config.precision,
            group=group,
            execution=execution,
        )


def plan(
    model: Model,
    dataset: Any = "mnist5k",
    *,
    tricks: Sequence[TrickChoice] = (),
    settings: Mapping[str, Any] | None = None,
    data_root: Path | None = None,
) -> RunPlan:
    """Resolve what a run is: the model's recipe for the data, as settings and tricks change it.

    Args:
        model: A registered name, ``./file.py``, or the function itself.
        dataset: Whatever ``open_dataset`` takes: a name, a path, an array, a ``Source``.
        tricks: Tricks to add; ``name:off`` takes one of the model's away.
        settings: Values by key: ``kimg`` and ``recipe.kimg`` are the same key.
        data_root: Where downloaded datasets are looked for first.

    Raises:
        ConfigError: an unknown name or key, or parts that do not fit together.
    """
    name = dataset if isinstance(dataset, str) else None
    return plan_for(open_dataset(dataset, data_root), name, model, tricks, settings or {})


def plan_for(
    source: Source,
    dataset: str | None,
    model: Model,
    tricks: Sequence[TrickChoice],
    settings: Mapping[str, Any],
) -> RunPlan:
    """Resolve what a run is on a dataset that is open already (see ``plan``).

    ``dataset`` is the name that it was opened by, None where it is known as an object only.
    """
    data = source.spec
    name = model if isinstance(model, str) else registry.models.add(model)
    asked = [trick_choice(trick) for trick in tricks]
    gan = create(name, data)
    defaults = RunSettings(loss=gan.loss.name, recipe=gan.recipe)
    chosen = override(defaults, expand_settings(settings))
    loss = resolve_loss(gan, chosen.loss)
    resolved = merge_tricks(gan.tricks, asked)
    for trick in resolved:
        trick.check(gan, chosen.recipe, data)
    config = RunConfig(
        model=_spelled(name),
        dataset=data.name if dataset is None else _spelled(dataset),
        loss=chosen.loss,
        tricks=tuple(sorted(map(describe_trick, resolved), key=lambda trick: trick.name)),
        recipe=chosen.recipe,
        seed=chosen.seed,
        precision=chosen.precision,
        model_source=source_hash(name),
        trick_sources=trick_sources(asked),
        loss_source=loss_source(gan, chosen.loss),
        dataset_version=data.version,
    )
    return _planned(config, source, gan, loss, resolved)


def plan_of(
    config: RunConfig, source: Source | None = None, data_root: Path | None = None
) -> RunPlan:
    """Return the plan of a run that is recorded, on ``source`` or the dataset that it names."""
    if source is None:
        source = open_dataset(config.dataset, data_root)
    gan = create(config.model, source.spec)
    tricks = rebuild_tricks(gan.tricks, config.tricks)
    return _planned(config, source, gan, resolve_loss(gan, config.loss), tricks)


def _planned(
    config: RunConfig, source: Source, gan: GAN, loss: Loss, tricks: Sequence[Trick]
) -> RunPlan:
    own = {name_of(trick) for trick in gan.tricks}
    added = tuple(trick.name for trick in config.tricks if trick.name not in own)
    return RunPlan(config, source, gan, loss, tuple(tricks), added)


def trick_choice(trick: TrickChoice) -> TrickConfig:
    """Return the configuration of a trick, however it is given.

    Raises:
        ConfigError: it is neither the text of a trick nor a trick.
    """
    if isinstance(trick, TrickConfig):
        return trick
    if isinstance(trick, str):
        return parse_trick(trick)
    if isinstance(trick, type) and issubclass(trick, Trick):
        return TrickConfig(name=registry.tricks.add(trick))
    if isinstance(trick, Trick):
        registry.tricks.add(type(trick))
        return describe_trick(trick)
    raise ConfigError(
        f"{trick!r} is no trick; its name, an object or its class was expected.",
        'For example: tricks=["ema", "r1:weight=0.1"]',
    )


def expand_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings by their full dotted keys; of two words for one key the later counts.

    >>> expand_settings({"kimg": 3, "recipe.batch_size": 32})
    {'recipe.kimg': 3, 'recipe.batch_size': 32}
    """
    expanded: dict[str, Any] = {}
    for key, value in settings.items():
        expanded |= expand_setting(key, value)
    return expanded


def expand_setting(key: str, value: Any) -> dict[str, Any]:
    """Return what a key of a recipe, or of a run's settings, stands for, by dotted key.

    A loss may be given as an object, too.

    Raises:
        ConfigError: there is no such setting; the nearest is suggested.

    >>> expand_setting("batch_size", 32)
    {'recipe.batch_size': 32}
    """
    if key in BOTH_PLAYERS:
        return dict.fromkeys(BOTH_PLAYERS[key], value)
    first = key.partition(".")[0]
    if first in Recipe.model_fields:
        return {f"recipe.{key}": value}
    if first in RunSettings.model_fields:
        return {key: registry.losses.add(value) if isinstance(value, Loss) else value}
    known = [*BOTH_PLAYERS, *Recipe.model_fields, *RunSettings.model_fields]
    raise ConfigError(f"Unknown setting '{key}'. {suggest(key, known)}".strip())


def _spelled(name: str) -> str:
    """Return the one spelling of a registered name; a file or folder keeps its own."""
    own = registry.is_file_name(name) or is_path(name)
    return name if own else registry.canonical(name)


def _last_part(name: str) -> str:
    return Path(name).name or name
