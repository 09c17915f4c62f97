# SPDX-License-Identifier: MIT
"""A stored run as a recipe of the lab, with the settings that differ from its model's defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ganbench.config import RunConfig, trick_text
from ganbench.errors import ConfigError
from ganbench.harness.plan import RunPlan, plan, plan_for
from ganbench.lab.lab_recipe import LabRecipe
from ganbench.records.exported_run import find_run


def recipe_of_run(path: Path, data_root: Path | None = None) -> LabRecipe:
    """Return what makes a stored run again.

    Args:
        path: The folder of the run.
        data_root: The folder that is searched first for downloaded datasets.

    Raises:
        InputError: The folder holds no run.
        ConfigError: The run goes on from another one, which a recipe cannot say.
    """
    config = find_run(path).description()
    if config.origin is not None:
        raise ConfigError(f"{path} goes on from another run.", "Open that one, or a recipe.")
    return _recipe(
        config,
        lambda own: plan(config.model, config.dataset, settings=own, data_root=data_root).config,
    )


def recipe_of_plan(planned: RunPlan) -> LabRecipe:
    """Return what makes a planned run, as far as a recipe can say it."""
    config = planned.config
    return _recipe(
        config,
        lambda own: plan_for(planned.source, config.dataset, config.model, (), own).config,
    )


def _recipe(config: RunConfig, usual_run: Callable[[Mapping[str, Any]], RunConfig]) -> LabRecipe:
    """Return a recipe of what differs from the usual run of the same model and data.

    Args:
        config: The run.
        usual_run: Returns the usual run with some parameters of the model. They decide what is
            usual: a model with another backbone has the recipe of that backbone.
    """
    chosen = _differing(_parameters(config), _parameters(usual_run({})))
    usual = usual_run(chosen)
    own = {trick.name for trick in usual.tricks}
    present = {trick.name for trick in config.tricks}
    tricks = [trick_text(trick) for trick in config.tricks if trick not in usual.tricks]
    tricks += [f"{name}:off" for name in sorted(own - present)]
    settings = {**_differing(_settings(config), _settings(usual)), **chosen}
    return LabRecipe(
        model=config.model,
        dataset=config.dataset,
        tricks=tuple(tricks),
        settings=settings,
        seed=config.seed,
    )


def _differing(values: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that are not the usual ones."""
    return {key: value for key, value in values.items() if usual.get(key, ...) != value}


def _settings(config: RunConfig) -> dict[str, Any]:
    """Return the settings of a run, except the model's parameters, by the keys of ``--set``."""
    return {
        **dict(_flat(config.recipe.model_dump(mode="json"), "recipe.")),
        "loss": config.loss,
        "precision": config.precision,
    }


def _parameters(config: RunConfig) -> dict[str, Any]:
    """Return the model's parameters by the keys that ``--set`` takes."""
    return {f"model.{key}": value for key, value in config.parameters.items()}


def _flat(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
