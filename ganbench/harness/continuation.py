# SPDX-License-Identifier: MIT
"""Runs that start from the weights of a finished run: longer, or with other settings.

Such a run goes on where the other one ended: ``kimg`` is the length of both together. Carried over
are

- the weights of all networks, the count of images seen and of updates, and the seconds;
- the moments of each optimizer whose kind stays the same, and which the same tricks act on; the
  learning rates and other numbers are those of the new settings;
- what each trick has gathered, such as an average of weights, where the run had the trick already;
  a new trick starts with the weights as they are;
- the random streams, where the seed and the kind of device stay the same.

A number or learning rate that moves, and a schedule, follow the new length. Where nothing depends
on the length, a longer run equals, bit for bit, a run that had that length from the start.
"""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ganbench import registry
from ganbench.config import Origin, RunConfig, TrickConfig, join_words, trick_text
from ganbench.data import open_dataset
from ganbench.data.dataset import Source
from ganbench.data.described_source import in_memory_before
from ganbench.errors import ConfigError, DamagedRunError
from ganbench.gan import GAN
from ganbench.harness.plan import RunPlan, TrickChoice, opens, plan_for, plan_of, trick_choice
from ganbench.records.exported_run import ExportedRun
from ganbench.records.json_values import as_mapping, json_text
from ganbench.records.labels import variant_key
from ganbench.records.run_folder import RunFolder
from ganbench.registry import name_of
from ganbench.training.trainer import Trainer
from ganbench.trick import Trick, overridden_hooks
from ganbench.trick_config import describe_trick


def plan_continuation(
    folder: RunFolder,
    *,
    source: Source | None = None,
    dataset: str | None = None,
    tricks: Sequence[TrickChoice] = (),
    settings: Mapping[str, Any] | None = None,
    data_root: Path | None = None,
) -> RunPlan:
    """Resolve a run that starts from a finished one, whose settings it has unless they change.

    Args:
        folder: The finished run.
        source: The data to train on; None opens them by name.
        dataset: The name of the data; without a source, None means those of the finished run.
        tricks: Tricks to add or change; ``name:off`` removes one.
        settings: Settings to change, by key. ``kimg`` is the length of both runs together.
        data_root: The folder that is searched first for downloaded datasets.

    Raises:
        ConfigError: The run is not finished, has diverged, or is a generator alone; the new one
            would not be longer; or settings do not fit together.
        DamagedRunError: The records of the finished run are damaged.
        MissingDataError: Its data were in memory, and no others are named.
    """
    if isinstance(folder, ExportedRun):
        raise ConfigError(
            f"{folder.name} is a generator alone, and training needs the discriminator, too.",
            "Go on from the folder of a run: --from RUN",
        )
    config, outcome = folder.description(), _finished(folder)
    if source is None:
        if dataset is None and not opens(config.dataset):
            raise in_memory_before(config.dataset)
        dataset = dataset or config.dataset
        source = open_dataset(dataset, data_root)
    requested = [trick_choice(trick) for trick in tricks]
    gan = plan_of(config, source).gan
    planned = plan_for(
        source,
        dataset,
        config.model,
        [*_recorded_tricks(config, gan.tricks, requested), *requested],
        {**_recorded_settings(config, gan), **(settings or {})},
    )
    kimg = float(outcome["kimg"])
    if planned.config.recipe.kimg <= kimg:
        raise ConfigError(
            f"{folder.path} has been trained for {kimg:g} kimg, and kimg counts from its start.",
            f"For example: --kimg {2 * kimg:.4g}",
        )
    variant = variant_key(config.model_dump(mode="json"))
    origin = Origin(run=config.identity, kimg=kimg, variant=variant)
    continued = planned.config.model_copy(update={"origin": origin})
    return replace(planned, config=continued, origin=folder)


def begins_anew(config: RunConfig, out: Path, stem: str) -> str:
    """Say that there is no run to resume, and which run comes nearest.

    Args:
        config: The configuration that was to be resumed.
        out: The folder of runs.
        stem: What the names of the model's runs on the data begin with.
    """
    sentence = f"{out} holds no run of these settings, so a new one begins."
    nearest = min(_differing(config, out, stem), key=lambda pair: len(pair[1]), default=None)
    if nearest is None:
        return sentence
    folder, keys = nearest
    sentence += f" {folder.path.name} differs in {join_words(keys[:3])}."
    if folder.finished and folder.description().recipe.kimg < config.recipe.kimg:
        sentence += f" To go on from its weights: --from {folder.path}"
    return sentence


def _differing(config: RunConfig, out: Path, stem: str) -> Iterator[tuple[RunFolder, list[str]]]:
    """Yield the other runs of a model on the same data, and the settings that differ."""
    wanted = _flat(config.model_dump(mode="json"))
    for path in sorted(out.glob(f"{glob.escape(stem)}-*")):
        folder = RunFolder(path)
        try:
            recorded = _flat(as_mapping(folder.config().get("config")))
            folder.description()  # what is no run is no neighbor either
        except DamagedRunError:
            continue
        keys = {**wanted, **recorded}
        yield (
            folder,
            [
                f"{key} ({recorded.get(key, 'none')}, not {wanted.get(key, 'none')})"
                for key in keys
                if recorded.get(key) != wanted.get(key)
            ],
        )


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return settings as text by their dotted keys."""
    flat: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = json_text(value)
    return flat


def _finished(folder: RunFolder) -> dict[str, Any]:
    """Return the outcome of a run that can go on."""
    if not folder.finished:
        raise ConfigError(
            f"{folder.path} is not finished.", "Repeat its own command with --resume first."
        )
    outcome = folder.outcome()
    if outcome["status"] == "diverged":
        raise ConfigError(f"{folder.path} has diverged: there is nothing to go on with.")
    return outcome


def _recorded_settings(config: RunConfig, gan: GAN) -> dict[str, Any]:
    """Return the settings of a run by the keys that ``--set`` takes.

    The model's own loss is left out: with other parameters the model may have another one.
    """
    return {
        "recipe": config.recipe.model_dump(mode="json"),
        **({} if config.loss == gan.loss.name else {"loss": config.loss}),
        "precision": config.precision,
        "seed": config.seed,
        **{f"model.{key}": value for key, value in config.parameters.items()},
    }


def _recorded_tricks(
    config: RunConfig, own: Iterable[Trick], requested: Iterable[TrickConfig]
) -> Iterator[TrickConfig]:
    """Yield the tricks of a run, except those that a request removes.

    One of the model's own that the run had left out stays out.
    """
    recorded = {trick.name for trick in config.tricks}
    removed = {_plain_name(trick) for trick in requested if trick.parameters.get("off")}
    yield from (trick for trick in config.tricks if _plain_name(trick) not in removed)
    for name in map(name_of, own):
        if name not in recorded:
            yield TrickConfig(name=name, parameters={"off": True})


def _plain_name(trick: TrickConfig) -> str:
    """Return the name by which a trick is known, also if it is in a file."""
    return registry.canonical(trick.name)


def start_from_origin(trainer: Trainer, plan: RunPlan) -> None:
    """Let a trainer go on from the end of the run that its plan names.

    Raises:
        ConfigError: The plan does not say where that run is, or its networks are others.
        DamagedRunError: The checkpoint of that run is missing or damaged.
    """
    assert plan.config.origin is not None
    if plan.origin is None:
        raise ConfigError(
            f"This run starts from the weights of the run {plan.config.origin.run[:8]}.",
            "Name its folder with --from.",
        )
    state, before = trainer.state, plan_of(plan.origin.description(), plan.source)
    device = str(plan.origin.outcome().get("device", "")).partition(":")[0]
    trainer.continue_from(
        plan.origin.checkpoint_file,
        same_optimizers=_same_optimizers(before, plan, state.optimizers),
        same_pace=_pace(before) == _pace(plan),
        streams=before.config.seed == plan.config.seed and device == state.device.type,
    )
    if state.images_seen / 1000 != plan.config.origin.kimg:
        raise DamagedRunError(
            f"{plan.origin.checkpoint_file} was not written at the end of its run.",
            "Restore the file.",
        )


def _pace(plan: RunPlan) -> tuple[Any, ...]:
    """Return what decides how many images are shown for each update."""
    recipe = plan.config.recipe
    steps = recipe.discriminator_steps, recipe.generator_steps
    return recipe.batch_size, steps, _written(plan.tricks, {"step_rule"})


def _same_optimizers(before: RunPlan, plan: RunPlan, names: Iterable[str]) -> set[str]:
    """Return the optimizers, by player or partner, that are those of an earlier run.

    The kind of a partner's optimizer is the model's, and cannot change.
    """
    if _on_weights(before.tricks) != _on_weights(plan.tricks):
        return set()
    kinds = {
        role: (getattr(before.config.recipe, key).kind, getattr(plan.config.recipe, key).kind)
        for role, key in (
            ("generator", "generator_optimizer"),
            ("discriminator", "discriminator_optimizer"),
        )
    }
    return {name for name in names if len(set(kinds.get(name, ()))) <= 1}


def _on_weights(tricks: Sequence[Trick]) -> set[str]:
    """Return the tricks that change how weights move, and those that say which of them move.

    The parameters of the latter count: with others, other weights have moments.
    """
    moving = {name_of(trick) for trick in tricks if "optimizer" in overridden_hooks(trick)}
    return moving | _written(tricks, {"wrap_generator", "wrap_discriminator"})


def _written(tricks: Iterable[Trick], hooks: set[str]) -> set[str]:
    """Return the tricks that have one of some hooks, as they are written."""
    return {
        trick_text(describe_trick(trick)) for trick in tricks if hooks & overridden_hooks(trick)
    }
