# SPDX-License-Identifier: MIT
"""Values as people type them: assignments, lists of seeds, TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from operator import index
from pathlib import Path
from typing import Any

from ganbench.errors import ConfigError, InputError

MOST_LISTED_SEEDS = 10_000
"""The most seeds that a list may name."""

MOST_SAMPLES = 10_000_000
"""The most samples that are drawn or measured."""
MOST_THREADS = 1024
"""More threads than any machine has cores; each takes memory, and a library ends if it fails."""
MOST_JOBS = 1024
MOST_SEED = 2**63 - 1
MOST_COUNT = 2**31 - 1
"""The largest number of anything else."""

_MOST_LEVELS = 32
_TOO_DEEP = f"It is nested deeper than {_MOST_LEVELS} levels"


def check_whole(what: str, value: Any, least: int, most: int = MOST_COUNT) -> None:
    """Refuse a number that is not whole or out of its bounds; None is no number.

    Args:
        what: What it is, as the beginning of a sentence: ``The number of samples``.
        value: The number.
        least: The smallest that is allowed.
        most: The largest that is allowed.

    Raises:
        ConfigError: The number is refused.
    """
    if value is None:
        return
    try:
        number = index(value)
    except TypeError as error:
        raise ConfigError(f"{what} must be a whole number, not {value!r}.") from error
    if number < least:
        raise ConfigError(f"{what} must be at least {least}, not {number}.")
    if number > most:
        raise ConfigError(f"{what} must be at most {most:,}, not {number:,}.")


def parse_assignment(text: str) -> tuple[str, Any]:
    """Split ``a.b=c`` into its key and its value, which is read as TOML where possible.

    Raises:
        ConfigError: The text has no equals sign, or no key.

    >>> parse_assignment("recipe.generator_optimizer.betas=[0, 0.9]")
    ('recipe.generator_optimizer.betas', [0, 0.9])
    >>> parse_assignment("loss=minimax")
    ('loss', 'minimax')
    """
    key, separator, value = text.partition("=")
    if not separator or not key.strip():
        raise ConfigError(
            f"'{text}' is not an assignment; key=value was expected.",
            "For example: --set recipe.batch_size=128",
        )
    return key.strip(), parse_value(value)


def changed_settings(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with the changed ones last, as of two spellings the later one counts.

    >>> changed_settings({"learning_rate": 1, "kimg": 2}, {"learning_rate": 3})
    {'kimg': 2, 'learning_rate': 3}
    """
    kept = {key: value for key, value in settings.items() if key not in changes}
    return {**kept, **changes}


def parse_value(text: str) -> Any:
    """Read a TOML value; any other text is a string."""
    try:
        return parse_toml(f"value = {text}")["value"]
    except ValueError:
        return text.strip()


def parse_toml(text: str) -> dict[str, Any]:
    """Read TOML whose integers have 64 bits, as its specification says.

    Raises:
        ValueError: The text is not valid TOML, or is nested deeper than anything needs to be.
    """
    try:
        values = tomllib.loads(text)
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error
    _check_plain(values, 0)
    return values


def _check_plain(value: Any, depth: int) -> None:
    """Raise ValueError for an integer that nothing can hold, and for too deep a table."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("An integer has more than 64 bits")
    if depth > _MOST_LEVELS:
        raise ValueError(_TOO_DEEP)
    members = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        for member in members:
            _check_plain(member, depth + 1)


def parse_seeds(text: str) -> list[int]:
    """Read seeds as numbers and inclusive ranges.

    Raises:
        ConfigError: A part is not a number or range, a range runs backwards, or there are more
            seeds than ``MOST_LISTED_SEEDS``.

    >>> parse_seeds("0-2,7")
    [0, 1, 2, 7]
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        try:
            low = int(first)
            high = int(last) if dash else low
        except ValueError:
            raise ConfigError(
                f"'{part}' is not a seed; a number or a range was expected.",
                "For example: --seeds 0-4",
            ) from None
        if high < low:
            raise ConfigError(f"The range '{part}' runs backwards.", f"Write {high}-{low}.")
        if high >= 2**63:
            raise ConfigError("A seed is smaller than 2**63.", "For example: --seeds 0-4")
        if len(seeds) + high - low >= MOST_LISTED_SEEDS:
            raise ConfigError(
                f"'{text}' names more than {MOST_LISTED_SEEDS:,} seeds.", "For example: --seeds 0-4"
            )
        seeds += range(low, high + 1)
    return list(dict.fromkeys(seeds))


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        InputError: The file cannot be read, or is not valid TOML.
    """
    try:
        return parse_toml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise InputError(f"{path} is not valid TOML: {error}.") from error
