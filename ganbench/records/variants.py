# SPDX-License-Identifier: MIT
"""What to call a run among others: its model, and what sets it apart but for the seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ganbench.config import digest
from ganbench.records.record import RunRecord

_NOT_THE_VARIANT = ("seed", "dataset", "dataset_version")


def label_variants(runs: Sequence[RunRecord]) -> list[RunRecord]:
    """Return the runs with ``variant``, and ``dataset`` where two versions of one are there.

    A label that the record brings is kept as long as it means one thing. Otherwise it is made
    of the model's name, the tricks that not all of the model's variants on the dataset have,
    and the settings in which they differ. Different settings never share a label.
    """
    runs = _name_datasets(runs)
    groups: dict[tuple[str, str], dict[str, list[int]]] = {}
    for index, run in enumerate(runs):
        keys = groups.setdefault((run.dataset, run.model), {})
        key = variant_key(run.config) if run.config else run.variant
        keys.setdefault(key, []).append(index)
    labelled = list(runs)
    for (_, model), keys in groups.items():
        members = list(keys.values())
        given = [runs[indices[0]].variant for indices in members]
        if not all(given) or len(set(given)) < len(given):
            given = derive_labels(model, [runs[indices[0]].config for indices in members])
        for label, indices in zip(given, members, strict=True):
            for index in indices:
                labelled[index] = replace(runs[index], variant=label)
    return labelled


def variant_key(config: Mapping[str, Any]) -> str:
    """Return what all seeds of a variant share and no other variant has."""
    return digest({key: value for key, value in config.items() if key not in _NOT_THE_VARIANT})


def derive_labels(model: str, configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return one label for each configuration of a model, all different.

    >>> ema = {"name": "ema", "parameters": {"decay": 0.99}}
    >>> derive_labels("vanilla", [{"loss": "minimax"}, {"loss": "minimax", "tricks": [ema]}])
    ['vanilla', 'vanilla + ema']
    """
    tricks = [_tricks(config) for config in configs]
    common = set.intersection(*(set(one) for one in tricks)) if tricks else set()
    differing = _differing([dict(_settings(config)) for config in configs])
    labels = []
    for own, config in zip(tricks, configs, strict=True):
        parts = [model or "unnamed"]
        for name in sorted(own):
            varying = _differing([one[name] for one in tricks if name in one])
            if name not in common or varying:
                shown = ", ".join(f"{key}={_short(own[name].get(key))}" for key in varying)
                parts.append(f"{name}({shown})" if shown else name)
        settings = dict(_settings(config))
        changes = [f"{key}={_short(settings.get(key))}" for key in differing]
        labels.append(", ".join([" + ".join(parts), *changes]))
    return [
        f"{label} #{variant_key(config)[:6]}" if labels.count(label) > 1 else label
        for label, config in zip(labels, configs, strict=True)
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


def _short(value: Any) -> str:
    """Return a setting as a label shows it."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_short(inner) for inner in value) + "]"
    return str(value)[:24]
