# SPDX-License-Identifier: MIT
"""Stdout holds results alone: whatever else is printed while a verb works goes to stderr.

So a user's code that prints, a library in C, or a process that they start, cannot corrupt the JSON
document or the table that a command prints.
"""

from __future__ import annotations

import codecs
import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import TextIO

_STDOUT, _STDERR = 1, 2
_NEAREST = {"–": "-", "—": "-", "…": ".", "×": "x", "·": ".", "↑": "^", "↓": "v", "→": ">"}
"""Plain characters of the same width, for encodings without the original."""

_streams: list[TextIO] = []


def result_stream() -> TextIO:
    """Return the stream for results: stdout as it was before the verb began."""
    return _streams[-1] if _streams else sys.stdout


@contextmanager
def results_apart() -> Iterator[None]:
    """Keep stdout for results; what others print, also from C or another process, goes to stderr.

    Raises:
        OSError: The results cannot be written.
    """
    with _at_another_descriptor(sys.stdout) as stream, redirect_stdout(sys.stderr):
        _streams.append(stream)
        try:
            yield
        finally:
            _streams.pop()


@contextmanager
def _at_another_descriptor(stdout: TextIO) -> Iterator[TextIO]:
    """Yield a stream to where stdout goes, while its descriptor leads to stderr."""
    if not _is_descriptor(stdout):
        yield stdout  # a notebook or a test has put something else in its place
        return
    stdout.flush()
    descriptor = os.dup(_STDOUT)
    os.dup2(_STDERR, _STDOUT)
    stream = open(descriptor, "w", encoding=stdout.encoding, errors=stdout.errors)  # noqa: SIM115
    try:
        yield stream
    finally:
        _flush_c()
        os.dup2(descriptor, _STDOUT)
        close(stream)


def _flush_c() -> None:
    """Write what code in C has printed and not written yet, while stdout leads to stderr."""
    import ctypes

    with suppress(OSError, AttributeError, TypeError):  # Windows has no library of that name
        ctypes.CDLL(None).fflush(None)


def _is_descriptor(stdout: TextIO) -> bool:
    try:
        return stdout.fileno() == _STDOUT
    except (OSError, ValueError):
        return False


def close(stream: TextIO) -> None:
    """Write what is left in a stream, and close it.

    If that fails, the rest is discarded, because Python would try again at its end.

    Raises:
        OSError: The rest cannot be written.
    """
    try:
        stream.flush()
    except OSError:
        discard(stream)
        raise
    finally:
        stream.close()


def discard(stream: TextIO) -> None:
    """Point a stream nowhere."""
    with suppress(OSError, ValueError), open(os.devnull, "w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


def prepare_streams() -> None:
    """Let stdout and stderr take any text, whatever their encoding, and also if they are closed."""
    codecs.register_error("ganbench-nearest", _nearest)
    for name in ("stdin", "stdout", "stderr"):  # the next file to be opened gets the lowest number
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="ganbench-nearest")


def _nearest(error: UnicodeError) -> tuple[str, int]:
    """Return plain characters for those that an encoding lacks."""
    assert isinstance(error, UnicodeEncodeError)
    characters = error.object[error.start : error.end]
    return "".join(map(_plain, characters)), error.end


def _plain(character: str) -> str:
    """Return an ASCII character that looks nearly like another one, or a question mark.

    >>> [_plain(character) for character in "²é↑語"]
    ['2', 'e', '^', '?']
    """
    simple = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return _NEAREST.get(character) or simple[:1] or "?"
