# SPDX-License-Identifier: MIT
"""The parameters of a model: the keyword-only arguments of its function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict, create_model

from ganbench.config import PlainValue, validate
from ganbench.errors import ConfigError
from ganbench.user_code import place_of


def resolve_parameters(
    name: str, build: Callable[..., Any], requested: Mapping[str, Any], prefix: str = "model."
) -> dict[str, PlainValue]:
    """Return all parameters of a model, those that are requested and the defaults of the others.

    Args:
        name: The name of the model, for messages.
        build: The model's function; its keyword-only arguments are its parameters.
        requested: Values by name, which are validated against the arguments' annotations.
        prefix: What comes before the names in messages.

    Raises:
        ConfigError: There is no such parameter, a value does not fit, or the function itself
            declares a parameter that cannot be recorded.
    """
    kind = _record_of(name, build)
    if requested and not kind.model_fields:
        raise ConfigError(
            f"The model '{name}' has no parameters, and model.{next(iter(requested))} is set.",
            "Parameters are the keyword-only arguments of a model's function.",
        )
    values = validate(kind, requested, prefix).model_dump()
    for key, value in values.items():
        if not isinstance(value, bool | int | float | str):
            raise ConfigError(
                f"The model '{name}' has the parameter {key}={value!r}; a parameter is a number, a "
                "text, true or false."
            )
    return values


@lru_cache(maxsize=256)  # each cell of a matrix asks for it several times
def _record_of(name: str, build: Callable[..., Any]) -> type[BaseModel]:
    """Return the class whose fields are the parameters, with their types and defaults."""
    try:
        signature = inspect.signature(build, eval_str=True)
    except NameError as error:
        raise ConfigError(
            f"{place_of(build)}: an annotation of the model {name} cannot be read: {error}.",
            "Import what the annotations of its function name.",
        ) from error
    arguments = [
        argument
        for argument in signature.parameters.values()
        if argument.kind is argument.KEYWORD_ONLY
    ]
    if missing := [each.name for each in arguments if each.default is each.empty]:
        raise ConfigError(
            f"{place_of(build)}: the parameter {missing[0]} of the model {name} has no default.",
            "A parameter is keyword-only and has a default.",
        )
    fields: dict[str, Any] = {each.name: (_type_of(each), each.default) for each in arguments}
    return create_model(
        "Parameters", __config__=ConfigDict(extra="forbid", allow_inf_nan=False), **fields
    )


def _type_of(argument: inspect.Parameter) -> Any:
    """Return the annotation of an argument, or else the type of its default."""
    return type(argument.default) if argument.annotation is argument.empty else argument.annotation
