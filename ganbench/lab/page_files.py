# SPDX-License-Identifier: MIT
"""The files of the lab's page, by the addresses at which they are served."""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).parent / "page"

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
}


def page_files() -> dict[str, tuple[bytes, str]]:
    """Return the page's files by their addresses, with their types; they are read once.

    What a browser asks for is looked up here, never on the disk.
    """
    files = {}
    for path in sorted(PAGE.rglob("*")):
        if path.is_file() and path.suffix in _TYPES:
            files["/" + path.relative_to(PAGE).as_posix()] = (
                path.read_bytes(),
                _TYPES[path.suffix],
            )
    if "/index.html" in files:
        files["/"] = files["/index.html"]
    return files
