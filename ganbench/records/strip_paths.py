# SPDX-License-Identifier: MIT
"""Text that means the same on another machine: without absolute paths and home folders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_PART = r"""[^\s'"<>|,;:=()\[\]{}/\\]"""
_ABSOLUTE = re.compile(
    rf"""(?<![^\s'"=(\[{{<>,;:|])    # where a text or an argument begins, not inside a word
    (?: ~[\w.-]*/ | /(?=[\w.~-]) | [A-Za-z]:[\\/] | \\\\ )
    (?: (?: {_PART}+ [/\\] )* (?P<name> {_PART}+ ) [/\\]? )?""",
    re.VERBOSE,
)


def strip_paths(text: str) -> str:
    """Replace each absolute path in a text by its last part.

    >>> strip_paths("ganbench run --model /home/someone/mygan.py --out=/tmp/a/runs")
    'ganbench run --model mygan.py --out=runs'
    >>> strip_paths("fid@mnist-cnn/v1, see https://example.org/a/b and ./mygan.py")
    'fid@mnist-cnn/v1, see https://example.org/a/b and ./mygan.py'
    """
    if "/" not in text and "\\" not in text:  # most texts: they need no search
        return text
    return _ABSOLUTE.sub(lambda match: match["name"] or "folder", text)


def strip_paths_in(value: Any) -> Any:
    """Strip the paths from every text in a JSON-like value, keys included, at any depth."""
    if isinstance(value, str):
        return strip_paths(value)
    if isinstance(value, Mapping):
        return {strip_paths(str(key)): strip_paths_in(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [strip_paths_in(item) for item in value]
    return value
