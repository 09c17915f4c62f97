# SPDX-License-Identifier: MIT
"""Image files by name, in a folder or in a zip archive, for training and for evaluation.

An archive is never unpacked; its members are read one by one, into bounded memory. Hidden files
and files with other endings, including archives within the archive, are passed over and counted.
"""

from __future__ import annotations

import lzma
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import IO

from ganbench.data.files_below import (
    HIDDEN,
    FilesBelow,
    by_ending,
    counted_reasons,
    files_below,
    is_hidden,
)
from ganbench.data.image_formats import EXPECTED_ENDINGS, is_image_name
from ganbench.errors import InputError

FILE_BYTES = 512 * 2**20
"""Most bytes that an image file may have, packed or not."""
UNPACKED_RATIO = 200
"""Largest ratio of unpacked to packed bytes, beyond the first ``FREE_BYTES``."""
FREE_BYTES = 64 * 2**20

LABEL_FILE = "dataset.json"
"""The file of labels in the layout of StyleGAN's data."""

CLASS_ENDING = ".cls"
"""The ending of a file with the class of the image of the same name, as in WebDataset."""

Read = Callable[[str], bytes]
"""Returns the bytes of the file of that name; raises the reason why it cannot."""

DAMAGE = (
    OSError,
    EOFError,
    MemoryError,
    ValueError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    lzma.LZMAError,
    struct.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)
"""The errors that reading a cut, altered or hostile archive raises."""


class ImageFiles(ABC):
    """Image files; ``names`` are sorted relative paths with slashes, ``path`` is their container.

    ``wrapped`` says that a folder around all files is only a wrapper, as it is in archives.
    ``passed_over`` counts by reason what else the container holds. ``label_file`` is the path of
    ``dataset.json`` next to the images or their folders, or None. ``class_files`` holds, for each
    image in the order of ``names``, the file ``.cls`` next to it, as WebDataset writes it; it is
    empty unless every image has one.
    """

    path: Path
    names: list[str]
    passed_over: Counter[str]
    label_file: str | None
    class_files: Sequence[str] = ()
    wrapped = False

    @abstractmethod
    def opened(self) -> AbstractContextManager[Read]:
        """Open the files for reading, from several threads at once."""

    def _take(self, files: FilesBelow) -> None:
        """Take images and files of labels, and tell them apart.

        Raises:
            InputError: There are no images, or two files of one name.
        """
        self.names = sorted(name for name in files.names if is_image_name(name))
        if not self.names:
            raise InputError(
                f"{self.path} holds no images; files that end in {EXPECTED_ENDINGS} were expected.",
                _passed_over_hint(files.passed_over),
            )
        repeated = [name for name, times in Counter(files.names).items() if times > 1]
        if repeated:
            raise InputError(
                f"{self.path} holds {len(repeated)} names more than once, first "
                f"'{shown(repeated[0])}': it is unclear which of the files is meant."
            )
        folders = self.names[0].split("/")[: common_depth(self.names) if self.wrapped else 0]
        places = ["/".join([*folders[:depth], LABEL_FILE]) for depth in range(len(folders) + 1)]
        self.label_file = next((place for place in places if place in files.names), None)
        sidecars = {_key(name): name for name in files.names if name.endswith(CLASS_ENDING)}
        if all(_key(name) in sidecars for name in self.names):
            self.class_files = [sidecars[_key(name)] for name in self.names]
        others = {*files.names} - {*self.names, self.label_file, *self.class_files}
        self.passed_over = files.passed_over + Counter(map(by_ending, others))


class FolderFiles(ImageFiles):
    """The images at or below a folder; links are followed, and each folder is read once.

    Raises:
        InputError: the folder holds no images.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with reading_as(path, "a folder"):
            files = files_below(path, _is_known)
        self._take(files)

    @contextmanager
    def opened(self) -> Iterator[Read]:
        """Read each file by its path."""

        def read(name: str) -> bytes:
            with (self.path / name).open("rb") as file:
                return bounded(file, FILE_BYTES)

        yield read


class ZipFiles(ImageFiles):
    """The images in a zip archive. Members that are encrypted or links cannot be read.

    Raises:
        InputError: the archive is damaged, holds no images, a name twice, or a path that leads
            out of the archive, or its members overlap.
    """

    wrapped = True

    def __init__(self, path: Path) -> None:
        self.path = path
        with reading_as(path, "zip"), zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            length = path.stat().st_size
        named = [(inner_name(path, info.filename), info) for info in members]
        self._members = {name: info for name, info in named if not info.is_dir()}
        self._take(told_apart(name for name, info in named if not info.is_dir()))
        if sum(info.compress_size for info in members) > length:
            raise InputError(f"{path} is damaged or malicious: its members overlap.")

    @contextmanager
    def opened(self) -> Iterator[Read]:
        """Read members; each is unpacked into memory, within the bounds."""
        with reading_as(self.path, "zip"):
            archive = zipfile.ZipFile(self.path)
        with archive:
            yield lambda name: self._read(archive, self._members[name])

    def _read(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
        if stat.S_ISLNK(info.external_attr >> 16):
            raise ValueError("it is a link")
        if info.flag_bits & 1:
            raise ValueError("it is encrypted")
        with archive.open(info) as file:
            return bounded(
                file, min(FILE_BYTES, max(FREE_BYTES, UNPACKED_RATIO * info.compress_size))
            )


def bounded(file: IO[bytes] | BufferedIOBase, most_bytes: int) -> bytes:
    """Return a whole file; ValueError if it is longer, whatever its header says."""
    data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise ValueError(f"it unpacks to more than {most_bytes:,} bytes, which is not expected")
    return data


@contextmanager
def reading_as(path: Path, kind: str) -> Iterator[None]:
    """Turn the errors of reading damaged files into one sentence (InputError)."""
    try:
        yield
    except InputError:
        raise
    except DAMAGE as error:
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise InputError(f"{path} cannot be read as {kind}: {reason}.") from error


def inner_name(archive: Path, name: str) -> str:
    """Return the relative path of a member, with slashes, without ``.`` parts.

    Raises:
        InputError: the path leads out of the archive.
    """
    parts = name.replace("\\", "/").split("/")
    if parts[0] == "" or ".." in parts or re.fullmatch("[A-Za-z]:.*", parts[0]):
        raise InputError(
            f"{archive} holds the path '{shown(name)}', which leads out of the archive.",
            "Pack the images by relative paths.",
        )
    return "/".join(part for part in parts if part not in {"", "."})


def told_apart(names: Iterable[str]) -> FilesBelow:
    """Return the files of an archive as those of a folder are listed."""
    known: list[str] = []
    passed_over: Counter[str] = Counter()
    for name in names:
        if is_hidden(name):
            passed_over[HIDDEN] += 1
        elif _is_known(name):
            known.append(name)
        else:
            passed_over[by_ending(name)] += 1
    return FilesBelow(sorted(known), passed_over)


def _is_known(name: str) -> bool:
    labels = name.rpartition("/")[2] == LABEL_FILE or name.endswith(CLASS_ENDING)
    return labels or is_image_name(name)


def _key(name: str) -> str:
    """Return what the files of one example share in WebDataset: the path up to the first dot."""
    folder, slash, file = name.rpartition("/")
    return f"{folder}{slash}{file.partition('.')[0]}"


def _passed_over_hint(passed_over: Counter[str]) -> str:
    return f"Passed over: {counted_reasons(passed_over)}." if passed_over else ""


def common_depth(names: Sequence[str]) -> int:
    """Return how many folders, from the first on, all paths share."""
    folders = [name.split("/")[:-1] for name in names]
    depth = 0
    while folders and all(
        len(parts) > depth and parts[depth] == folders[0][depth] for parts in folders
    ):
        depth += 1
    return depth


def without_common_folder(names: Sequence[str]) -> list[str]:
    """Return paths without the folders that they all share.

    >>> without_common_folder(["samples/a/1.png", "samples/b/1.png"])
    ['a/1.png', 'b/1.png']
    """
    depth = common_depth(names)
    return ["/".join(name.split("/")[depth:]) for name in names]


def shown(name: str) -> str:
    r"""Return a file name that can be printed on one line.

    Bytes that are not UTF-8, line ends and escape sequences become question marks.

    >>> shown("a\nb.png")
    'a?b.png'
    """
    return "".join(letter if letter.isprintable() else "?" for letter in name)
