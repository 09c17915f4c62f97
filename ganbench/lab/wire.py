# SPDX-License-Identifier: MIT
"""Frames as bytes: a header as JSON, then arrays in little endian, all on multiples of four bytes.

A frame is an unsigned 32-bit length of the header, the header in UTF-8, padded with spaces, and the
arrays one after the other in the order in which the header names them.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganbench.errors import InputError
from ganbench.records.json_values import as_whole, parse_json, strict_json

DTYPES = ("u1", "u2", "i1", "f2", "f4")
"""The types of numbers that a frame may hold, as numpy names them."""

_WORD = 4


@dataclass(frozen=True)
class Frame:
    """What the page shows at a moment of training."""

    header: Mapping[str, Any]
    """JSON values; ``arrays`` is added when the frame is packed."""
    arrays: Mapping[str, NDArray[Any]]
    """Arrays by name, of any of ``DTYPES``."""


def pack_frame(frame: Frame) -> bytes:
    """Return a frame as bytes.

    Raises:
        InputError: An array holds numbers of another type.
    """
    described, parts = [], []
    for name, array in frame.arrays.items():
        dtype = array.dtype.str[1:]
        if dtype not in DTYPES:
            raise InputError(f"The array {name} holds {array.dtype}; a frame holds {DTYPES}.")
        described.append({"name": name, "dtype": dtype, "shape": list(array.shape)})
        parts.append(_padded(np.ascontiguousarray(array, f"<{dtype}").tobytes(), b"\0"))
    header = _padded(strict_json({**frame.header, "arrays": described}).encode(), b" ")
    return b"".join([struct.pack("<I", len(header)), header, *parts])


def unpack_frame(data: bytes) -> Frame:
    """Return the frame of some bytes.

    Raises:
        InputError: They are no frame.
    """
    try:
        (length,) = struct.unpack_from("<I", data)
        header = parse_json(data[_WORD : _WORD + length])
        arrays, start = {}, _WORD + length
        for described in header["arrays"]:
            shape = tuple(as_whole(size) or 0 for size in described["shape"])
            dtype = np.dtype(f"<{DTYPES[DTYPES.index(described['dtype'])]}")
            array = np.frombuffer(data, dtype, prod(shape), start).reshape(shape)
            arrays[described["name"]] = array
            start += array.nbytes + -array.nbytes % _WORD
    except (struct.error, ValueError, LookupError, TypeError) as error:
        raise InputError(f"These bytes are no frame: {error}.") from error
    return Frame({key: value for key, value in header.items() if key != "arrays"}, arrays)


def split_frame(data: bytes) -> tuple[bytes, bytes]:
    """Return the bytes of a packed frame up to its arrays, and those of its arrays."""
    (length,) = struct.unpack_from("<I", data)
    return data[: _WORD + length], data[_WORD + length :]


def frame_header(data: bytes) -> Mapping[str, Any]:
    """Return the header of a packed frame, without its arrays."""
    (length,) = struct.unpack_from("<I", data)
    header: Mapping[str, Any] = parse_json(data[_WORD : _WORD + length])
    return header


def _padded(data: bytes, fill: bytes) -> bytes:
    return data + fill * (-len(data) % _WORD)
