# SPDX-License-Identifier: MIT
"""Samples as files: a single picture, a file for each sample, or arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch import Tensor

from ganbench.errors import ConfigError
from ganbench.gan import DataSpec
from ganbench.kinds import kind_of
from ganbench.kinds.kind import FileWriter
from ganbench.records.atomic_files import replacing, storage_errors


def write_picture(samples: Tensor, data: DataSpec, path: Path) -> None:
    """Write samples, as ``draw`` makes them, as a single PNG."""
    with replacing(path) as temporary:
        kind_of(data).picture(samples, data).save(temporary, format="PNG", optimize=True)


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


def write_files(samples: Tensor, data: DataSpec, folder: Path) -> None:
    """Write each sample as a file of its kind: ``00000.png`` and so on.

    Raises:
        ConfigError: There are no files of such samples, as of points.
    """
    writer = required_writer(data)
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for index, sample in enumerate(samples):
            writer.write(sample, folder / f"{index:05d}{writer.suffix}")


def write_npz(samples: Tensor, data: DataSpec, path: Path) -> None:
    """Write samples as arrays that open as the same data: ``images`` (N, H, W, C), for example."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        arrays = kind_of(data).arrays(samples, data)
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type] # none is allow_pickle
