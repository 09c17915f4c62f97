# SPDX-License-Identifier: MIT
"""The files below a folder: which are wanted, and how many others were passed over, and why.

Links are followed. A folder is read once, whatever leads to it, so links that form a loop end.
"""

from __future__ import annotations

import os
import re
import stat
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

HIDDEN = "hidden files and folders"
REPEATED = "links to folders that are read already"
BROKEN = "broken links"
CLOSED = "folders that cannot be opened"
IRREGULAR = "entries that are no regular files"

_MOST_REASONS = 8
_ENDING = re.compile(r"\.[\w-]{1,12}", re.ASCII)


@dataclass(frozen=True)
class FilesBelow:
    """The wanted files as sorted relative paths with slashes, and counts of others by reason."""

    names: list[str]
    passed_over: Counter[str]


def files_below(folder: Path, wanted: Callable[[str], bool]) -> FilesBelow:
    """List the files at or below a folder for which ``wanted`` says so by their relative path.

    A folder that lies below ``folder`` goes by its own path, even if links lead to it as well.

    Raises:
        OSError: The folder itself cannot be read.
    """
    names: list[str] = []
    passed_over: Counter[str] = Counter()
    read: set[tuple[int, int]] = set()
    folders, links = deque([""]), deque[str]()
    while folders or links:  # links come last: what they lead to may lie below, too
        inner = folders.popleft() if folders else links.popleft()
        try:
            status = (folder / inner).stat()
            if (status.st_dev, status.st_ino) in read:
                passed_over[REPEATED] += 1
                continue
            read.add((status.st_dev, status.st_ino))
            with os.scandir(folder / inner) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            if not inner:
                raise
            passed_over[CLOSED] += 1
            continue
        for entry in listed:
            name = f"{inner}/{entry.name}" if inner else entry.name
            reason = _kind(entry)
            if reason == "folder":
                (links if entry.is_symlink() else folders).append(name)
            elif not reason and wanted(name):
                names.append(name)
            else:
                passed_over[reason or by_ending(name)] += 1
    return FilesBelow(sorted(names), passed_over)


def _kind(entry: os.DirEntry[str]) -> str:
    """Return ``folder``, the empty string for a regular file, or why an entry is passed over."""
    if entry.name.startswith("."):
        return HIDDEN
    try:
        mode = entry.stat().st_mode
    except OSError:
        return BROKEN
    if stat.S_ISDIR(mode):
        return "folder"
    return "" if stat.S_ISREG(mode) else IRREGULAR


def is_hidden(name: str) -> bool:
    """Tell whether a file, or a folder on the way to it, is hidden: its name begins with a dot."""
    return any(part.startswith(".") for part in PurePosixPath(name).parts)


def by_ending(name: str) -> str:
    """Return the reason for which a file is passed over that is known by its ending alone."""
    ending = PurePosixPath(name).suffix.lower()
    if not ending:
        return "files without an ending"
    return f"files ending in {ending}" if _ENDING.fullmatch(ending) else "files of other endings"


def counted_reasons(passed_over: Mapping[str, int]) -> str:
    """Return counts by reason as text, the largest first.

    >>> counted_reasons({"broken links": 3, "files ending in .npy": 20})
    'files ending in .npy (20), broken links (3)'
    """
    counts = sorted(passed_over.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{reason} ({count:,})" for reason, count in counts[:_MOST_REASONS]]
    others = sum(count for _, count in counts[_MOST_REASONS:])
    return ", ".join([*shown, *([f"others ({others:,})"] if others else [])])
