# SPDX-License-Identifier: MIT
"""Names of variants: the model, and all that sets a run apart from others except its seed.

The added tricks and the changed settings are separate parts of a name, so that a trick can be
compared with the same model in the same setting without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ganbench.config import digest
from ganbench.records.json_values import as_mapping
from ganbench.records.run_record import RunRecord

_NOT_THE_VARIANT = ("seed", "dataset", "dataset_version")
_MAY_BE_LEFT_OUT = (
    *("parameters", "trick_sources", "loss_source", "backbone_source", "origin", "turns_by_hand"),
)
"""What a configuration may leave out where it is empty: some came later than the first runs."""
_BACKBONE = "model.backbone"

_NUMBER = re.compile(r"(?<![\w.])([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(?![\w.])", re.IGNORECASE)

TrickParameters = Mapping[str, Mapping[str, Any]]
"""The tricks of a configuration by name, with their parameters."""


def by_numbers(text: str) -> tuple[str | float, ...]:
    """Return the place of a text among others of its kind: numbers in it go by their size.

    >>> sorted(["rate=0.002", "rate=5e-05", "rate=10"], key=by_numbers)
    ['rate=5e-05', 'rate=0.002', 'rate=10']
    """
    parts = _NUMBER.split(text)  # text and numbers in turn
    return tuple(float(part) if index % 2 else part for index, part in enumerate(parts))


@dataclass(frozen=True)
class Label:
    """The name of a variant; ``tricks`` and ``setting`` are empty where nothing differs."""

    model: str
    tricks: str = ""
    setting: str = ""

    @property
    def variant(self) -> str:
        """The whole name.

        >>> Label("vanilla", "r1 + ema", "learning_rate=0.001").variant
        'vanilla + r1 + ema, learning_rate=0.001'
        """
        named = f"{self.model} + {self.tricks}" if self.tricks else self.model
        return f"{named}, {self.setting}" if self.setting else named


def label_variants(runs: Sequence[RunRecord]) -> list[RunRecord]:
    """Return the runs with ``variant``, ``tricks``, ``setting``, and ``dataset`` with its version.

    The variants that the records of a model bring along stay as long as each of them means one
    thing on every dataset. Otherwise a name consists of the model, the tricks that not all of the
    model's variants on the dataset have, and the settings in which they differ. Different settings
    never share a name. A dataset is named with its version if the runs have several versions of
    it.
    """
    runs = _name_datasets(runs)
    labeled = list(runs)
    elsewhere = _added_parameters(runs)
    groups = _indices_by_variant(runs)
    renamed = {
        model
        for (_, model), variants in groups.items()
        if not _are_names([runs[indices[0]].variant for indices in variants])
    }
    for (_, model), variants in groups.items():
        examples = [runs[indices[0]] for indices in variants]
        labels = derive_labels(
            model, [run.config for run in examples], elsewhere=elsewhere.get(model, {})
        )
        for label, example, indices in zip(labels, examples, variants, strict=True):
            variant = label.variant if model in renamed else example.variant
            # Without a configuration, nothing is known but the record's own names.
            names = label if example.config else Label(model, example.tricks, example.setting)
            for index in indices:
                labeled[index] = replace(
                    runs[index], variant=variant, tricks=names.tricks, setting=names.setting
                )
    return labeled


def _are_names(recorded: Sequence[str]) -> bool:
    """Say whether the names that variants were recorded with tell them apart."""
    return all(recorded) and len(set(recorded)) == len(recorded)


def _indices_by_variant(runs: Sequence[RunRecord]) -> dict[tuple[str, str], list[list[int]]]:
    """Return the indices of the runs of each variant, by dataset and model."""
    groups: dict[tuple[str, str], dict[str, list[int]]] = {}
    for index, run in enumerate(runs):
        variants = groups.setdefault((run.dataset, run.model), {})
        key = variant_key(run.config) if run.config else run.variant
        variants.setdefault(key, []).append(index)
    return {group: list(variants.values()) for group, variants in groups.items()}


def _added_parameters(runs: Sequence[RunRecord]) -> dict[str, dict[str, list[Mapping[str, Any]]]]:
    """Return the parameters of each trick, by model, on all datasets where the trick is added.

    With them, a label means the same trick on all datasets.
    """
    by_dataset: dict[tuple[str, str], list[TrickParameters]] = {}
    for run in runs:
        by_dataset.setdefault((run.dataset, run.model), []).append(_tricks(run.config))
    added: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
    for (_, model), variants in by_dataset.items():
        common = _common_names(variants)
        for name, parameters in (item for tricks in variants for item in tricks.items()):
            known = added.setdefault(model, {}).setdefault(name, [])
            if name not in common and parameters not in known:
                known.append(parameters)
    return added


def variant_key(config: Mapping[str, Any]) -> str:
    """Return a digest that all seeds of a variant share, and no other variant has."""
    known = {key: value for key, value in config.items() if value or key not in _MAY_BE_LEFT_OUT}
    if isinstance(origin := known.get("origin"), Mapping):  # each seed has an origin of its own
        known["origin"] = {key: value for key, value in origin.items() if key != "run"}
    return digest({key: value for key, value in known.items() if key not in _NOT_THE_VARIANT})


def derive_labels(
    model: str,
    configs: Sequence[Mapping[str, Any]],
    *,
    elsewhere: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
) -> list[Label]:
    """Return a label for each configuration of a model, no two alike.

    Args:
        model: the name of the model.
        configs: the configurations, each of another variant on one dataset.
        elsewhere: the parameters that tricks have on other datasets, by trick. A label names the
            parameters that set a trick apart from those as well.

    >>> ema = {"name": "ema", "parameters": {"decay": 0.99}}
    >>> configs = [{"loss": "minimax"}, {"loss": "minimax", "tricks": [ema]}]
    >>> [label.variant for label in derive_labels("vanilla", configs)]
    ['vanilla', 'vanilla + ema']
    """
    tricks = _trick_texts([_tricks(config) for config in configs], elsewhere or {})
    settings = _setting_texts([dict(_settings(config)) for config in configs])
    labels = [Label(model or "unnamed", *texts) for texts in zip(tricks, settings, strict=True)]
    variants = [label.variant for label in labels]
    return [
        replace(label, setting=f"{label.setting} #{variant_key(config)[:6]}".strip())
        if variants.count(label.variant) > 1
        else label
        for label, config in zip(labels, configs, strict=True)
    ]


def _trick_texts(
    variants: Sequence[TrickParameters], elsewhere: Mapping[str, Sequence[Mapping[str, Any]]]
) -> list[str]:
    """Return the tricks that set each variant apart, with the parameters that do, joined by +."""
    common = _common_names(variants)
    varying: dict[str, list[str]] = {}
    for name in dict.fromkeys(name for tricks in variants for name in tricks):
        here = [tricks[name] for tricks in variants if name in tricks]
        varying[name] = _differing([*here, *(() if name in common else elsewhere.get(name, ()))])
    return [
        " + ".join(
            _trick_text(name, tricks[name], varying[name])
            for name in sorted(tricks)
            if name not in common or varying[name]
        )
        for tricks in variants
    ]


def _trick_text(name: str, parameters: Mapping[str, Any], shown: Sequence[str]) -> str:
    """Return a trick with some of its parameters: ``r1(weight=10)``."""
    return f"{name}({_assignments(parameters, shown)})" if shown else name


def _setting_texts(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the settings in which variants differ, for each of them.

    A backbone brings its own recipe: where variants differ in backbones, settings that change
    with the backbone alone are left out. What a configuration does not have is not named for it.
    """
    settings = _join_learning_rates(settings)
    differing = _differing(settings)
    if _BACKBONE in differing:
        differing = [
            key for key in differing if key == _BACKBONE or not _follows(key, _BACKBONE, settings)
        ]
    names = {key: key.removeprefix("model.") for key in differing}
    if len(set(names.values())) < len(names):
        names = {key: key for key in differing}
    shown = [
        {name: setting[key] for key, name in names.items() if key in setting}
        for setting in settings
    ]
    return [_assignments(values, values) for values in shown]


def _follows(key: str, other: str, settings: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether settings that are alike in one thing are always alike in another."""
    values: dict[str, Any] = {}
    return all(
        values.setdefault(str(setting.get(other)), setting.get(key)) == setting.get(key)
        for setting in settings
    )


def _assignments(values: Mapping[str, Any], keys: Iterable[str]) -> str:
    """Return some values as ``key=value``, with commas."""
    return ", ".join(f"{key}={short(values.get(key))}" for key in keys)


def _common_names(variants: Iterable[TrickParameters]) -> set[str]:
    """Return the names of the tricks that all variants have."""
    names = [set(tricks) for tricks in variants]
    return set.intersection(*names) if names else set()


def _join_learning_rates(settings: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Write one learning rate for two where both optimizers have the same in every setting."""
    generator, discriminator = (
        f"{role}_optimizer.learning_rate" for role in ("generator", "discriminator")
    )
    if not all(
        setting.get(generator) == setting.get(discriminator) is not None for setting in settings
    ):
        return list(settings)
    return [
        {
            "learning_rate" if key == generator else key: value
            for key, value in setting.items()
            if key != discriminator
        }
        for setting in settings
    ]


def _name_datasets(runs: Sequence[RunRecord]) -> list[RunRecord]:
    """Name the version of a dataset where the runs have several: they are not comparable."""
    versions: dict[str, set[str]] = {}
    for run in runs:
        versions.setdefault(run.dataset, set()).add(str(run.config.get("dataset_version", "")))
    return [
        replace(run, dataset=f"{run.dataset} ({run.config.get('dataset_version') or 'no version'})")
        if len(versions[run.dataset]) > 1
        else run
        for run in runs
    ]


def _tricks(config: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the tricks of a configuration by name, with their parameters.

    The source of a trick that is not part of ganbench counts as one of them.
    """
    entries = config.get("tricks")
    sources = as_mapping(config.get("trick_sources"))
    tricks: dict[str, Mapping[str, Any]] = {}
    for trick in entries if isinstance(entries, list | tuple) else ():
        if isinstance(trick, Mapping):
            name = str(trick.get("name"))
            source = {"source": sources[name]} if name in sources else {}
            tricks[name] = {**as_mapping(trick.get("parameters")), **source}
    return tricks


def _settings(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield everything but tricks, without the nesting of the recipe: loss, batch_size, ..."""
    for key, value in config.items():
        if key in _NOT_THE_VARIANT or key in {"model", "tricks", "trick_sources"}:
            continue
        if key in _MAY_BE_LEFT_OUT and not value:
            continue
        if isinstance(value, Mapping):
            prefix = {"recipe": "", "parameters": "model."}.get(key, f"{key}.")
            for inner_key, inner_value in _settings(value):
                if f"{prefix}{inner_key}" == "origin.run":
                    continue  # each seed has an origin of its own
                yield f"{prefix}{inner_key}", inner_value
        else:
            yield ("source" if key == "model_source" else key), value


def _differing(mappings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the keys whose values are not all the same, in the order in which they appear."""
    keys = dict.fromkeys(key for mapping in mappings for key in mapping)
    return [
        key for key in keys if any(mapping.get(key) != mappings[0].get(key) for mapping in mappings)
    ]


def short(value: Any) -> str:
    """Return a setting as a label shows it."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(short(item) for item in value) + "]"
    return str(value) if "->" in str(value) else str(value)[:24]  # a number that moves is whole
