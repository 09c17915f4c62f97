# SPDX-License-Identifier: MIT
"""A user's own generator, named by ``package.module:function`` or ``./file.py:function``."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from ganbench import registry
from ganbench.errors import (
    InputError,
    MissingDataError,
    error_text,
    foreign_errors,
    suggest,
)
from ganbench.paths import expand

_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def is_callable_name(name: str) -> bool:
    """Tell whether a text names a function in a file or in a module.

    >>> [is_callable_name(name) for name in ("a.b:f", "./f.py:g", "fashion-mnist:test", "a.npz")]
    [True, True, False, False]
    """
    return ".py:" in name or _MODULE.fullmatch(name) is not None


def load_callable(name: str) -> Callable[..., Any]:
    """Import and return the function that a text names; importing runs the user's own code.

    Raises:
        MissingDataError: there is no such file or module.
        InputError: the module cannot be imported, or defines no such function.
    """
    place, _, attribute = name.rpartition(":")
    module = _from_file(expand(place)) if place.endswith(".py") else _from_name(place)
    function: Callable[..., Any] | None = getattr(module, attribute, None)
    if not callable(function):
        functions = [key for key, value in vars(module).items() if callable(value)]
        raise InputError(
            f"{place} defines no function '{attribute}'.", suggest(attribute, functions)
        )
    return function


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise MissingDataError(f"There is no file {path}.")
    spec = importlib.util.spec_from_file_location(f"ganbench_generator_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up while it is executed
    with _importing(str(path)), _found_first(path.parent):
        spec.loader.exec_module(module)
    return module


def _from_name(name: str) -> ModuleType:
    with _importing(name), _found_first(Path()):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name and (name == error.name or name.startswith(f"{error.name}.")):
                suggestion = suggest(name, registry.datasets.entries())
                message = f"There is no module '{error.name}', and no dataset of that name."
                raise MissingDataError(
                    f"{message} {suggestion}".strip(),
                    "See what is built in: ganbench ls datasets",
                ) from error
            raise


@contextmanager
def _importing(name: str) -> Iterator[None]:
    with foreign_errors(
        lambda error: InputError(f"{name} cannot be imported: {error_text(error)}.")
    ):
        yield


@contextmanager
def _found_first(folder: Path) -> Iterator[None]:
    """Let modules in a folder be imported, as if Python were started there."""
    place = str(folder.resolve())
    sys.path.insert(0, place)
    try:
        yield
    finally:
        if place in sys.path:
            sys.path.remove(place)
