# SPDX-License-Identifier: MIT
"""Samples as files: a single picture, a file for each sample, or arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ganbench.errors import ConfigError
from ganbench.gan import DataSpec
from ganbench.kinds import kind_of
from ganbench.kinds.kind import FileWriter
from ganbench.records.atomic_files import replacing, storage_errors
from ganbench.sampling.draw import DrawnSamples


def write_picture(drawn: DrawnSamples, data: DataSpec, path: Path) -> None:
    """Write samples as a single PNG."""
    with replacing(path) as temporary:
        picture = kind_of(data).picture(drawn.pictured, data)
        picture.save(temporary, format="PNG", optimize=True)


def required_writer(data: DataSpec) -> FileWriter:
    """Return how single samples of some data are written as files.

    Raises:
        ConfigError: There are no files of such samples, as of points.
    """
    writer = kind_of(data).file_writer(data)
    if writer is None:
        of_channels = "" if data.kind == "points" else f" of {data.channels} channels"
        raise ConfigError(
            f"{data.plural.capitalize()}{of_channels} are not written as files.",
            "Use --format npz or grid.",
        )
    return writer


def write_files(drawn: DrawnSamples, data: DataSpec, folder: Path) -> None:
    """Write each sample as a file of its kind: ``00000.png`` and so on.

    Samples that have classes are in a folder for each class, which opens as data with labels.

    Raises:
        ConfigError: There are no files of such samples, as of points.
    """
    writer = required_writer(data)
    labels = None if drawn.labels is None else drawn.labels.tolist()
    digits = len(str(max(0, data.classes - 1)))  # so that the names sort as the classes do
    with storage_errors(folder):
        for index, sample in enumerate(drawn.samples):
            place = folder if labels is None else folder / f"{labels[index]:0{digits}d}"
            place.mkdir(parents=True, exist_ok=True)
            writer.write(sample, place / f"{index:05d}{writer.suffix}")


def write_npz(drawn: DrawnSamples, data: DataSpec, path: Path) -> None:
    """Write samples as arrays that open as the same data: ``images`` (N, H, W, C), for example.

    Where samples have classes, they are in the array ``labels`` (N,).
    """
    arrays = kind_of(data).arrays(drawn.samples, data)
    if drawn.labels is not None:
        arrays |= {"labels": drawn.labels.numpy()}
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type] # none is allow_pickle
