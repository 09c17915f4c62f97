# SPDX-License-Identifier: MIT
"""One-sentence exceptions; each has a kind and the exit code of the command that it ends."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager


class GanbenchError(Exception):
    """A problem that the user can fix: a sentence, and a hint about what to type next."""

    kind = "error"
    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(GanbenchError):
    """A setting is unknown, of the wrong type, out of range, or does not fit the others."""

    kind = "config"
    exit_code = 2


class ContractError(ConfigError):
    """A model, trick or network does not keep to the contract: it returned something else."""

    kind = "contract"


class DeviceError(ConfigError):
    """This machine lacks the device that was asked for, or on which the work was begun."""


class UnknownNameError(ConfigError):
    """No registry entry has the name; the message suggests the nearest ones."""

    kind = "unknown-name"


class InputError(GanbenchError):
    """A file or folder that the user named cannot be read as what it should be."""

    kind = "input"
    exit_code = 2


class MissingDataError(GanbenchError):
    """Data or weights are not on this machine; the hint is the command that gets them."""

    kind = "missing"
    exit_code = 4


class StorageError(GanbenchError):
    """A folder cannot be written, or a disk is full."""

    kind = "storage"


class DamagedRunError(GanbenchError):
    """A record or checkpoint that ganbench wrote was cut short or altered."""

    kind = "damaged"


class UnreadableRunError(DamagedRunError):
    """This machine fails to read a record or checkpoint, which may well be whole."""


class MemoryShortageError(GanbenchError):
    """This machine, or its GPU, has too little free memory for the work."""

    kind = "memory"


class StoppedError(GanbenchError):
    """The user asked twice to stop, so the command ended at once."""

    kind = "interrupted"
    exit_code = 130


def suggest(name: str, known: Iterable[str]) -> str:
    """Return ``Did you mean 'x'?`` for the nearest known names, or the empty string."""
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    if not near:
        return ""
    # Where one name is all but equal, the others are noise.
    likeness = [difflib.SequenceMatcher(None, match, name).ratio() for match in near]
    near = [match for match, ratio in zip(near, likeness, strict=True) if ratio > likeness[0] - 0.1]
    return "Did you mean " + " or ".join(f"'{match}'" for match in near) + "?"


Wording = Callable[[BaseException], GanbenchError]
"""Makes a sentence of an error that is not ganbench's own."""


@contextmanager
def foreign_errors(wording: Wording, *, passing: type[Exception] = GanbenchError) -> Iterator[None]:
    """Turn an error of code that is not ganbench's own into a sentence.

    Whatever a user's model, function or dataset raises, or a library that reads a user's file, is
    the user's to mend. ``SystemExit`` is an error as well: only ganbench ends the process.

    Args:
        wording: Makes the sentence; it may also return the error itself, as one of ganbench's own.
        passing: A kind of error that passes unchanged, next to ganbench's own sentences.

    Raises:
        GanbenchError: The code raised an error, or there was too little memory for it.
    """
    try:
        yield
    except (GanbenchError, passing):
        raise
    except (Exception, SystemExit) as error:
        raise (memory_shortage(error) or wording(error)) from error


def error_text(error: BaseException) -> str:
    """Return the type and the reason of an error on one line, as the end of a sentence.

    >>> error_text(KeyError("a"))
    "KeyError: 'a'"
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # An error from within TorchScript begins with lines of where, and ends with the reason.
    from_script = bool(lines) and lines[0].startswith("The following operation")
    reason = "".join(lines[-1:] if from_script else lines[:1])
    return f"{type(error).__name__}: {reason}".rstrip(".: ")


_MEMORY_WORDS = ("allocate memory", "out of memory", "not enough memory", "bad_alloc")
"""What torch, CUDA and C++ say, in a RuntimeError, when memory cannot be allocated."""


def memory_shortage(error: BaseException) -> MemoryShortageError | None:
    """Return the sentence on memory that could not be allocated, or None for other errors."""
    told = isinstance(error, RuntimeError) and any(word in str(error) for word in _MEMORY_WORDS)
    if not (told or isinstance(error, MemoryError)):
        return None
    reason = error_text(error)
    return MemoryShortageError(
        f"There is too little memory: {reason}.",
        "Try a smaller batch (--batch-size), fewer samples, or fewer cells at a time.",
    )
