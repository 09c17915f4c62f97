# SPDX-License-Identifier: MIT
"""Strips: the sample grids of a run along its training, side by side in one small picture."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image

from ganbench.records.run_record import RunRecord
from ganbench.report.dataset.dataset_section import DatasetSection
from ganbench.report.pictures import (
    COLORS,
    COLUMNS,
    QUALITY,
    SEPARATOR,
    Picture,
    block_means,
    grid_step,
    is_drawing,
    own_pixels,
    read_grid,
)
from ganbench.report.strip import Strip

FRAME_SIDE = 128
"""Pixels; of a larger grid a frame shows the first samples, or all of them smaller."""

MOST_IN_STRIP = 9
LEAST_IN_STRIP = 3
"""The fewest grids of a run that show how its samples changed."""

MOST_STRIP_BYTES = 200_000
"""The most bytes that the strips of a report take together."""

_KIMG = re.compile(r"kimg0*(\d+(?:\.\d+)?)")


def training_strips(sections: Sequence[DatasetSection]) -> dict[str, Strip]:
    """Return the strips of the best run of each variant, by the names of the runs.

    The datasets share the bytes equally. On each, the variants come in the order of their best
    values, and one whose strip would exceed the share is left out.
    """
    strips: dict[str, Strip] = {}
    for section in sections:
        room = MOST_STRIP_BYTES // len(sections)
        for run in section.best_runs:
            strip = training_strip(run)
            if strip is not None and len(strip.picture.data) <= room:
                strips[run.name] = strip
                room -= len(strip.picture.data)
    return strips


def training_strip(run: RunRecord) -> Strip | None:
    """Return the grids of a run side by side; None where too few of them can be read."""
    grids: dict[float, Image.Image] = {}
    for path in _spread(run.grids):
        kimg = _kimg_of(path, run)
        grid = None if kimg is None else read_grid(path)
        if kimg is not None and grid is not None:
            grids[kimg] = grid
    size = grids[max(grids)].size if grids else None
    times = tuple(sorted(kimg for kimg, grid in grids.items() if grid.size == size))
    if len(times) < LEAST_IN_STRIP:
        return None
    frames = _frames([grids[kimg] for kimg in times])
    width, height = frames[0].size
    sheet = Image.new("RGB", (width * len(frames), height), "white")
    for place, frame in enumerate(frames):
        sheet.paste(frame.convert("RGB"), (place * width, 0))
    data = _encoded(sheet)
    return Strip(Picture("", data, *sheet.size), times)


def _spread(grids: Sequence[Path]) -> Iterable[Path]:
    """Return some grids at equal distances, with the first and the last."""
    count = min(MOST_IN_STRIP, len(grids))
    places = (round(index * (len(grids) - 1) / max(1, count - 1)) for index in range(count))
    return [grids[place] for place in dict.fromkeys(places)]


def _kimg_of(path: Path, run: RunRecord) -> float | None:
    """Return when a grid was drawn, by its name; None where nothing says so."""
    if path.stem == "final":
        return run.kimg
    match = _KIMG.fullmatch(path.stem)
    return float(match[1]) if match else None


def _frames(grids: Sequence[Image.Image]) -> list[Image.Image]:
    """Return grids of one size as small frames of one size; the last one decides how."""
    # A grid of plain areas could be reduced further than the others.
    scale = min(grid.width // own_pixels(grid).width for grid in grids)
    own = [grid.reduce(scale) for grid in grids]
    step = None if is_drawing(own[-1]) else grid_step(own[-1])
    shown = (FRAME_SIDE - SEPARATOR) // step if step else 0
    if step is None or not 0 < shown < COLUMNS:
        return [block_means(grid, FRAME_SIDE) for grid in own]
    side = shown * step + SEPARATOR
    return [grid.crop((0, 0, side, side)) for grid in own]


def _encoded(sheet: Image.Image) -> bytes:
    buffer = io.BytesIO()
    if is_drawing(sheet):
        sheet = sheet.quantize(COLORS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        sheet.convert("RGB").save(buffer, "WEBP", lossless=True, method=6)
    else:
        sheet.save(buffer, "WEBP", quality=QUALITY, method=6)
    return buffer.getvalue()
