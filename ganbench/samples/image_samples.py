# SPDX-License-Identifier: MIT
"""Samples that are image files: decoded once each, in threads, ahead of whoever reads them.

Each image keeps its own size; networks resize. What is stored without color has one channel,
everything else three, image by image; ``ganbench.data.square_images`` has the rules for 16 and
1 bit, palettes and transparency.
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
from ganbench.data.square_images import each, is_gray, to_array, to_eight_bit
from ganbench.errors import InputError
from ganbench.samples.image_files import ImageFiles, Read, shown, without_common_folder
from ganbench.samples.read_ahead import Claim, ahead
from ganbench.samples.sample_set import CHUNK, Chunk, Facts, Samples

IMAGE_PIXELS = 2**26
"""Most pixels of one image, 8192 x 8192; its header is asked before anything is decoded."""
CHUNK_BYTES = 256 * 2**20
"""A chunk ends before its pixels are more than this, so that large images fit in memory."""

Images = Generator[tuple[int, Tensor], None, None]
"""Images (C, H, W) uint8, each with its index; to be closed by whoever stops early."""

_RULES = 1
"""Version of how files become pixels; raised when a change alters them."""


@dataclass(frozen=True)
class _Header:
    """What the bytes and the header of one file say."""

    digest: str
    shape: tuple[int, ...] | None


@dataclass(frozen=True)
class _Decoded:
    index: int
    image: Tensor | None
    reason: str = ""


class FileSamples(Samples):
    """Image files as samples; ``chosen`` (n,) are the indices of those that are, in their order.

    Folders directly below the first are classes where all images lie in such folders. Files that
    cannot be read are left out and named in ``skipped``; with ``strict`` they are an error.
    ``facts.version`` is a hash of names and contents; it is made when ``facts`` is first read,
    for which every file is read, but not decoded, unless that has happened already.
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
        every_label, self._classes = _labels(files) if labels is None else _given(labels)
        self.labels = None if every_label is None else every_label[self._chosen]
        self.names: Sequence[str] = [files.names[index] for index in self._chosen]
        self.skipped = {}

    def __len__(self) -> int:
        return len(self._chosen)

    @cached_property
    def facts(self) -> Facts:  # type: ignore[override] # made when first read, then kept
        """The name, the shape if all share it, and the hash of names and contents."""
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
        """Yield decoded images; the next two chunks are being decoded meanwhile.

        A chunk is a tensor where its images share their shape, else a list, and shorter than
        ``size`` where its pixels would be more than ``CHUNK_BYTES``.

        Raises:
            InputError: no image can be read, or with ``strict`` some cannot: the first is named
                and all are counted.
        """
        return pack(self.images(2 * size), size)

    def images(self, depth: int = 2 * CHUNK) -> Images:
        """Yield the index and the pixels (C, H, W) uint8 of every image that can be read."""
        failures: dict[str, str] = {}
        with self._files.opened() as read:

            def act(index: int, claim: Claim) -> _Decoded:
                return self._decode(index, read, claim)

            with closing(ahead(act, len(self), depth=depth)) as decoded:
                for one in decoded:
                    if one.image is None:
                        failures[self.names[one.index]] = one.reason
                        self.skipped |= failures
                    elif not (failures and self._strict):  # from then on they are only counted
                        yield one.index, one.image
        if failures and (self._strict or len(failures) == len(self)):
            raise self._unreadable(failures)

    def take(self, order: NDArray[np.int64]) -> FileSamples:
        """Return the samples at ``order`` (n,), in that order; what is skipped is shared."""
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
            failed = each(len(unknown), lambda at: self._note(unknown[at], read(unknown[at])))
        for at in failed:
            self._headers[unknown[at]] = _Header("unreadable", None)

    def _unreadable(self, failures: dict[str, str]) -> InputError:
        name, reason = next(iter(failures.items()))
        where = self.path
        if len(failures) == len(self):
            return InputError(
                f"None of the {len(self)} images in {where} can be read; {shown(name)}: {reason}."
            )
        return InputError(
            f"{len(failures)} of the {len(self)} images in {where} cannot be read, first "
            f"{shown(name)}: {reason}.",
            "Mend or remove them, or leave out --strict to measure without them.",
        )


def decode_file(data: bytes, claim: Claim) -> Tensor:
    """Return the pixels (C, H, W) uint8 of an image file, C = 1 where it is stored without color.

    ``claim`` is told how many bytes the pixels are before they are decoded.

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


def _labels(files: ImageFiles) -> tuple[NDArray[np.int64] | None, int]:
    """Return the class of every file (N,) and the number of classes, None and 0 if unknown."""
    names = without_common_folder(files.names) if files.wrapped else files.names
    classes = {name: index for index, name in enumerate(classes_of(names))}
    if not classes:
        return None, 0
    labels = [classes[name.split("/")[0]] for name in names]
    return np.array(labels, dtype=np.int64), len(classes)


def _given(labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    return labels, int(labels.max()) + 1


def _shape(data: bytes) -> tuple[int, ...] | None:
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            return (1 if is_gray(image) else 3, image.height, image.width)
    except Exception:  # noqa: BLE001 - Pillow raises anything; decoding will say what is wrong
        return None


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return f"it is no image of a known format ({' '.join(FORMATS)})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
