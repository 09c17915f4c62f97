# SPDX-License-Identifier: MIT
"""The settings of variants in words: those that all share, and those that differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganbench.analysis.number_text import NOTHING


@dataclass(frozen=True)
class SettingsTable:
    """The settings of several variants: those that all share, and the others by variant."""

    same: Mapping[str, str]
    differing: Mapping[str, tuple[str, ...]]


def settings_table(configs: Sequence[Mapping[str, Any]]) -> SettingsTable:
    """Return the settings of variants as text, from one configuration for each variant."""
    flat = [_flat(config) for config in configs]
    keys = dict.fromkeys(key for settings in flat for key in settings)
    columns = {key: tuple(settings.get(key, NOTHING) for settings in flat) for key in keys}
    return SettingsTable(
        same={key: column[0] for key, column in columns.items() if len(set(column)) == 1},
        differing={key: column for key, column in columns.items() if len(set(column)) > 1},
    )


def subtitle(config: Mapping[str, Any], variant: str) -> str:
    """Return the loss of a variant and those of its tricks that its label does not name."""
    names = [str(trick.get("name")) for trick in _tricks(config)]
    unnamed = [name for name in names if name not in variant]
    return " · ".join([str(config.get("loss") or ""), *unnamed]).strip(" ·")


def _flat(config: Mapping[str, Any]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for key, value in config.items():
        if key in {"seed", "model", "dataset"}:
            continue
        if key == "tricks" and isinstance(value, list | tuple):
            settings["tricks"] = ", ".join(map(_trick, _tricks(config))) or "none"
        elif key == "recipe" and isinstance(value, Mapping):
            settings |= {inner: _setting(nested) for inner, nested in value.items()}
        else:
            settings[key] = _setting(value)
    return {key.replace("_", " "): text for key, text in settings.items()}


def _tricks(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    tricks = config.get("tricks")
    listed = tricks if isinstance(tricks, list | tuple) else ()
    return [trick for trick in listed if isinstance(trick, Mapping)]


def _trick(trick: Mapping[str, Any]) -> str:
    parameters = trick.get("parameters")
    listed = parameters.items() if isinstance(parameters, Mapping) else ()
    inside = ", ".join(f"{key}={_setting(value)}" for key, value in listed)
    return f"{trick.get('name')}({inside})" if inside else str(trick.get("name"))


_BELONGS_TO = {"betas": "adam", "momentum": "sgd", "alpha": "rmsprop"}


def _setting(value: Any) -> str:
    """Return a setting; of an optimizer only what its kind uses."""
    if value in (None, "", [], {}, ()):
        return NOTHING
    if isinstance(value, Mapping):
        kind = value.get("kind")
        shown = [
            f"{key}={_setting(inner)}"
            for key, inner in value.items()
            if key != "kind"
            and _BELONGS_TO.get(key, kind) == kind
            and not (key == "weight_decay" and inner == 0)
        ]
        return f"{kind or ''}({', '.join(shown)})"
    if isinstance(value, list | tuple):
        return "(" + ", ".join(_setting(inner) for inner in value) + ")"
    return f"{value:g}" if isinstance(value, float) else str(value)
