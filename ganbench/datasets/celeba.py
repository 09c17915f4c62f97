# SPDX-License-Identifier: MIT
"""CelebA: aligned faces, from the zip archive or the unpacked folder."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PIL import Image

from ganbench.data.array_source import Arrays, ArraySource, image_spec
from ganbench.data.dataset import Source
from ganbench.data.remote_files import RemoteFile, find_files, obtain_files, reading
from ganbench.data.square_images import decode_images
from ganbench.errors import InputError
from ganbench.progress import SILENT, Progress
from ganbench.registry import register

_FOLDERS = ("celeba", "CelebA", ".")
_IMAGES = "img_align_celeba"
_PARTITION = "list_eval_partition.txt"
_SPLITS = {
    "train": range(1, 162_771),
    "valid": range(162_771, 182_638),
    "test": range(182_638, 202_600),
}


@register("celeba")
def celeba(
    root: Path | None = None, *, resolution: int | None = None, progress: Progress = SILENT
) -> Source:
    """CelebA: 162,770 aligned faces and 19,962 held out, center crop 178, at 64 x 64, color.

    The central 178 x 178 of the 178 x 218 pixels are resized with Pillow's antialiasing bicubic
    filter. ``list_eval_partition.txt`` says which face is in which split; without that file the
    official numbering does, which says the same.

    Paper: Liu et al., 2014, arXiv:1411.7766
    """
    spec = image_spec("celeba", 3, 64, resolution)
    read = partial(_read, root, spec.resolution, progress)
    return ArraySource(spec, read, root=root, splits=tuple(_SPLITS))


def _read(root: Path | None, resolution: int, progress: Progress, split: str) -> Arrays:
    archive = _archive(root, progress)
    names = _names(archive.parent / _PARTITION, split)
    with reading(archive):
        open_face, available = _unpacked(archive) if archive.is_dir() else _packed(archive)
    if missing := [name for name in names if name not in available]:
        raise InputError(
            f"{archive} is not whole: {missing[0]} and {len(missing) - 1} others are not there."
        )
    images, failures = decode_images(
        len(names), lambda index: open_face(names[index]), 3, resolution
    )
    if failures:
        first = min(failures)
        raise InputError(
            f"{len(failures)} images in {archive} cannot be read, first {names[first]}: "
            f"{failures[first]}."
        )
    return images, None


def _archive(root: Path | None, progress: Progress) -> Path:
    """Return the unpacked folder of images, or the archive."""
    if unpacked := find_files(root, [f"{folder}/{_IMAGES}" for folder in _FOLDERS], ["000001.jpg"]):
        return unpacked[0].parent
    hint = f"The unpacked folder {_IMAGES} works as well."
    names = [f"{_IMAGES}.zip"]
    files = obtain_files(
        "celeba", root, _FOLDERS, names, _remote_files, hint=hint, progress=progress
    )
    return files[0]


def _remote_files() -> list[RemoteFile]:
    """Return the archive of images with the identifier and checksum that torchvision knows."""
    from torchvision.datasets import CelebA

    published = {name: (identifier, md5) for identifier, md5, name in CelebA.file_list}
    identifier, md5 = published[f"{_IMAGES}.zip"]
    # ``confirm`` answers the page that says the file is too large to be scanned for viruses.
    address = f"https://drive.usercontent.google.com/download?id={identifier}&confirm=t"
    return [RemoteFile(f"{_IMAGES}.zip", (address,), md5)]


def _names(partition: Path, split: str) -> list[str]:
    """Return the file names of a split, in order."""
    if not partition.is_file():
        return [f"{number:06d}.jpg" for number in _SPLITS[split]]
    split_number = str(list(_SPLITS).index(split))
    rows = [line.split() for line in partition.read_text(encoding="utf-8").splitlines()]
    names = sorted(row[0] for row in rows if len(row) == 2 and row[1] == split_number)
    if not names:
        raise InputError(f"{partition} names no image of the split '{split}'.")
    return names


OpenFace = Callable[[str], Image.Image]


def _unpacked(folder: Path) -> tuple[OpenFace, set[str]]:
    return lambda name: Image.open(folder / name), {path.name for path in folder.iterdir()}


def _packed(archive: Path) -> tuple[OpenFace, set[str]]:
    file = zipfile.ZipFile(archive)
    prefix = f"{_IMAGES}/"
    names = {name.removeprefix(prefix) for name in file.namelist() if name.startswith(prefix)}
    return lambda name: Image.open(io.BytesIO(file.read(prefix + name))), names
