# SPDX-License-Identifier: MIT
"""Sample grids, made small, and names for files that hold nothing but letters and digits."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ganbench.records.atomic_files import slug
from ganbench.records.run_record import RunRecord

LONGEST_SIDE = 1024
"""Pixels; a larger grid is reduced."""

MOST_BYTES = 300_000
"""A grid that takes more as it is gets a palette of 256 colors."""


@dataclass(frozen=True)
class Picture:
    """A PNG: where it lies below the report's folder, its bytes, its size in pixels."""

    file: str
    data: bytes
    width: int
    height: int

    @property
    def uri(self) -> str:
        """The picture as an address that needs no file."""
        return "data:image/png;base64," + base64.b64encode(self.data).decode("ascii")


def sample_pictures(runs: Iterable[RunRecord]) -> dict[str, Picture]:
    """Return the last sample grid of each run that has one that can be read, by run name."""
    found: dict[str, Picture] = {}
    taken: set[str] = set()
    for run in runs:
        for path in reversed(run.grids):
            data = small_png(path)
            if data is None:
                continue
            seed = "" if run.seed is None else f"-seed{run.seed}"
            stem = unique(f"{slug(f'{run.dataset}-{run.variant}')}{seed}", run.name, taken)
            with Image.open(io.BytesIO(data)) as image:
                found[run.name] = Picture(f"samples/{stem}.png", data, image.width, image.height)
            break
    return found


def small_png(path: Path) -> bytes | None:
    """Return a picture as a PNG without metadata, reduced where it is large; None if damaged.

    A picture that is small already keeps its pixels, and one that was reduced before stays as
    it is.
    """
    try:
        with Image.open(path) as opened:
            image = opened.copy()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    if image.mode not in {"1", "L", "P", "RGB"}:
        image = image.convert("RGB")
    if max(image.size) > LONGEST_SIDE:
        image = image.convert("L" if image.mode in {"1", "L"} else "RGB")
        image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    data = _encode(image)
    if len(data) > MOST_BYTES and image.mode == "RGB":
        data = _encode(image.quantize(256))
    return data


def _encode(image: Image.Image) -> bytes:
    image.info = {}
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def unique(stem: str, source: str, taken: set[str]) -> str:
    """Return a stem that is not taken, and take it; ``source`` tells equal ones apart."""
    if stem in taken:
        stem = f"{stem}-{hashlib.sha256(source.encode()).hexdigest()[:8]}"
    taken.add(stem)
    return stem
