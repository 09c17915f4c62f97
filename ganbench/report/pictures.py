# SPDX-License-Identifier: MIT
"""Sample grids made small, in files whose names hold nothing but letters and digits.

A report shows each grid twice: embedded in the page, and as a file in Markdown. So a grid keeps
only what a reader sees of it.
"""

from __future__ import annotations

import base64
import hashlib
import io
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ganbench.records.atomic_files import slug
from ganbench.records.run_record import RunRecord

LONGEST_SIDE = 544
"""Pixels; a larger grid is reduced. Eight samples of 64 pixels fit side by side."""

DRAWING_SIDE = 240
"""Pixels; a drawing has no pixels of its own and is kept at the size at which it is shown."""

COLORS = 16
"""A drawing has this many colors."""

QUALITY = 50
"""The quality of WebP, out of 100, at which samples look as they are."""

MOST_ENLARGED = 8
"""Samples are drawn at this many pixels for each of their own at most."""

MOST_GRID_BYTES = 800_000
"""The most bytes that the grids of a report take together, unless each shows very few samples."""

COLUMNS = 8
"""The columns and rows of a grid of 64 images."""

LEAST_COLUMNS = 3
"""The columns and rows of a grid that are shown however many grids there are."""

SEPARATOR = 2
"""The white pixels around each image of a grid."""

_UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
_METADATA = {"exif", "icc_profile", "xmp"}


@dataclass(frozen=True)
class Picture:
    """A WebP picture: its file below the report's folder, its bytes, its size in pixels.

    One that stands in the page alone has no file.
    """

    file: str
    data: bytes
    width: int
    height: int

    @property
    def uri(self) -> str:
        """The picture as an address that needs no file."""
        return "data:image/webp;base64," + base64.b64encode(self.data).decode("ascii")


def sample_pictures(runs: Iterable[RunRecord]) -> dict[str, Picture]:
    """Return the last readable sample grid of each run that has one, by the name of the run.

    Where they would take more than ``MOST_GRID_BYTES``, each shows the first of its samples alone.
    """
    listed = list(runs)
    pictures = _pictures(listed, COLUMNS)
    total = sum(len(picture.data) for picture in pictures.values())
    if total <= MOST_GRID_BYTES:
        return pictures
    columns = int(COLUMNS * math.sqrt(MOST_GRID_BYTES / total))
    return _pictures(listed, max(LEAST_COLUMNS, columns))


def _pictures(runs: Iterable[RunRecord], columns: int) -> dict[str, Picture]:
    """Return the grids of runs, of which so many columns and rows are shown."""
    pictures: dict[str, Picture] = {}
    taken: set[str] = set()
    for run in runs:
        for path in reversed(run.grids):
            data = small_webp(path, columns)
            if data is None:
                continue
            seed = "" if run.seed is None else f"-seed{run.seed}"
            stem = unique(f"{slug(f'{run.dataset}-{run.variant}')}{seed}", run.name, taken)
            with Image.open(io.BytesIO(data)) as image:
                size = image.size
            pictures[run.name] = Picture(f"samples/{stem}.webp", data, *size)
            break
    return pictures


def small_webp(path: Path, columns: int = COLUMNS) -> bytes | None:
    """Return a picture as a small WebP without metadata; None if the file is damaged.

    Samples keep their own pixels up to ``LONGEST_SIDE``, and are compressed with loss. A drawing,
    such as points on white, keeps ``DRAWING_SIDE`` and ``COLORS`` colors, and no loss blurs it. A
    picture that was made small before stays as it is. Of a grid of 64 images, so many ``columns``
    and rows are kept.
    """
    try:
        with Image.open(path) as opened:
            small = opened.format == "WEBP" and max(opened.size) <= LONGEST_SIDE
            opened.load()
            if small and not _METADATA & opened.info.keys():
                return path.read_bytes()
            image = _plain(opened)
    except _UNREADABLE:
        return None
    image = own_pixels(image)
    if is_drawing(image):
        image = block_means(image, DRAWING_SIDE)
        image = image.quantize(COLORS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        return _encode(image, lossless=True)
    step = grid_step(image)
    if step is not None and columns < COLUMNS:
        side = columns * step + SEPARATOR
        image = image.crop((0, 0, side, side))
    return _encode(block_means(image, LONGEST_SIDE), lossless=False)


def grid_step(image: Image.Image) -> int | None:
    """Return how many pixels lie between the samples of a grid of 64 images; None for others."""
    step, rest = divmod(image.width - SEPARATOR, COLUMNS)
    if rest or step <= SEPARATOR or image.width != image.height:
        return None
    gray = image.convert("L")
    for line in range(COLUMNS + 1):
        lines = gray.crop((line * step, 0, line * step + SEPARATOR, image.height))
        if lines.getextrema() != (255, 255):
            return None
    return step


def read_grid(path: Path) -> Image.Image | None:
    """Return a picture in gray or in color; None if the file is damaged."""
    try:
        with Image.open(path) as opened:
            return _plain(opened)
    except _UNREADABLE:
        return None


def _plain(image: Image.Image) -> Image.Image:
    return image.convert("L" if image.mode in {"1", "L"} else "RGB")


def own_pixels(image: Image.Image) -> Image.Image:
    """Return samples that were enlarged by repeating pixels at the size that they had before."""
    for factor in range(MOST_ENLARGED, 1, -1):
        if image.width % factor or image.height % factor:
            continue
        small = image.reduce(factor)
        if small.resize(image.size, Image.Resampling.NEAREST).tobytes() == image.tobytes():
            return small
    return image


def is_drawing(image: Image.Image) -> bool:
    """Tell whether a picture in color is half of one color or more: a ground that is drawn on."""
    if image.mode != "RGB":
        return False
    counts = image.getcolors(image.width * image.height) or []
    return 2 * max(count for count, _ in counts) >= image.width * image.height


def block_means(image: Image.Image, longest: int) -> Image.Image:
    """Return a picture whose pixels are the means of blocks, so that no side is too long."""
    factor = -(-max(image.size) // longest)
    return image.reduce(factor) if factor > 1 else image


def _encode(image: Image.Image, *, lossless: bool) -> bytes:
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "WEBP", lossless=lossless, quality=QUALITY, method=6)
    return buffer.getvalue()


def unique(stem: str, source: str, taken: set[str]) -> str:
    """Return a stem that is not taken, and take it; ``source`` tells equal stems apart."""
    if stem in taken:
        stem = f"{stem}-{hashlib.sha256(os.fsencode(source)).hexdigest()[:8]}"
    taken.add(stem)
    return stem
