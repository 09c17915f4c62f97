# SPDX-License-Identifier: MIT
"""What the class of a trick must be; a breach is a sentence that names its file and line."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import MISSING, fields
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from ganbench.entries import derives_from
from ganbench.errors import ConfigError, error_text
from ganbench.user_code import place_of

_FORMER_HOOKS = {"view": "see", "dataset": "subset"}
"""Hooks of earlier versions, which would no longer be called, and what took their place."""

_NEAR = 0.75
"""How similar a method's name is to that of a hook which was meant."""

is_trick_class = derives_from("ganbench.trick.Trick")


def check_trick_class(kind: type, hooks: tuple[str, ...]) -> None:
    """Refuse a class that is no trick: a frozen dataclass whose fields the command line can set.

    Args:
        kind: The class.
        hooks: The names of all hooks.

    Raises:
        ConfigError: The class is not a trick, or one of its methods looks like a misspelt hook.
    """
    _check(kind, hooks)


@lru_cache(maxsize=256)  # each cell of a matrix asks for it, and it reads the class's file
def _check(kind: type, hooks: tuple[str, ...]) -> None:
    place = f"{place_of(kind)}: the trick {kind.__name__}"
    hint = "Put @dataclass(frozen=True) above it, below @register."
    if not is_trick_class(kind):
        raise ConfigError(
            f"{place_of(kind)}: {kind.__name__} is not a trick.",
            f"Derive it from Trick: class {kind.__name__}(Trick).",
        )
    decorated = vars(kind).get("__dataclass_params__")
    if decorated is None:
        raise ConfigError(f"{place} is not a dataclass.", hint)
    if not decorated.frozen:
        raise ConfigError(f"{place} is not frozen, so its parameters could change.", hint)
    try:
        types = get_type_hints(kind, include_extras=True)
    except Exception as error:
        raise ConfigError(f"{place} has a type that is not known: {error_text(error)}.") from error
    for field in fields(kind):
        if field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError(
                f"{place} has no default for its field '{field.name}'.",
                "Give it the value of its paper.",
            )
        if not _is_typed(types[field.name]) or field.default is None:
            raise ConfigError(
                f"{place} has a field '{field.name}' that the command line cannot give.",
                "A field is a bool, an int, a float, a str or a Literal of these, never None; "
                "what a trick gathers belongs in start(state).",
            )
    check_hooks(kind, hooks)


def _is_typed(annotation: Any) -> bool:
    """Tell whether a field of this type can be typed as a number, a word or a truth value."""
    if get_origin(annotation) is Annotated:
        return _is_typed(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return all(isinstance(value, bool | int | float | str) for value in get_args(annotation))
    if get_origin(annotation) in {Union, UnionType}:
        return any(_is_typed(part) for part in get_args(annotation))
    return isinstance(annotation, type) and issubclass(annotation, bool | int | float | str)


def check_hooks(kind: type, hooks: Sequence[str]) -> None:
    """Refuse a public method that is no hook, but is called nearly like one.

    Args:
        kind: The class of a trick, or of a model's own hooks.
        hooks: The names of all hooks.

    Raises:
        ConfigError: A method looks like a misspelt hook, or like a hook of an earlier version.
    """
    for owner in kind.__mro__:
        if owner.__module__.startswith("ganbench.") or owner is object:
            continue
        for name, method in vars(owner).items():
            if name.startswith("_") or name in hooks or not callable(method):
                continue
            former = _FORMER_HOOKS.get(name)
            near = difflib.get_close_matches(name, hooks, n=1, cutoff=_NEAR)
            if former in hooks:
                near = [str(former)]
            if near:
                raise ConfigError(
                    f"{place_of(method)}: {kind.__name__} has a method {name}, "
                    f"which is not a hook. Did you mean '{near[0]}'?",
                    f"A method that is not meant as a hook begins with an underscore: _{name}.",
                )
