# SPDX-License-Identifier: MIT
"""What to call a run among others: its model, and what sets it apart but for the seed.

The tricks that were added and the settings that were changed are kept apart, so that a trick can
be held against the same model in the same setting without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ganbench.config import digest
from ganbench.records.run_record import RunRecord

_NOT_THE_VARIANT = ("seed", "dataset", "dataset_version")


@dataclass(frozen=True)
class Label:
    """What to call a variant: ``tricks`` and ``setting`` are empty where none sets it apart."""

    model: str
    tricks: str = ""
    setting: str = ""

    @property
    def variant(self) -> str:
        """The whole of it.

        >>> Label("vanilla", "r1 + ema", "learning_rate=0.001").variant
        'vanilla + r1 + ema, learning_rate=0.001'
        """
        named = f"{self.model} + {self.tricks}" if self.tricks else self.model
        return f"{named}, {self.setting}" if self.setting else named


def label_variants(runs: Sequence[RunRecord]) -> list[RunRecord]:
    """Return the runs with ``variant``, ``tricks``, ``setting``, and ``dataset`` with its version.

    A variant's label that the record brings is kept as long as it means one thing. Otherwise it
    is made of the model's name, the tricks that not all of the model's variants on the dataset
    have, and the settings in which they differ. Different settings never share a label. The
    version of a dataset is named where two of one are there.
    """
    runs = _name_datasets(runs)
    labelled = list(runs)
    elsewhere = _added_anywhere(runs)
    for (_, model), keys in _by_variant(runs).items():
        members = list(keys.values())
        first = [runs[indices[0]] for indices in members]
        labels = derive_labels(
            model, [run.config for run in first], elsewhere=elsewhere.get(model, {})
        )
        given = [run.variant for run in first]
        kept = all(given) and len(set(given)) == len(given)
        for label, run, indices in zip(labels, first, members, strict=True):
            variant = run.variant if kept else label.variant
            if not run.config:  # what the record brings is all that is known
                label = Label(model, run.tricks, run.setting)
            for index in indices:
                labelled[index] = replace(
                    runs[index], variant=variant, tricks=label.tricks, setting=label.setting
                )
    return labelled


def _by_variant(runs: Sequence[RunRecord]) -> dict[tuple[str, str], dict[str, list[int]]]:
    """Return the indices of the runs of each variant, by dataset and model."""
    groups: dict[tuple[str, str], dict[str, list[int]]] = {}
    for index, run in enumerate(runs):
        keys = groups.setdefault((run.dataset, run.model), {})
        key = variant_key(run.config) if run.config else run.variant
        keys.setdefault(key, []).append(index)
    return groups


def _added_anywhere(runs: Sequence[RunRecord]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Return the parameters that each trick has, by model, on any dataset where it is added.

    One label then means one trick on all datasets.
    """
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    by_dataset: dict[tuple[str, str], list[dict[str, dict[str, Any]]]] = {}
    for run in runs:
        by_dataset.setdefault((run.dataset, run.model), []).append(_tricks(run.config))
    for (_, model), tricks in by_dataset.items():
        common = set.intersection(*(set(one) for one in tricks))
        for one in tricks:
            for name, parameters in one.items():
                seen = found.setdefault(model, {}).setdefault(name, [])
                if name not in common and parameters not in seen:
                    seen.append(parameters)
    return found


def variant_key(config: Mapping[str, Any]) -> str:
    """Return what all seeds of a variant share and no other variant has."""
    return digest({key: value for key, value in config.items() if key not in _NOT_THE_VARIANT})


def derive_labels(
    model: str,
    configs: Sequence[Mapping[str, Any]],
    *,
    elsewhere: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
) -> list[Label]:
    """Return one label for each configuration of a model, all different.

    ``elsewhere`` are the parameters of tricks on other datasets, from which they are to be told.

    >>> ema = {"name": "ema", "parameters": {"decay": 0.99}}
    >>> configs = [{"loss": "minimax"}, {"loss": "minimax", "tricks": [ema]}]
    >>> [label.variant for label in derive_labels("vanilla", configs)]
    ['vanilla', 'vanilla + ema']
    """
    tricks = [_tricks(config) for config in configs]
    common = set.intersection(*(set(one) for one in tricks)) if tricks else set()
    settings = [dict(_settings(config)) for config in configs]
    settings = _one_learning_rate(settings)
    differing = _differing(settings)
    labels = []
    for own, setting in zip(tricks, settings, strict=True):
        parts = []
        for name in sorted(own):
            others = (elsewhere or {}).get(name, ()) if name not in common else ()
            varying = _differing([*(one[name] for one in tricks if name in one), *others])
            if name not in common or varying:
                shown = ", ".join(f"{key}={short(own[name].get(key))}" for key in varying)
                parts.append(f"{name}({shown})" if shown else name)
        changes = ", ".join(f"{key}={short(setting.get(key))}" for key in differing)
        labels.append(Label(model or "unnamed", " + ".join(parts), changes))
    variants = [label.variant for label in labels]
    return [
        replace(label, setting=f"{label.setting} #{variant_key(config)[:6]}".strip())
        if variants.count(label.variant) > 1
        else label
        for label, config in zip(labels, configs, strict=True)
    ]


def _one_learning_rate(settings: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put one learning rate for two where both optimizers have the same in each configuration."""
    pair = tuple(f"{role}_optimizer.learning_rate" for role in ("generator", "discriminator"))
    if not all(one.get(pair[0]) == one.get(pair[1]) is not None for one in settings):
        return list(settings)
    return [
        {
            "learning_rate" if key == pair[0] else key: value
            for key, value in one.items()
            if key != pair[1]
        }
        for one in settings
    ]


def _name_datasets(runs: Sequence[RunRecord]) -> list[RunRecord]:
    """Say a dataset's version where the runs have more than one: they are not comparable."""
    versions: dict[str, set[str]] = {}
    for run in runs:
        versions.setdefault(run.dataset, set()).add(str(run.config.get("dataset_version", "")))
    return [
        replace(run, dataset=f"{run.dataset} ({run.config.get('dataset_version') or 'no version'})")
        if len(versions[run.dataset]) > 1
        else run
        for run in runs
    ]


def _tricks(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the tricks of a configuration by name, with their parameters."""
    found = {}
    listed = config.get("tricks")
    for trick in listed if isinstance(listed, list | tuple) else ():
        if isinstance(trick, Mapping):
            parameters = trick.get("parameters")
            found[str(trick.get("name"))] = (
                dict(parameters) if isinstance(parameters, Mapping) else {}
            )
    return found


def _settings(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield all that is neither a trick nor the recipe's nesting: loss, precision, batch_size."""
    for key, value in config.items():
        if key in _NOT_THE_VARIANT or key in {"model", "tricks"}:
            continue
        if isinstance(value, Mapping):
            prefix = "" if key == "recipe" else f"{key}."
            for inner, nested in _settings(value):
                yield f"{prefix}{inner}", nested
        else:
            yield ("source" if key == "model_source" else key), value


def _differing(values: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the keys whose values are not all the same, in the order they are met."""
    listed = list(values)
    keys = dict.fromkeys(key for one in listed for key in one)
    return [key for key in keys if any(one.get(key) != listed[0].get(key) for one in listed)]


def short(value: Any) -> str:
    """Return a setting as a label shows it."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(short(inner) for inner in value) + "]"
    return str(value)[:24]
