# SPDX-License-Identifier: MIT
"""Frames: what is packed is unpacked, at the places that the page reads."""

import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.errors import InputError
from ganbench.lab.wire import DTYPES, Frame, frame_header, pack_frame, unpack_frame


def test_the_layout_is_that_of_the_wire():
    points = np.array([[1, 2], [3, 4], [5, 65535]], np.uint16)
    heat = np.arange(5, dtype=np.uint8)
    data = pack_frame(Frame({"frame": 7, "caption": "é"}, {"fake": points, "heat": heat}))
    (length,) = struct.unpack("<I", data[:4])
    assert length % 4 == 0
    header = json.loads(data[4 : 4 + length].decode())
    assert header == {
        "frame": 7,
        "caption": "é",
        "arrays": [
            {"name": "fake", "dtype": "u2", "shape": [3, 2]},
            {"name": "heat", "dtype": "u1", "shape": [5]},
        ],
    }
    body = data[4 + length :]
    assert body[:12] == points.astype("<u2").tobytes()
    assert body[12:17] == bytes(range(5))
    assert len(body) == 12 + 8


@given(
    st.sampled_from(DTYPES),
    st.lists(st.integers(0, 4), min_size=0, max_size=3),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
)
def test_what_is_packed_is_unpacked(dtype, shape, caption):
    array = np.random.default_rng(0).integers(0, 100, shape).astype(dtype)
    data = pack_frame(Frame({"caption": caption}, {"first": array, "second": array.T}))
    frame = unpack_frame(data)
    assert frame.header == {"caption": caption}
    assert frame_header(data)["caption"] == caption
    np.testing.assert_array_equal(frame.arrays["first"], array)
    np.testing.assert_array_equal(frame.arrays["second"], array.T)
    assert len(data) % 4 == 0


def test_other_numbers_and_other_bytes_are_refused():
    with pytest.raises(InputError, match="float64"):
        pack_frame(Frame({}, {"fake": np.zeros(2)}))
    whole = pack_frame(Frame({}, {"fake": np.zeros(2, np.float32)}))
    for data in (b"", b"abc", whole[:-4], struct.pack("<I", 9) + b"{}"):
        with pytest.raises(InputError, match="no frame"):
            unpack_frame(data)


def test_numbers_that_are_not_finite_are_null():
    frame = Frame({"numbers": {"js": float("nan"), "modes": float("inf")}}, {})
    assert unpack_frame(pack_frame(frame)).header == {"numbers": {"js": None, "modes": None}}
