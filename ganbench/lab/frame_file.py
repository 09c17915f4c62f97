# SPDX-License-Identifier: MIT
"""The records of a recording on disk while its run goes on, so that a killed run loses none.

Each is an unsigned 32-bit length in little endian, a byte that says what follows (0 for JSON, 1 for
a frame), and the bytes, as in a recording.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganbench.lab.links import FRAME, TEXT
from ganbench.lab.wire import frame_header
from ganbench.records.atomic_files import storage_errors
from ganbench.records.json_values import strict_json

_HEAD = struct.Struct("<Ic")


@dataclass(frozen=True)
class FrameFile:
    """A file of records to which more are added."""

    path: Path

    def tell(self, message: Mapping[str, Any]) -> None:
        """Add a message."""
        self._add(TEXT, strict_json(message).encode())

    def show(self, frame: bytes) -> None:
        """Add a packed frame."""
        self._add(FRAME, frame)

    def _add(self, kind: bytes, data: bytes) -> None:
        with storage_errors(self.path), self.path.open("ab") as file:
            file.write(record_bytes(kind, data))

    def records(self) -> list[tuple[bytes, bytes]]:
        """Return the records, pairs of a kind and bytes, without one that was cut off."""
        if not self.path.is_file():
            return []
        return list(split_records(self.path.read_bytes()))

    def keep_until(self, kimg: float) -> list[tuple[bytes, bytes]]:
        """Drop the first frame after ``kimg`` and all that follows; return the records left."""
        if not self.path.is_file():
            return []
        kept: list[tuple[bytes, bytes]] = []
        for kind, data in self.records():
            if kind == FRAME and frame_header(data)["kimg"] > kimg:
                break
            kept.append((kind, data))
        with storage_errors(self.path), self.path.open("r+b") as file:
            file.truncate(sum(_HEAD.size + len(data) for _, data in kept))
        return kept


def frame_headers(records: Iterable[tuple[bytes, bytes]]) -> list[Mapping[str, Any]]:
    """Return the headers of the frames among some records."""
    return [frame_header(data) for kind, data in records if kind == FRAME]


def record_bytes(kind: bytes, data: bytes) -> bytes:
    """Return a record as bytes."""
    return _HEAD.pack(len(data), kind) + data


def split_records(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the records of some bytes, up to the last that is whole."""
    start = 0
    while start + _HEAD.size <= len(data):
        length, kind = _HEAD.unpack_from(data, start)
        start += _HEAD.size
        if start + length > len(data):
            return
        yield kind, data[start : start + length]
        start += length
