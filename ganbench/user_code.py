# SPDX-License-Identifier: MIT
"""Calls of what users wrote: an error of theirs becomes a sentence with their file and its line."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel, ValidationError

from ganbench.config import OptimizerSpec, Recipe, TrickConfig
from ganbench.errors import ConfigError, GanbenchError, error_text, foreign_errors, suggest
from ganbench.siblings import place_in

_RECORDS: dict[str, type[BaseModel]] = {
    record.__name__: record for record in (OptimizerSpec, Recipe, TrickConfig)
}


def call_model(function: Callable[..., Any], data: object, parameters: Mapping[str, Any]) -> Any:
    """Return what a model's function makes of its data and parameters.

    Args:
        function: The function, which takes the data and keyword-only parameters.
        data: What is known of the data.
        parameters: The values of its parameters.

    Raises:
        ConfigError: The function takes other arguments, or raises an error.
    """
    place = place_of(function)
    name = getattr(function, "__name__", repr(function))
    taken = inspect.signature(function).parameters.values()
    by_name = {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}
    positional = [parameter for parameter in taken if parameter.kind not in by_name]
    if not positional:
        raise ConfigError(
            f"{place}: the model {name} takes no data.", f"Write def {name}(data: DataSpec) -> GAN."
        )
    required = [
        parameter
        for parameter in taken
        if parameter.default is parameter.empty
        and parameter.kind not in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}
    ]
    if further := [parameter.name for parameter in positional[1:] if parameter in required]:
        raise ConfigError(
            f"{place}: the model {name} takes {further[0]} next to the data.",
            f"A parameter is keyword-only and has a default: "
            f"def {name}({positional[0].name}, *, {further[0]}=…).",
        )
    with own_errors(function, f"the model {name}"):
        return function(data, **parameters)


@contextmanager
def own_errors(
    owner: object, subject: str, *, leaving: type[Exception] = GanbenchError
) -> Iterator[None]:
    """Turn an error of a user's code into a sentence; ganbench's own code keeps its errors.

    Args:
        owner: The function or class that is used.
        subject: What the sentence calls it: ``the model mygan``.
        leaving: A kind of error that passes unchanged, next to ganbench's own.

    Raises:
        ConfigError: The code raised an error.
    """

    def wording(error: BaseException) -> GanbenchError:
        place = place_of(owner)
        place = place_in(error, place.rpartition(":")[0]) or place
        if isinstance(error, ValidationError):
            return ConfigError(f"{place}: {record_problem(error)}")
        return ConfigError(f"{place}: {subject} raised {error_text(error)}.")

    if str(getattr(owner, "__module__", "")).startswith("ganbench."):
        yield
    else:
        with foreign_errors(wording, passing=leaving):
            yield


def record_problem(error: ValidationError) -> str:
    """Return the sentence on a recipe or an optimizer that does not fit its fields."""
    problems = sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    first = problems[0]
    *path, last = first["loc"] or (error.title,)
    key = ".".join(map(str, [error.title, *path]))
    kind: Any = _RECORDS.get(error.title)
    for part in path:
        field = kind.model_fields.get(part) if kind else None
        kind = field.annotation if field and hasattr(field.annotation, "model_fields") else None
    if first["type"] == "extra_forbidden":
        near = suggest(str(last), kind.model_fields if kind else ())
        return f"{key} has no key '{last}'. {near}".strip()
    if first["type"] == "missing":
        return f"{key} needs {last}, which is missing."
    return f"{key}.{last}: {first['msg']}, not {first.get('input')!r}."


def place_of(value: object) -> str:
    """Return ``path:line`` of a function or class, or its qualified name if no file is known."""
    if inspect.isfunction(value):
        return f"{value.__code__.co_filename}:{value.__code__.co_firstlineno}"
    name = f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', repr(value))}"
    if not isinstance(value, type):
        return name
    try:
        return f"{inspect.getsourcefile(value)}:{inspect.getsourcelines(value)[1]}"
    except (OSError, TypeError):  # defined at a prompt
        return name
