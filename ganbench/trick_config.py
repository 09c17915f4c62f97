# SPDX-License-Identifier: MIT
"""From the configuration of a trick to the trick, and back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ganbench import registry
from ganbench.config import TrickConfig, join_words
from ganbench.errors import ConfigError, suggest
from ganbench.moving import recorded
from ganbench.trick import HOOKS, Trick, overridden_hooks
from ganbench.trick_class import check_trick_class
from ganbench.user_code import own_errors, place_of


def make_trick(config: TrickConfig) -> Trick:
    """Build a trick from its name and parameters.

    Raises:
        UnknownNameError: No trick has that name.
        ConfigError: The trick lacks a parameter of that name, or a value does not fit.
    """
    return _make(registry.tricks.get(config.name), config)


def _make(kind: Any, config: TrickConfig) -> Trick:
    """Build a trick of a class; its parameters are validated against the class's fields."""
    check_trick_class(kind, HOOKS)
    known = [field.name for field in fields(kind)]
    for key in config.parameters:
        if key not in known:
            near = suggest(key, known)
            raise ConfigError(
                f"The trick '{config.name}' has no parameter '{key}'. {near}".strip(),
                f"It has: {', '.join(known)}." if known else "It has none.",
            )
    try:
        with own_errors(kind, f"the trick '{config.name}'", leaving=ValidationError):
            trick: Trick = TypeAdapter(kind).validate_python(dict(config.parameters))
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:  # raised by the trick itself, in __post_init__
            problem = first["msg"].removeprefix("Value error, ")
            raise ConfigError(f"{place_of(kind)}: trick {config.name}: {problem}.") from error
        key = ".".join(str(part) for part in first["loc"])
        moves = "->" in str(first.get("input"))
        raise ConfigError(
            f"trick {config.name}: {key}: {first['msg']}, not {first.get('input')!r}.",
            "A number that moves needs a parameter of the type Number." if moves else "",
        ) from error
    for key, value in _parameters(trick).items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f"trick {config.name}: {key} is {value}; a finite number is needed.")
    return trick


def describe_trick(trick: Trick) -> TrickConfig:
    """Return the name and all parameters of a trick, as they are recorded with a run.

    Raises:
        ConfigError: Its class is not what a trick's class must be.
    """
    check_trick_class(type(trick), HOOKS)
    name = getattr(type(trick), registry.FILE, None) or registry.name_of(trick)
    return TrickConfig(name=name, parameters=_parameters(trick))


def _parameters(trick: Any) -> dict[str, Any]:
    """Return all parameters of a trick, as they are recorded."""
    return {field.name: recorded(getattr(trick, field.name)) for field in fields(trick)}


def rebuild_tricks(own: Iterable[Trick], recorded: Iterable[TrickConfig]) -> list[Trick]:
    """Build tricks from their records.

    Args:
        own: The model's own tricks: the class of a trick that a zoo file defines comes from here.
        recorded: The configurations that a run has recorded.
    """
    kinds = {registry.name_of(trick): type(trick) for trick in own}
    return [
        _make(kinds[config.name], config) if config.name in kinds else make_trick(config)
        for config in recorded
    ]


def _check_own(trick: object) -> None:
    """Refuse a member of ``GAN.tricks`` that is not a trick with a name."""
    kind = trick if isinstance(trick, type) else type(trick)
    check_trick_class(kind, HOOKS)
    if isinstance(trick, type):
        raise ConfigError(
            f"{place_of(kind)}: GAN.tricks holds the class {kind.__name__}, not a trick.",
            f"Write tricks=[{kind.__name__}()].",
        )
    registry.name_of(trick)


def outside_model(own: Iterable[Trick], requested: Iterable[TrickConfig]) -> list[TrickConfig]:
    """Return the requested tricks that a catalogue or a file of their own defines.

    A trick that only the model's file defines is changed or removed by its name. Its source is
    the model's source.
    """
    known = {registry.name_of(trick) for trick in own} - set(registry.tricks.entries())
    return [config for config in requested if registry.canonical(config.name) not in known]


def merge_tricks(own: Iterable[Trick], requested: Iterable[TrickConfig]) -> list[Trick]:
    """Join a model's own tricks with those that are requested.

    Args:
        own: The model's own tricks.
        requested: Tricks to add. A trick that the model has already is changed, parameter by
            parameter; ``name:off`` removes it.

    Raises:
        UnknownNameError: No trick has a requested name.
        ConfigError: A parameter does not exist, or its value does not fit.
    """
    own = list(own)
    for trick in own:
        _check_own(trick)
    # Validated, so that weights of 10 and 10.0 give the same record.
    tricks = {registry.name_of(trick): _make(type(trick), describe_trick(trick)) for trick in own}
    for config in requested:
        name = config.name
        if registry.is_file_name(name):
            name = registry.tricks.entry(name).name
        name = registry.canonical(name)
        parameters = dict(config.parameters)
        present = tricks.get(name)
        if parameters.pop("off", False):
            if present is None:
                registry.tricks.entry(config.name)  # a misspelled name must not pass in silence
            tricks.pop(name, None)
        elif present is not None:
            parameters = {**_parameters(present), **parameters}
            tricks[name] = _make(type(present), TrickConfig(name=name, parameters=parameters))
        else:
            tricks[name] = make_trick(TrickConfig(name=config.name, parameters=parameters))
    return list(tricks.values())


def acts_on_sampling(trick: Trick) -> bool:
    """Tell whether a trick changes how samples are drawn, and nothing before."""
    return overridden_hooks(trick) - {"start"} == {"sampler"}  # start may refuse


def _sampling_tricks() -> list[str]:
    """Return the names of ganbench's own tricks that act only on sampling."""
    entries = registry.tricks.entries().values()
    own = [entry.name for entry in entries if registry.tricks.is_own(entry)]
    return [name for name in own if acts_on_sampling(registry.tricks.get(name)())]


def merge_sampling_tricks(
    trained: Sequence[Trick], requested: Iterable[TrickConfig]
) -> list[Trick]:
    """Join the tricks of a trained run with further ones that act only on sampling.

    Raises:
        ConfigError: A further trick acts on training.
    """
    merged = merge_tricks(trained, requested)
    added_or_changed = [trick for trick in merged if trick not in trained]
    for trick in [*added_or_changed, *(trick for trick in trained if trick not in merged)]:
        if not acts_on_sampling(trick):
            raise ConfigError(
                f"The trick '{registry.name_of(trick)}' acts on training, and this run is trained "
                "already.",
                f"Tricks that act on sampling are {join_words(_sampling_tricks())}.",
            )
    return merged
