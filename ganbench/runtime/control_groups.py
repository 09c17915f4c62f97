# SPDX-License-Identifier: MIT
"""The control groups by which Linux limits what the processes of a container or a job may take."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")
"""Where the system describes itself; another folder in tests."""


def group_folders(controller: str, root: Path | None = None) -> Iterator[Path]:
    """Yield the folders of this process's control groups and of those around them.

    Each of these groups has a limit of its own, and the lowest one holds. Folders may be missing.

    Args:
        controller: What the groups limit: ``cpu``, ``memory``.
        root: The folder that holds ``proc`` and ``sys``; that of this machine by default.
    """
    root = root or ROOT
    for line in file_text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        for mount in (controller, controllers) if controllers else ("", "unified"):  # version 1, 2
            top = root / "sys/fs/cgroup" / mount
            group = top / path.lstrip("/")
            # A container sees its own group as the top, whatever the path is called outside.
            for folder in (group, *group.parents):
                yield folder
                if folder == top:
                    break


def file_text(path: Path) -> str:
    """Return the text of a file of the system, empty if the file is missing or unreadable."""
    try:
        return path.read_text()
    except OSError:
        return ""
