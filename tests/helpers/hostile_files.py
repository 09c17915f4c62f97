# SPDX-License-Identifier: MIT
"""Hostile files: how they are made, and what any reader may do with one.

A reader may read a file or refuse it in one sentence (``GanbenchError``), in bounded time and
memory, whatever the file holds. Modules named ``hostile_*`` list ``READERS`` for the fuzz tests,
and ``benchmarks/fuzz_readers.py`` finds those modules by that name.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from ganbench.errors import GanbenchError

MOST_SECONDS = 20.0
"""What one file may take, on a busy machine; most take a hundredth of a second."""
MOST_MEMORY_MB = 700
"""What one file of a few kilobytes may add to the memory of the process."""

_UNIT = 1024 if sys.platform != "darwin" else 1
_NUMBERS = (0, 1, 2**7, 2**8 - 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1)


@dataclass(frozen=True)
class Reader:
    """A reader of one kind of file.

    ``contents`` makes what ``write(folder, content)`` writes; that returns the path which
    ``read`` opens and reads to its end.
    """

    name: str
    contents: st.SearchStrategy[Any]
    write: Callable[[Path, Any], Path]
    read: Callable[[Path], object]


@dataclass(frozen=True)
class Attempt:
    """What came of one file: ``read``, or ``refused`` with the sentence."""

    outcome: str
    sentence: str
    seconds: float
    memory_mb: float


def attempt(reader: Reader, content: Any) -> Attempt:
    """Write a file, let the reader read it, and return what came of it.

    Raises:
        AssertionError: It took too much time or memory, or the refusal cannot be printed.
        Exception: Whatever the reader raised that is no ``GanbenchError``.
    """
    with tempfile.TemporaryDirectory(prefix="hostile-") as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = reader.write(Path(name), content)
        memory, begun = _peak_mb(), time.monotonic()
        sentence = ""
        try:
            reader.read(path)
        except GanbenchError as error:
            sentence = error.message
            assert sentence.strip(), "the refusal says nothing"
            assert "\n" not in sentence, f"the refusal is more than a sentence: {sentence!r}"
            assert len(sentence) < 5000, f"the refusal is as long as the file: {sentence[:99]!r}"
        seconds, grown = time.monotonic() - begun, _peak_mb() - memory
    assert seconds < MOST_SECONDS, f"{reader.name} took {seconds:.0f} s"
    assert grown < MOST_MEMORY_MB, f"{reader.name} took {grown:,.0f} MB"
    return Attempt("refused" if sentence else "read", sentence, seconds, grown)


@st.composite
def damaged(draw: st.DrawFn, wholes: st.SearchStrategy[bytes]) -> bytes:
    """Draw a file; half of them have bytes changed, numbers overwritten, parts doubled or cut."""
    data = bytearray(draw(wholes))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2, 4]))):
        if not data:
            break
        # Headers are hit more often than they are long.
        reach = len(data) if draw(st.booleans()) else min(len(data), 128)
        place = draw(st.integers(0, reach - 1))
        match draw(st.sampled_from(["byte", "number", "cut", "double", "remove", "zeros"])):
            case "byte":
                data[place] = draw(st.integers(0, 255))
            case "number":
                length = draw(st.sampled_from([2, 4, 8]))
                order = draw(st.sampled_from(["little", "big"]))
                number = draw(st.sampled_from(_NUMBERS)) % 2 ** (8 * length)
                data[place : place + length] = number.to_bytes(length, order)
            case "cut":
                del data[place:]
            case "double":
                length = draw(st.integers(1, 200))
                data[place:place] = data[place : place + length]
            case "remove":
                del data[place : place + draw(st.integers(1, 50))]
            case "zeros":
                length = draw(st.integers(1, 200))
                data[place : place + length] = bytes(length)
    return bytes(data)


def written_as(name: str) -> Callable[[Path, bytes], Path]:
    """Return what writes bytes into a file of that name."""

    def write(folder: Path, content: bytes) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT / 2**20
