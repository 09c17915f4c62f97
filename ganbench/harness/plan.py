# SPDX-License-Identifier: MIT
"""The plan of a run, resolved from names, objects and settings before anything is trained."""

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
from ganbench.data import is_path, open_dataset
from ganbench.data.dataset import Source
from ganbench.data.dataset_names import parse_dataset_name
from ganbench.errors import ConfigError, suggest
from ganbench.gan import GAN, Loss
from ganbench.model_parameters import resolve_parameters
from ganbench.records.run_folder import RunFolder
from ganbench.registry import name_of
from ganbench.runtime.execution import USUAL, Execution
from ganbench.runtime.process_group import ALONE, ProcessGroup
from ganbench.state import State
from ganbench.training.build import (
    backbone_source,
    build_state,
    check_together,
    create,
    loss_source,
    resolve_loss,
    source_hash,
    trick_sources,
    wrap_networks,
)
from ganbench.trick import Trick, Tricks
from ganbench.trick_config import describe_trick, merge_tricks, outside_model, rebuild_tricks

BOTH_PLAYERS = {
    "learning_rate": (
        "recipe.generator_optimizer.learning_rate",
        "recipe.discriminator_optimizer.learning_rate",
    )
}
"""Short keys for settings of both players, with the full keys that they stand for."""

MODEL = "model."
"""What the keys of a model's parameters begin with."""

Model = str | Callable[..., GAN]
"""A model: its name, ``./file.py``, or the function itself."""

TrickChoice = str | Trick | type[Trick] | TrickConfig
"""A trick: as written on the command line (``r1:weight=0.1``), an object, or its class."""


class RunSettings(Record):
    """The settings that ``--set`` can change."""

    loss: str
    precision: Precision = "fp32"
    seed: int = Field(default=0, ge=0, lt=2**63)
    recipe: Recipe


@dataclass(frozen=True)
class RunPlan:
    """A resolved run: its configuration, and the objects that the configuration names."""

    config: RunConfig
    """Plain data, which is recorded and has the run's identity."""
    source: Source
    gan: GAN
    loss: Loss
    tricks: tuple[Trick, ...]
    added: tuple[str, ...]
    """The names of the tricks that are not the model's own."""
    origin: RunFolder | None = None
    """The finished run from whose weights this one starts; None if they are new."""

    @property
    def variant_stem(self) -> str:
        """The readable part of a run folder's name that all seeds of a variant share.

        It leaves out the model's own tricks. Files and folders appear without their path, because
        a report shows the name of each run.
        """
        variant = "+".join([_last_part(self.config.model), *map(_last_part, self.added)])
        name = f"{variant}-{_last_part(self.config.dataset)}"
        plain = re.sub(r"[^A-Za-z0-9.+@_-]+", "-", name)
        return f"{plain.strip('-.')[:100]}-seed"

    @property
    def folder_stem(self) -> str:
        """The readable part of the run folder's name."""
        return f"{self.variant_stem}{self.config.seed}"

    @property
    def in_memory(self) -> bool:
        """Whether the data were passed as an object, so that no name opens them again."""
        return not opens(self.config.dataset)

    def gan_with_tricks(self) -> GAN:
        """Return the model with the networks that its hooks and the tricks make of its own."""
        return wrap_networks(self.gan, self.source.spec, Tricks(self.tricks, self.gan.hooks))

    def build(
        self,
        device: torch.device,
        group: ProcessGroup = ALONE,
        execution: Execution = USUAL,
    ) -> State:
        """Build the training state, ready for its first step.

        Args:
            device: Where the networks and their optimizers live.
            group: The processes that share each batch.
            execution: How a step is computed.

        Raises:
            ConfigError: The model, the loss, the tricks, the recipe and the data do not fit
                together.
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


def opens(dataset: str) -> bool:
    """Tell whether the name of a dataset can be opened, so that it was not in memory."""
    name = parse_dataset_name(dataset).name
    on_disk = registry.is_file_name(name) or is_path(name)
    return on_disk or registry.canonical(name) in registry.datasets.entries()


def plan(
    model: Model,
    dataset: Any = "mnist5k",
    *,
    tricks: Sequence[TrickChoice] = (),
    settings: Mapping[str, Any] | None = None,
    data_root: Path | None = None,
) -> RunPlan:
    """Resolve a run: the model's recipe for the data, as settings and tricks change it.

    Args:
        model: A registered name, ``./file.py``, or the function itself.
        dataset: Anything that ``open_dataset`` takes: a name, a path, an array, a ``Source``.
        tricks: Tricks to add; ``name:off`` removes one of the model's own.
        settings: Values by key; ``kimg`` and ``recipe.kimg`` are the same key.
        data_root: The folder that is searched first for downloaded datasets.

    Raises:
        ConfigError: A name or key is unknown, or parts do not fit together.
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
    """Resolve a run on a dataset that is open already.

    Args:
        source: The open dataset.
        dataset: The name that it was opened by; None if it was passed as an object.
        model: A registered name, ``./file.py``, or the function itself.
        tricks: Tricks to add; ``name:off`` removes one of the model's own.
        settings: Values by key; ``kimg`` and ``recipe.kimg`` are the same key.

    Raises:
        ConfigError: A name or key is unknown, or parts do not fit together.
    """
    registry.forget_changed_files()
    data = source.spec
    name = model if isinstance(model, str) else registry.models.add(model)
    requested = [trick_choice(trick) for trick in tricks]
    expanded = expand_settings(settings)
    parameters = resolve_parameters(
        name,
        registry.models.get(name),
        {key.removeprefix(MODEL): expanded.pop(key) for key in [*expanded] if _of_model(key)},
    )
    gan = create(name, data, parameters)
    defaults = RunSettings(loss=gan.loss.name, recipe=gan.recipe)
    chosen = override(defaults, expanded)
    if gan.prior is not None and chosen.recipe.prior != gan.recipe.prior:
        raise ConfigError(
            f"The model '{name}' draws its latents in a way of its own, so recipe.prior changes "
            "nothing.",
            "Leave out --set recipe.prior=...",
        )
    loss = resolve_loss(gan, chosen.loss)
    merged = merge_tricks(gan.tricks, requested)
    check_together(Tricks(merged, gan.hooks), gan, loss, chosen.recipe, data)
    config = RunConfig(
        model=_recorded_name(name),
        parameters=parameters,
        dataset=data.name if dataset is None else _recorded_name(dataset),
        loss=chosen.loss,
        tricks=tuple(sorted(map(describe_trick, merged), key=lambda trick: trick.name)),
        recipe=chosen.recipe,
        seed=chosen.seed,
        precision=chosen.precision,
        model_source=source_hash(name),
        trick_sources=trick_sources(outside_model(gan.tricks, requested)),
        loss_source=loss_source(gan, chosen.loss),
        backbone_source=backbone_source(parameters),
        dataset_version=data.version,
    )
    return _run_plan(config, source, gan, loss, merged)


def plan_of(
    config: RunConfig, source: Source | None = None, data_root: Path | None = None
) -> RunPlan:
    """Return the plan of a recorded run.

    Args:
        config: The recorded configuration.
        source: The run's data; None opens the dataset that the configuration names.
        data_root: The folder that is searched first for downloaded datasets.

    Raises:
        ConfigError: A name is unknown, or parts do not fit together.
        MissingDataError: The data are not on this machine.
    """
    if source is None:
        source = open_dataset(config.dataset, data_root)
    gan = create(config.model, source.spec, config.parameters)
    tricks = rebuild_tricks(gan.tricks, config.tricks)
    return _run_plan(config, source, gan, resolve_loss(gan, config.loss), tricks)


def _run_plan(
    config: RunConfig, source: Source, gan: GAN, loss: Loss, tricks: Sequence[Trick]
) -> RunPlan:
    """Return a plan, in which tricks that are not the model's own are named as added."""
    own = {name_of(trick) for trick in gan.tricks}
    added = tuple(trick.name for trick in config.tricks if trick.name not in own)
    return RunPlan(config, source, gan, loss, tuple(tricks), added)


def trick_choice(trick: TrickChoice) -> TrickConfig:
    """Return the configuration of a trick in any of its forms.

    Raises:
        ConfigError: The value is neither the text of a trick nor a trick.
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
        f"{trick!r} is not a trick; a name, an object or a class was expected.",
        'For example: tricks=["ema", "r1:weight=0.1"]',
    )


def expand_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings by their full dotted keys; if a key is given twice, the last value counts.

    >>> expand_settings({"kimg": 3, "recipe.batch_size": 32})
    {'recipe.kimg': 3, 'recipe.batch_size': 32}
    """
    expanded: dict[str, Any] = {}
    for key, value in settings.items():
        expanded |= expand_setting(key, value)
    return expanded


def expand_setting(key: str, value: Any) -> dict[str, Any]:
    """Return the settings that a key of a recipe or run stands for, by their full dotted keys.

    A loss may be an object as well as a name.

    Raises:
        ConfigError: No setting has that key; the nearest is suggested.

    >>> expand_setting("batch_size", 32)
    {'recipe.batch_size': 32}
    """
    if key in BOTH_PLAYERS:
        return dict.fromkeys(BOTH_PLAYERS[key], value)
    first = key.partition(".")[0]
    if _of_model(key):
        return {key: value}
    if first in Recipe.model_fields:
        return {f"recipe.{key}": value}
    if first in RunSettings.model_fields:
        return {key: registry.losses.add(value) if isinstance(value, Loss) else value}
    known = [*BOTH_PLAYERS, *Recipe.model_fields, *RunSettings.model_fields]
    raise ConfigError(f"Unknown setting '{key}'. {suggest(key, known)}".strip())


def _of_model(key: str) -> bool:
    """Tell whether a setting is a parameter of the model: ``model.info``."""
    return key.startswith(MODEL) and key != MODEL


def _recorded_name(name: str) -> str:
    """Return a registered name in its canonical spelling, and a path as it is."""
    on_disk = registry.is_file_name(name) or is_path(name)
    return name if on_disk else registry.canonical(name)


def _last_part(name: str) -> str:
    """Return the last part of a path, or a name as it is."""
    return Path(name).name or name
