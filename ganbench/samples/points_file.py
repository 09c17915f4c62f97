# SPDX-License-Identifier: MIT
"""Points in a text file: one per line, coordinates between commas, semicolons, tabs or spaces.

The first line may name the columns. Empty lines, and lines that begin with #, are ignored.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganbench.errors import InputError

_LINE_CHARACTERS = 2**20
_LARGEST = float(np.finfo(np.float32).max) * (1 + 2**-25)  # anything larger rounds to infinity
_NUMBER = re.compile(
    r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE
)


def read_points(path: Path) -> NDArray[np.float64]:
    """Return the points (N, D) of a text file as float64.

    Raises:
        InputError: there are no points, or a line holds something else or a different number of
            coordinates; the line is named.
    """
    values = array("d")
    width = 0
    for number, cells in _cells(path):
        if not width and not any(_NUMBER.fullmatch(cell) for cell in cells):
            _check_header(path, cells)
            width = len(cells)
            continue
        width = width or len(cells)
        if len(cells) != width:
            raise InputError(
                f"Line {number} of {path} has {len(cells)} coordinates; {width} were expected."
            )
        wrong = next((cell for cell in cells if not _NUMBER.fullmatch(cell)), None)
        if wrong is not None:
            raise InputError(f"Line {number} of {path} holds '{wrong[:40]}', which is no number.")
        values.extend(float(cell) for cell in cells)
        if not all(abs(value) <= _LARGEST for value in values[-width:]):  # NaN compares with none
            raise InputError(f"Line {number} of {path} holds a number that is not finite.")
    if not values:
        raise InputError(f"{path} holds no points; a line for each point was expected.")
    return np.frombuffer(values, np.float64).reshape(-1, width)


def _cells(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the cells of each line that is not ignored."""
    separator: str | None = None
    try:
        with path.open(encoding="utf-8-sig") as file:
            number = 0
            while line := file.readline(_LINE_CHARACTERS):
                number += 1
                if len(line) == _LINE_CHARACTERS:
                    raise InputError(f"Line {number} of {path} is too long to be a point.")
                line = line.strip()
                if not line or line.startswith("#"):
                    continue
                separator = separator or next((sign for sign in ",;\t" if sign in line), " ")
                cells = line.split(None if separator == " " else separator)
                yield number, [cell.strip().strip('"') for cell in cells]
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not a text file of points.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error


def _check_header(path: Path, cells: list[str]) -> None:
    if cells[0] == "" and len(cells) > 1:
        raise InputError(
            f"The first column of {path} has no name: it looks like a row number.",
            "Write the file without it; in pandas, with to_csv(index=False).",
        )
