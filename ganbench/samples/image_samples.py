# SPDX-License-Identifier: MIT
"""Samples that are image files: each is decoded once, in threads, ahead of its reader.

Each image keeps its own size; networks resize. An image that is stored without color has one
channel, and any other has three. ``ganbench.data.square_images`` has the rules for 16 and 1 bit,
palettes and transparency.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from ganbench.data.folder import FORMATS, classes_of
from ganbench.data.square_images import in_threads, is_gray, to_array, to_eight_bit
from ganbench.errors import InputError
from ganbench.samples.image_files import ImageFiles, Read, shown, without_common_folder
from ganbench.samples.read_ahead import Claim, ahead
from ganbench.samples.sample_set import CHUNK, Chunk, Facts, Samples

IMAGE_PIXELS = 2**26
"""Most pixels of an image, 8192 x 8192; its header is checked before anything is decoded."""
CHUNK_BYTES = 256 * 2**20
"""A chunk ends before its pixels exceed this many bytes, so that large images fit in memory."""

Images = Generator[tuple[int, Tensor], None, None]
"""Images (C, H, W) uint8, each with its index; a reader that stops early must close it."""

_RULES = 1
"""Version of how files become pixels; raised when a change alters them."""


@dataclass(frozen=True)
class _Header:
    """Facts from the bytes and the header of one file."""

    digest: str
    shape: tuple[int, ...] | None


@dataclass(frozen=True)
class _Decoded:
    index: int
    image: Tensor | None
    reason: str = ""


class FileSamples(Samples):
    """Image files as samples.

    Folders directly below the first are classes where all images lie in such folders. Files that
    cannot be read are left out and named in ``skipped``. ``facts.version`` is a hash of names and
    contents. It is made when ``facts`` is first read; every file is then read, but not decoded,
    unless that has happened already.

    Args:
        files: The image files.
        chosen: The indices (n,) of the files that are samples, in order; None for all of them.
        labels: The classes (N,) of all files; None to take them from folders.
        strict: Whether a file that cannot be read is an error.
    """

    def __init__(
        self,
        files: ImageFiles,
        *,
        chosen: NDArray[np.int64] | None = None,
        labels: NDArray[np.int64] | None = None,
        strict: bool = False,
    ) -> None:
        self.path = files.path
        self._files = files
        self._strict = strict
        self._chosen = np.arange(len(files.names)) if chosen is None else chosen
        self._headers: dict[int, _Header] = {}
        if labels is None:
            labels, self._classes = _folder_labels(files)
        else:
            self._classes = int(labels.max()) + 1
        self.labels = None if labels is None else labels[self._chosen]
        self.names: Sequence[str] = [files.names[index] for index in self._chosen]
        self.skipped = {}

    def __len__(self) -> int:
        return len(self._chosen)

    @cached_property
    def facts(self) -> Facts:  # type: ignore[override] # made when first read, then kept
        """The name, the shape if all images share it, and the hash of names and contents."""
        self._read_headers()
        headers = [self._headers[index] for index in self._chosen.tolist()]
        digest = hashlib.sha256()
        for name, header in zip(self.names, headers, strict=True):
            digest.update(os.fsencode(f"{name}\0{header.digest}\n"))
        shapes = {header.shape for header in headers if header.shape}
        return Facts(
            name=self.path.name,
            version=f"{_RULES}-{digest.hexdigest()[:16]}",
            kind="images",
            shape=shapes.pop() if len(shapes) == 1 else None,
            classes=self._classes,
        )

    def chunks(self, size: int = CHUNK) -> Iterator[Chunk]:
        """Yield decoded images, while the next two chunks are being decoded.

        A chunk is a tensor where its images share a shape, and a list otherwise. It is shorter
        than ``size`` where its pixels would exceed ``CHUNK_BYTES``.

        Raises:
            InputError: no image can be read, or with ``strict`` some image cannot; the first is
                named and all are counted.
        """
        return pack(self.images(2 * size), size)

    def images(self, depth: int = 2 * CHUNK) -> Images:
        """Yield the index and the pixels (C, H, W) uint8 of every image that can be read."""
        failures: dict[str, str] = {}
        with self._files.opened() as read:

            def act(index: int, claim: Claim) -> _Decoded:
                return self._decode(index, read, claim)

            with closing(ahead(act, len(self), depth=depth)) as decoded:
                for result in decoded:
                    if result.image is None:
                        failures[self.names[result.index]] = result.reason
                        self.skipped |= failures
                    elif not (failures and self._strict):  # after a failure they are only counted
                        yield result.index, result.image
        if failures and (self._strict or len(failures) == len(self)):
            raise self._unreadable(failures)

    def take(self, order: NDArray[np.int64]) -> FileSamples:
        """Return the samples at ``order`` (n,), in that order; ``skipped`` is shared."""
        part = FileSamples(self._files, chosen=self._chosen[order], strict=self._strict)
        part.labels = None if self.labels is None else self.labels[order]
        part._classes = self._classes
        part.skipped = self.skipped
        part._headers = self._headers
        return part

    def _decode(self, index: int, read: Read, claim: Claim) -> _Decoded:
        try:
            data = read(int(self._chosen[index]))
            self._note(int(self._chosen[index]), data)
            return _Decoded(index, decode_file(data, claim))
        except MemoryError as error:
            raise InputError(
                f"There is not enough memory for {shown(self.names[index])} in {self.path}."
            ) from error
        except Exception as error:  # noqa: BLE001 - a bad file makes Pillow raise anything
            return _Decoded(index, None, _reason(error))

    def _note(self, file: int, data: bytes) -> None:
        if file not in self._headers:
            self._headers[file] = _Header(hashlib.sha256(data).hexdigest(), _shape(data))

    def _read_headers(self) -> None:
        unknown = [index for index in self._chosen.tolist() if index not in self._headers]
        with self._files.opened() as read:
            failures = in_threads(
                len(unknown),
                lambda position: self._note(unknown[position], read(unknown[position])),
            )
        for position in failures:
            self._headers[unknown[position]] = _Header("unreadable", None)

    def _unreadable(self, failures: dict[str, str]) -> InputError:
        name, reason = next(iter(failures.items()))
        if len(failures) == len(self):
            return InputError(
                f"None of the {len(self)} images in {self.path} can be read; {shown(name)}: "
                f"{reason}."
            )
        return InputError(
            f"{len(failures)} of the {len(self)} images in {self.path} cannot be read, first "
            f"{shown(name)}: {reason}.",
            "Repair or remove them, or leave out --strict to measure without them.",
        )


def decode_file(data: bytes, claim: Claim) -> Tensor:
    """Return the pixels (C, H, W) uint8 of an image file; C is 1 where it has no color.

    ``claim`` is called with the number of bytes of the pixels before they are decoded.

    Raises:
        Exception: whatever Pillow raises for a damaged file; ValueError for pixels that have no
            8-bit value, and for more than ``IMAGE_PIXELS``.
    """
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        width, height = image.size
        if width * height > IMAGE_PIXELS:
            raise ValueError(f"it has {width} x {height} pixels, more than {IMAGE_PIXELS:,}")
        channels = 1 if is_gray(image) else 3
        claim(width * height * channels)
        pixels = to_array(to_eight_bit(image, channels))  # (C, H, W), a view of Pillow's memory
    return torch.from_numpy(np.array(pixels, order="C"))


def pack(images: Images, size: int) -> Iterator[Chunk]:
    """Put images (C, H, W), each with its index, into chunks of at most ``size``."""
    waiting: list[Tensor] = []
    indices: list[int] = []
    held_bytes = 0
    with closing(images):
        for index, image in images:
            if waiting and (len(waiting) == size or held_bytes + image.nbytes > CHUNK_BYTES):
                yield chunk_of(waiting, indices)
                waiting, indices, held_bytes = [], [], 0
            waiting.append(image)
            indices.append(index)
            held_bytes += image.nbytes
    if waiting:
        yield chunk_of(waiting, indices)


def chunk_of(images: list[Tensor], indices: list[int]) -> Chunk:
    """Return images (C, H, W) or points (D,) as a chunk: a tensor where they share a shape."""
    alike = len({image.shape for image in images}) == 1
    return Chunk(torch.stack(images) if alike else images, np.array(indices, dtype=np.int64))


def _folder_labels(files: ImageFiles) -> tuple[NDArray[np.int64] | None, int]:
    """Return every file's class (N,) by its folder and the number of classes, or None and 0."""
    names = without_common_folder(files.names) if files.wrapped else files.names
    classes = {name: index for index, name in enumerate(classes_of(names))}
    if not classes:
        return None, 0
    labels = [classes[name.split("/")[0]] for name in names]
    return np.array(labels, dtype=np.int64), len(classes)


def _shape(data: bytes) -> tuple[int, ...] | None:
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            return (1 if is_gray(image) else 3, image.height, image.width)
    except Exception:  # noqa: BLE001 - Pillow raises anything; decoding will give the reason
        return None


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return f"it is no image of a known format ({' '.join(FORMATS)})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
