# SPDX-License-Identifier: MIT
"""How a dataset is named: a registered name or a path, with a resolution and a range."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from ganbench import registry
from ganbench.data.value_range import ValueRange, check_value_range
from ganbench.errors import ConfigError, InputError
from ganbench.paths import expand

_RESOLUTION = re.compile(r"(.+)@(\d+)")
_NUMBER = r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?"
_RANGE = re.compile(rf"(.+\.np[yz])@({_NUMBER})\.\.({_NUMBER})", re.IGNORECASE)
_RESOLUTIONS = range(8, 1025)

ARRAY_FILES = (".npz", ".npy")
"""The endings of files of arrays."""
TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz")
ARCHIVES = (".zip", *TARS)
"""The endings of archives of images."""


@dataclass(frozen=True)
class ParsedName:
    """A dataset's name without its suffixes, and what they ask for."""

    name: str
    resolution: int | None = None
    value_range: ValueRange | None = None


def parse_dataset_name(
    text: str, *, resolution: int | None = None, value_range: ValueRange | None = None
) -> ParsedName:
    """Read ``name@64`` and ``file.npz@0..1``, and add what is asked for next to the name.

    An existing path is left whole. The range comes before the resolution: ``file.npz@0..1@64``.

    >>> parse_dataset_name("celeba@128")
    ParsedName(name='celeba', resolution=128, value_range=None)
    >>> parse_dataset_name("mine.npz@0..1@64").value_range
    (0.0, 1.0)

    Raises:
        ConfigError: two resolutions or two ranges, or a resolution that no dataset has.
    """
    name, named_resolution = _split(text, _RESOLUTION)
    name, named_range = _split(name, _RANGE)
    if named_resolution:
        named_pixels = int(named_resolution[0])
        if resolution not in {None, named_pixels}:
            raise ConfigError(f"Two resolutions are given: {text} and {resolution}.")
        resolution = named_pixels
    if named_range:
        bounds = check_value_range(tuple(map(float, named_range)))
        if value_range not in {None, bounds}:
            raise ConfigError(f"Two ranges of values are given: {text} and {value_range}.")
        value_range = bounds
    if not is_path(name):  # of a folder of sounds, the number is their length
        check_resolution(name, resolution)
    return ParsedName(name, resolution, value_range)


def check_resolution(name: str, resolution: int | None) -> None:
    """Raise ConfigError if images of a dataset cannot have that height and width in pixels."""
    if resolution is not None and resolution not in _RESOLUTIONS:
        raise ConfigError(
            f"A resolution from {_RESOLUTIONS[0]} to {_RESOLUTIONS[-1]} pixels was expected, "
            f"not {resolution}.",
            f"For example: --dataset {name}@64",
        )


def name_with_range(name: str, value_range: ValueRange | None) -> str:
    """Return the name of a dataset whose floating-point images have a stated range.

    A run records it, so that the same values are read again when the run is resumed or sampled.

    >>> name_with_range("mine.npz", (0.0, 1.0))
    'mine.npz@0..1'
    """
    if value_range is None:
        return name
    low, high = (repr(bound).removesuffix(".0") for bound in value_range)
    return f"{name}@{low}..{high}"


def is_path(name: str) -> bool:
    """Tell whether a name means a folder or file of data, not a registered dataset.

    >>> [is_path(name) for name in ("mnist@64", "./mnist", "a/b", "~", "x.npz", "x.npz@64")]
    [False, True, True, True, True, True]
    >>> is_path("./mine.py:mine")
    False
    >>> [is_path(name) for name in ("photos.zip", "photos.tar.gz@64", "x.npy")]
    [True, True, True]
    """
    if registry.is_file_name(name):
        return False
    separators = {"/", os.sep, os.altsep or os.sep}
    is_file = name.lower().partition("@")[0].endswith((*ARRAY_FILES, *ARCHIVES))
    return is_file or name.startswith((".", "~")) or bool(separators & set(name))


def find_path(name: str) -> tuple[Path, bool]:
    """Return the path that a text means, and whether there is a file or folder.

    Raises:
        InputError: the path cannot be looked up.
    """
    try:
        path = expand(name)
        return path, bool(name) and path.exists()
    except OSError as error:  # no permission, too long a name
        raise InputError(f"{name[:200]} cannot be read: {error.strerror or error}.") from error


def _split(name: str, suffix: re.Pattern[str]) -> tuple[str, tuple[str, ...]]:
    """Return a name without a suffix, and the suffix's parts; an existing path is left whole."""
    match = suffix.fullmatch(name)
    if not match or (is_path(name) and find_path(name)[1]):
        return name, ()
    first, *parts = match.groups()
    return str(first), tuple(parts)
