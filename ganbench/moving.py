# SPDX-License-Identifier: MIT
"""Numbers that move during training, written ``start->end`` in recipes and tricks."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import GetCoreSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from ganbench.errors import ConfigError

_FORMS = "'10->1', '10->1@50' (after 50 kimg) or '10->1@50:linear'"
_OR = f"or one that moves during training: {_FORMS}"
_NUMBER = r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*"
_PATTERN = re.compile(rf"{_NUMBER}->{_NUMBER}(?:@{_NUMBER})?(?::\s*(cosine|linear)\s*)?")


@dataclass(frozen=True)
class Moving:
    """A number that goes from ``start`` to ``end`` and stays there.

    Its text is ``start->end``, followed by ``@kimg`` if it arrives before the end of training, and
    by ``:linear`` if it moves along a straight line. An order with a plain number holds for both
    ends: ``Moving(10, 1) >= 0``.

    Raises:
        ConfigError: A number is not finite, or ``over_kimg`` is not positive.

    >>> str(Moving(10, 1, over_kimg=50)), Moving.parse("4 -> 0:linear").at(25, 100)
    ('10->1@50', 3.0)
    """

    start: float
    end: float
    over_kimg: float | None = None
    """Where the number arrives, in thousands of real images; None for the end of training."""
    shape: Literal["cosine", "linear"] = "cosine"
    """Half a period of a cosine, which starts and arrives slowly, or a straight line."""

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.start, self.end, self.over_kimg or 1.0))):
            raise ConfigError(f"A number that moves is finite, not {self}.", f"Such as {_FORMS}.")
        if self.over_kimg is not None and self.over_kimg <= 0:
            raise ConfigError(
                f"A number that moves arrives after more than 0 kimg, unlike {self}.",
                f"Such as {_FORMS}.",
            )

    @classmethod
    def parse(cls, text: str) -> Moving:
        """Read the text of a number that moves.

        Raises:
            ConfigError: The text has another form.
        """
        parts = _PATTERN.fullmatch(text)
        if parts is None:
            raise ConfigError(
                f"'{text}' is not a number that moves; start->end was expected.",
                f"For example: {_FORMS}.",
            )
        start, end, over_kimg, shape = parts.groups()
        return cls(
            start=float(start),
            end=float(end),
            over_kimg=None if over_kimg is None else float(over_kimg),
            shape="linear" if shape == "linear" else "cosine",
        )

    def at(self, kimg: float, total_kimg: float) -> float:
        """Return the value after some images.

        Args:
            kimg: The images that were seen, in thousands.
            total_kimg: The length of training, in thousands of images.
        """
        progress = min(1.0, kimg / (self.over_kimg or total_kimg))
        if self.shape == "linear":
            remaining = 1.0 - progress
        else:
            remaining = 0.5 * (1.0 + math.cos(math.pi * progress))
        return self.start * remaining + self.end * (1.0 - remaining)  # exact at both ends

    def __str__(self) -> str:
        over = "" if self.over_kimg is None else f"@{_text(self.over_kimg)}"
        shape = "" if self.shape == "cosine" else f":{self.shape}"
        return f"{_text(self.start)}->{_text(self.end)}{over}{shape}"

    def __ge__(self, bound: float) -> bool:
        return self.start >= bound and self.end >= bound

    def __gt__(self, bound: float) -> bool:
        return self.start > bound and self.end > bound

    def __le__(self, bound: float) -> bool:
        return self.start <= bound and self.end <= bound

    def __lt__(self, bound: float) -> bool:
        return self.start < bound and self.end < bound


@lru_cache(maxsize=64)
def parse_rate(text: str) -> Moving:
    """Read the text of a learning rate that moves, which an optimizer's group holds."""
    return Moving.parse(text)


def recorded(value: Any) -> Any:
    """Return a value as configurations hold it: a number that moves as its text.

    >>> recorded(Moving(0.5, 1)), recorded(0.5)
    ('0.5->1', 0.5)
    """
    return str(value) if isinstance(value, Moving) else value


def _text(value: float) -> str:
    """Return the shortest text of a number; no plus sign, which joins tricks on a command line."""
    return repr(float(value)).removesuffix(".0").replace("e+", "e")


def _read(value: Any, read_number: core_schema.ValidatorFunctionWrapHandler) -> float | Moving:
    """Return a number that moves from its text, or a plain number."""
    if isinstance(value, Moving):
        return value
    if isinstance(value, str) and not _is_number(value):
        try:
            return Moving.parse(value)
        except ConfigError as error:
            read = _PATTERN.fullmatch(value)
            expected = "finite, and arrive after more than 0 kimg" if read else f"a number, {_OR}"
            raise PydanticCustomError("number", f"Input should be {expected}") from error
    number: float = read_number(value)
    return number


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


class _NumberSchema:
    """Tells pydantic how a ``Number`` is read and recorded; a plain number is read as ever."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_wrap_validator_function(
            _read,
            core_schema.float_schema(),
            serialization=core_schema.plain_serializer_function_ser_schema(recorded),
        )


Number = Annotated[float | Moving, _NumberSchema()]
"""The type of a parameter that may move: a plain number, or the text of one that moves.

``weight: Annotated[Number, Field(ge=0)] = 1.0`` bounds both ends; ``state.now(self.weight)`` is the
value of the moment.
"""
