# SPDX-License-Identifier: MIT
"""Datasets, one file per family, and the one way in: a name, a folder of images, an npz file."""

from __future__ import annotations

import inspect
import os
import re
from pathlib import Path

from ganbench import registry
from ganbench.data.dataset import Dataset, Source
from ganbench.errors import ConfigError, UnknownNameError

__all__ = ["Dataset", "Source", "open_dataset"]

_SIZED = re.compile(r"(.+)@(\d+)")
_RESOLUTIONS = range(8, 1025)


def open_dataset(name: str, root: Path | None = None, *, resolution: int | None = None) -> Source:
    """Open a dataset: a registered name, ``path/to/folder`` of images, or ``file.npz``.

    ``name@64`` asks for images of 64 x 64 pixels, as ``resolution`` does; without either each
    dataset has its own default. ``root`` is looked in first for downloaded files. Nothing but
    a folder or an npz file is read yet. The name in the returned source's ``spec`` opens the
    same data again, from any working folder.

    Raises:
        UnknownNameError: no dataset of that name; the message suggests the nearest.
        MissingDataError: the path does not exist.
        InputError: the folder or file cannot be read as images or points.
        ConfigError: a resolution that the dataset cannot have.
    """
    name, asked = split_resolution(name)
    if resolution is not None and asked is not None and resolution != asked:
        raise ConfigError(f"Two resolutions are given: {name}@{asked} and {resolution}.")
    resolution = asked if resolution is None else resolution
    if resolution is not None and resolution not in _RESOLUTIONS:
        raise ConfigError(
            f"A resolution from {_RESOLUTIONS[0]} to {_RESOLUTIONS[-1]} pixels was expected, "
            f"not {resolution}.",
            f"For example: --dataset {name}@64",
        )
    if is_path(name):
        return _open_path(Path(name).expanduser(), resolution)
    return _open_registered(name, root, resolution)


def split_resolution(name: str) -> tuple[str, int | None]:
    """Split ``name@64`` into the name and its resolution; an existing path is left whole.

    >>> split_resolution("celeba@128")
    ('celeba', 128)
    >>> split_resolution("mnist5k")
    ('mnist5k', None)
    """
    match = _SIZED.fullmatch(name)
    if not match or (is_path(name) and Path(name).expanduser().exists()):
        return name, None
    return match[1], int(match[2])


def is_path(name: str) -> bool:
    """Tell whether a name means a folder or file of data, not a registered dataset.

    >>> [is_path(name) for name in ("mnist", "./mnist", "a/b", "~", "x.npz", "./mine.py:mine")]
    [False, True, True, True, True, False]
    """
    if registry.is_file_name(name):
        return False
    separators = {"/", os.sep, os.altsep or os.sep}
    return name.startswith((".", "~")) or name.endswith(".npz") or bool(separators & set(name))


def _open_path(path: Path, resolution: int | None) -> Source:
    # Each reader brings Pillow and the thread pools with it, so only the one needed is imported.
    if path.suffix == ".npz":
        from ganbench.data.npz import open_npz

        return open_npz(path, resolution)
    from ganbench.data.folder import open_folder

    return open_folder(path, resolution)


def _open_registered(name: str, root: Path | None, resolution: int | None) -> Source:
    try:
        entry = registry.datasets.get(name)
    except UnknownNameError as error:
        if Path(name).is_dir():
            raise UnknownNameError(
                error.message, f"For the folder of that name: ./{name}"
            ) from error
        raise
    source: Source
    if resolution is None:
        source = entry(root)
    elif "resolution" in inspect.signature(entry).parameters:
        source = entry(root, resolution=resolution)
    else:
        raise ConfigError(
            f"The dataset '{name}' has one size only, so '@{resolution}' cannot be asked of it.",
            f"For example: --dataset {name}",
        )
    return source
