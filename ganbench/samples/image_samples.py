# SPDX-License-Identifier: MIT
"""Samples that are image files: each is decoded once, in threads, ahead of its reader.

Each image keeps its own size; networks resize. An image that is stored without color has one
channel, and any other has three. ``ganbench.data.square_images`` has the rules for 16 and 1 bit,
palettes and transparency.
"""

from __future__ import annotations

import copy
import hashlib
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganbench.data.image_files import ImageFiles, Read, shown
from ganbench.data.image_formats import ImageHeader, header_of, open_image
from ganbench.data.image_labels import FileLabels, image_labels, notices_of
from ganbench.data.square_images import failure_reason, in_threads, to_array, to_eight_bit
from ganbench.errors import InputError
from ganbench.samples.read_ahead import Claim, ahead
from ganbench.samples.sample_set import CHUNK, Chunk, Facts, Samples

CHUNK_BYTES = 256 * 2**20
"""A chunk ends before its pixels exceed this many bytes, so that large images fit in memory."""

Images = Generator[tuple[int, Tensor], None, None]
"""Images (C, H, W) uint8, each with its index; a reader that stops early must close it."""

_RULES = 1
"""Version of how files become pixels; raised when a change alters them."""


@dataclass(frozen=True)
class _FileFacts:
    """Facts from the bytes and the header of one file; no header where it cannot be read."""

    digest: str
    header: ImageHeader | None


@dataclass(frozen=True)
class _Decoded:
    index: int
    image: Tensor | None
    reason: str = ""


class FileSamples(Samples):
    """Image files as samples.

    ``ganbench.data.image_labels`` says what the classes are. Files that cannot be read are left
    out and named in ``skipped``. ``facts.version`` is a hash of names and contents. It is made
    when ``facts`` is first read; every file is then read, but not decoded, unless that has
    happened already.

    Args:
        files: The image files.
        chosen: The indices (n,) of the files that are samples, in order; None for all of them.
        labels: The classes (N,) of all files; None to take them from ``dataset.json`` or
            from folders.
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
        self._file_facts: dict[int, _FileFacts] = {}
        given = FileLabels(labels, 0 if labels is None else int(labels.max()) + 1)
        known = image_labels(files) if labels is None else given
        self._classes = known.classes
        self.labels = None if known.labels is None else known.labels[self._chosen]
        self.passed_over = files.passed_over
        self.notices = notices_of(files.path, files.passed_over, known)
        self.names: Sequence[str] = [files.names[index] for index in self._chosen]
        self.skipped = {}

    def __len__(self) -> int:
        return len(self._chosen)

    @cached_property
    def facts(self) -> Facts:  # type: ignore[override] # made when first read, then kept
        """The name, the shape if all images share it, and the hash of names and contents."""
        self._read_headers()
        digest = hashlib.sha256()
        for name, index in zip(self.names, self._chosen.tolist(), strict=True):
            digest.update(os.fsencode(f"{name}\0{self._file_facts[index].digest}\n"))
        shapes = {header.shape for header in self.headers()}
        return Facts(
            name=self.path.name,
            version=f"{_RULES}-{digest.hexdigest()[:16]}",
            kind="images",
            shape=shapes.pop() if len(shapes) == 1 else None,
            classes=self._classes,
        )

    def headers(self) -> list[ImageHeader]:
        """Return the headers of the files that have one; those not read before are read now."""
        self._read_headers()
        chosen = [self._file_facts[index].header for index in self._chosen.tolist()]
        return [header for header in chosen if header is not None]

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
        part = copy.copy(self)
        part.__dict__.pop("facts", None)  # those of the whole
        part._chosen = self._chosen[order]
        part.labels = None if self.labels is None else self.labels[order]
        part.names = [self.names[index] for index in order]
        return part

    def _decode(self, index: int, read: Read, claim: Claim) -> _Decoded:
        try:
            data = read(self.names[index])
            self._note(int(self._chosen[index]), data)
            return _Decoded(index, decode_file(data, claim))
        except MemoryError as error:
            raise InputError(
                f"There is not enough memory for {shown(self.names[index])} in {self.path}."
            ) from error
        except Exception as error:  # noqa: BLE001 - a bad file makes Pillow raise anything
            return _Decoded(index, None, failure_reason(error))

    def _note(self, file: int, data: bytes) -> None:
        if file not in self._file_facts:
            digest = hashlib.sha256(data).hexdigest()
            self._file_facts[file] = _FileFacts(digest, _header(data))

    def _read_headers(self) -> None:
        chosen = self._chosen.tolist()
        unknown = [index for index in chosen if index not in self._file_facts]
        if not unknown:
            return
        with self._files.opened() as read:
            failures = in_threads(
                len(unknown),
                lambda position: self._note(
                    unknown[position], read(self._files.names[unknown[position]])
                ),
            )
        for position in failures:
            self._file_facts[unknown[position]] = _FileFacts("unreadable", None)

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
            8-bit value, and for too many of them.
    """
    with open_image(data) as image:
        channels, height, width = header_of(image).shape
        claim(channels * height * width)
        pixels = to_array(to_eight_bit(image, channels))  # (C, H, W), a view of Pillow's memory
        if pixels.shape != (channels, height, width):
            raise ValueError("its header tells another size than its pixels")
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


def _header(data: bytes) -> ImageHeader | None:
    try:
        with open_image(data) as image:
            return header_of(image)
    except Exception:  # noqa: BLE001 - Pillow raises anything; decoding will give the reason
        return None
