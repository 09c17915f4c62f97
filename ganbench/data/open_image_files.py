# SPDX-License-Identifier: MIT
"""The one way to open image files on disk: a folder, a zip or a tar archive."""

from __future__ import annotations

from pathlib import Path

from ganbench.data.dataset_names import TARS
from ganbench.data.image_files import FolderFiles, ImageFiles, ZipFiles
from ganbench.data.tar_files import TarFiles
from ganbench.errors import InputError


def open_image_files(path: Path) -> ImageFiles:
    """Return the image files in a folder or an archive; the ending tells which archive it is.

    Raises:
        InputError: the path is neither, or it is damaged or holds no images.
        StorageError: there is no room to unpack a compressed archive.
    """
    if path.is_dir():
        return FolderFiles(path)
    if path.is_file() and path.name.lower().endswith(".zip"):
        return ZipFiles(path)
    if path.is_file() and path.name.lower().endswith(TARS):
        return TarFiles(path)
    raise InputError(f"{path} is neither a folder of images nor an npz, npy, zip or tar file.")
