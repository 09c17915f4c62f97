# SPDX-License-Identifier: MIT
"""One-sentence exceptions; each has a kind and the exit code of the command that it ends."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


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


class StoppedError(GanbenchError):
    """The user asked twice to stop, so the command ended at once."""

    kind = "interrupted"
    exit_code = 130


def suggest(name: str, known: Iterable[str]) -> str:
    """Return ``Did you mean 'x'?`` for the nearest known names, or the empty string."""
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    if not near:
        return ""
    return "Did you mean " + " or ".join(f"'{match}'" for match in near) + "?"
