# SPDX-License-Identifier: MIT
"""What the page may send: every message is checked before anything acts on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ganbench.errors import InputError
from ganbench.lab.lockstep import SIDES
from ganbench.records.json_values import parse_json

MOST_BYTES = 2_000_000
"""The largest message; 20,000 points need about 900,000 bytes."""
MOST_OWN_POINTS = 20_000
LEAST_POINTS = 10
FARTHEST = 1e6
"""The largest coordinate of a point of the page's own."""

_MOST_LATENT = 4096
_MOST_TEXT = 20_000
_MOST_NAME = 200
_LARGEST = 2**31 - 1

Check = Callable[[Any], bool]


def _text(most: int) -> Check:
    return lambda value: isinstance(value, str) and len(value) <= most


def _one_of(*values: object) -> Check:
    return lambda value: isinstance(value, str) and value in values


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST


def _number(value: Any) -> bool:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return plain and abs(value) <= FARTHEST  # which NaN is not


def _speed(value: Any) -> bool:
    return value is None or (_number(value) and value > 0)


def _numbers(value: Any) -> bool:
    return isinstance(value, list) and 0 < len(value) <= _MOST_LATENT and all(map(_number, value))


def _points(value: Any) -> bool:
    return (
        isinstance(value, list)
        and LEAST_POINTS <= len(value) <= MOST_OWN_POINTS
        and all(isinstance(point, list) and len(point) == 2 for point in value)
        and all(_number(number) for point in value for number in point)
    )


def _plain(value: Any) -> bool:
    """Tell whether a value of a setting is a number, a short text, or a list of such."""
    if isinstance(value, list):
        return len(value) <= 100 and all(
            _plain(item) and not isinstance(item, list) for item in value
        )
    return isinstance(value, bool) or _number(value) or _text(_MOST_NAME)(value)


def _switch(value: Any) -> bool:
    return isinstance(value, bool)


def _on(value: Any) -> bool:
    return value is True


def _texts(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= 100 and all(map(_text(_MOST_NAME), value))


def _table(value: Any) -> bool:
    return isinstance(value, Mapping)


_ALWAYS: dict[str, dict[str, Check]] = {
    "ack": {"frame": _count, "side": _one_of(*SIDES)},
    "play": {},
    "pause": {},
    "step": {"turn": _one_of("both", "discriminator", "generator")},
    "slow": {"on": _switch},
    "speed": {"updates_per_second": _speed},
    "seek": {"frame": _count},
    "fork": {"frame": _count},
    "reset": {},
    "set": {"key": _text(_MOST_NAME), "value": _plain},
    "start": {},
    "data": {"points": _points},
    "side": {},
    "probe": {},
    "plane": {"u": _number, "v": _number},
    "nearest": {"index": _count},
    "save": {"name": _text(_MOST_NAME)},
    "code": {},
}
"""The fields that a message of each kind has."""

_EITHER: dict[str, dict[str, Check]] = {
    "start": {"recipe": _table, "toml": _text(_MOST_TEXT), "lesson": _text(_MOST_NAME)},
    "side": {"tricks": _texts, "off": _on},
    "probe": {"latent": _numbers, "index": _count},
}
"""Of these fields a message of the kind has exactly one."""


def read_message(text: str) -> dict[str, Any]:
    """Return a message of the page, with the fields that its kind has and no others.

    Raises:
        InputError: It is no message, or a field is missing, unknown, too large or of another type.
    """
    try:
        message = parse_json(text)
    except ValueError as error:
        raise InputError("The page sent something that is not JSON.") from error
    kind = message.get("kind") if isinstance(message, Mapping) else None
    if not isinstance(kind, str) or kind not in _ALWAYS:
        raise InputError("The page sent a message of an unknown kind.")
    fields, either = _ALWAYS[kind], _EITHER.get(kind, {})
    given = [key for key in message if key != "kind"]
    checks = {**fields, **either}
    for key in given:
        if key not in checks:
            raise InputError(f"A message of the kind '{kind}' has no field '{key[:40]}'.")
        if not checks[key](message[key]):
            raise InputError(f"The field '{key}' of '{kind}' has a value that cannot be used.")
    missing = [key for key in fields if key not in message]
    if missing or (either and len(set(given) & set(either)) != 1):
        expected = missing[0] if missing else " or ".join(either)
        raise InputError(f"A message of the kind '{kind}' needs the field {expected}.")
    return dict(message)
