# SPDX-License-Identifier: MIT
"""Breaches of the contract as sentences: what was expected, what came, and where."""

from __future__ import annotations

import inspect
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import FrozenInstanceError
from pathlib import Path

import torch
from torch import Tensor

import ganbench
from ganbench.errors import ContractError, error_text, foreign_errors
from ganbench.trick import Hooks, hooks_name

_NOT_THE_USERS = (
    str(Path(ganbench.__file__).parent),
    str(Path(torch.__file__).parents[1]),
    sysconfig.get_path("stdlib"),
    "<frozen",
    "<string>",
)
"""Folders whose code is not the user's: ganbench, installed packages, Python itself."""


@contextmanager
def one_sentence(when: str, part: str = "") -> Iterator[None]:
    """Turn an error into one sentence that names the part, and the user's file and line.

    Args:
        when: When it happened, as the end of a sentence: ``in training``.
        part: What failed, where it is known: ``the discriminator``.

    Raises:
        ContractError: An error that is not ganbench's own was raised.
        MemoryShortageError: There is too little memory.
    """

    def wording(error: BaseException) -> ContractError:
        frames = traceback.extract_tb(error.__traceback__)
        users = [frame for frame in frames if not frame.filename.startswith(_NOT_THE_USERS)]
        place = _place(users[-1]) if users else ""
        if not part and not users:
            own = [frame for frame in frames if frame.filename.startswith(_NOT_THE_USERS[0])]
            place = _place(own[-1]) if own else "something"
        subject = f"{part}, at {place}," if part and place else part or place
        hint = "Shapes and types are in the contract: CONTRIBUTING.md."
        if isinstance(error, FrozenInstanceError):
            hint = "What a trick gathers belongs in start(state), and is read by memory_of(self)."
        return ContractError(f"{capital(subject)} failed {when}: {error_text(error)}.", hint)

    with foreign_errors(wording):
        yield


def _place(frame: traceback.FrameSummary) -> str:
    return f"{frame.filename}, line {frame.lineno}, {frame.name}"


def require_type(part: str, value: object, kinds: tuple[type, ...], *, verb: str = "is") -> None:
    """Refuse a value that is of none of some types."""
    if not isinstance(value, kinds):
        names = " or ".join("None" if kind is type(None) else kind.__name__ for kind in kinds)
        raise ContractError(
            f"{capital(part)} {verb} {in_words(value)}; {names} was expected.",
        )


def require_floats(part: str, values: Tensor) -> None:
    """Refuse values that are no floating-point numbers."""
    if not values.is_floating_point():
        raise ContractError(
            f"{capital(part)} returned {values.dtype}; floating-point numbers were expected."
        )


def same_shape(part: str, values: Tensor, expected: Tensor) -> None:
    """Refuse values of another shape than expected."""
    if values.shape != expected.shape:
        raise ContractError(
            f"{capital(part)} returned {tuple(values.shape)}; {tuple(expected.shape)} was expected."
        )


def in_words(value: object) -> str:
    """Return a value in a few words."""
    if isinstance(value, Tensor):
        return f"a tensor {tuple(value.shape)} of {value.dtype}"
    if value is None:
        return "None"
    if isinstance(value, str | bool | int | float):
        return f"{value!r}"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    return f"a {type(value).__name__}"


def name_and_file(hooks: Hooks) -> str:
    """Return the name of hooks, and the file that defines them."""
    module = sys.modules.get(type(hooks).__module__)
    file = getattr(module, "__file__", None) or inspect.getfile(type(hooks))
    return f"{hooks_name(hooks)} ({Path(file).name})"


def capital(text: str) -> str:
    """Return a text that begins with a capital letter."""
    return text[:1].upper() + text[1:]
