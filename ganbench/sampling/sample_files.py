# SPDX-License-Identifier: MIT
"""Samples as files: a single picture, a file for each sample, or arrays."""

from __future__ import annotations

import zipfile
from collections.abc import Collection
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from ganbench.errors import ConfigError
from ganbench.gan import DataSpec
from ganbench.kinds import kind_of
from ganbench.kinds.kind import FileWriter
from ganbench.records.atomic_files import replacing
from ganbench.records.own_files import replacing_own
from ganbench.sampling.draw import DrawnSamples

_MARK = "ganbench"
"""What a picture names as its software, and what an archive of arrays has as its comment."""


def write_picture(drawn: DrawnSamples, data: DataSpec, path: Path) -> None:
    """Write samples as a single PNG."""
    with replacing(path) as temporary:
        picture = kind_of(data).picture(drawn.pictured, data)
        made_by = PngInfo()
        made_by.add_text("Software", _MARK)
        picture.save(temporary, format="PNG", optimize=True, pnginfo=made_by)


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


def write_files(
    drawn: DrawnSamples, data: DataSpec, folder: Path, earlier: Collection[str] = ()
) -> None:
    """Write each sample as a file of its kind: ``00000.png`` and so on.

    Samples that have classes are in a folder for each class, which opens as data with labels. The
    samples that were written to the folder before are deleted; other files stay as they are.

    Args:
        drawn: The samples.
        data: What they are samples of.
        folder: The folder.
        earlier: Files in it that ganbench wrote although no manifest lists them.

    Raises:
        ConfigError: There are no files of such samples, as of points.
        StorageError: A file that ganbench did not write is in the way.
    """
    writer = required_writer(data)
    labels = [None] * len(drawn.samples) if drawn.labels is None else drawn.labels.tolist()
    digits = len(str(max(0, data.classes - 1)))  # so that the names sort as the classes do
    places = ["" if label is None else f"{label:0{digits}d}/" for label in labels]
    names = [f"{place}{index:05d}{writer.suffix}" for index, place in enumerate(places)]
    with replacing_own(folder, frozenset(names), earlier):
        for name, sample in zip(names, drawn.samples, strict=True):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            writer.write(sample, folder / name)


def write_npz(drawn: DrawnSamples, data: DataSpec, path: Path) -> None:
    """Write samples as arrays that open as the same data: ``images`` (N, H, W, C), for example.

    Where samples have classes, they are in the array ``labels`` (N,).
    """
    arrays = kind_of(data).arrays(drawn.samples, data)
    if drawn.labels is not None:
        arrays |= {"labels": drawn.labels.numpy()}
    with replacing(path) as temporary, temporary.open("w+b") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type] # none is allow_pickle
        with zipfile.ZipFile(file, "a") as archive:
            archive.comment = _MARK.encode()


def written_by_ganbench(path: Path) -> bool:
    """Tell whether a file is a picture or an archive of samples that ganbench wrote."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return archive.comment == _MARK.encode()
        with Image.open(path) as picture:
            return picture.info.get("Software") == _MARK
    except (OSError, UnidentifiedImageError, zipfile.BadZipFile, ValueError, SyntaxError):
        return False
