# SPDX-License-Identifier: MIT
"""Sample grids: what they look like once they are small, and how small they are."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ganbench.records.run_record import RunRecord
from ganbench.report import pictures
from ganbench.report.pictures import (
    COLORS,
    DRAWING_SIDE,
    LONGEST_SIDE,
    Picture,
    sample_pictures,
    small_webp,
)


def small(image: Image.Image, folder: Path) -> tuple[bytes, Image.Image]:
    """Return the small picture of an image, as bytes and as read again."""
    folder.mkdir(exist_ok=True)
    image.save(folder / "grid.png", comment="where it was made")
    data = small_webp(folder / "grid.png")
    assert data is not None
    (folder / "small.webp").write_bytes(data)
    assert small_webp(folder / "small.webp") == data, "making it small again changes nothing"
    with Image.open(folder / "small.webp") as read:
        read.load()
        assert not {"exif", "icc_profile", "xmp", "comment"} & read.info.keys()
        return data, read


def digits() -> NDArray[np.uint8]:
    """Return 64 blurred rings on a dark, noisy ground, as a grid of samples: (242, 242)."""
    random = np.random.default_rng(0)
    grid = np.full((242, 242), 255, dtype=np.uint8)
    yy, xx = np.mgrid[0:28, 0:28]
    for index in range(64):
        radius, width = random.uniform(5, 10), random.uniform(1, 2.5)
        ring = 255 * np.exp(-(((np.hypot(yy - 14, xx - 14) - radius) / width) ** 2))
        ring = np.clip(ring + random.normal(0, 4, ring.shape), 0, 255)
        row, column = (2 + 30 * place for place in divmod(index, 8))
        grid[row : row + 28, column : column + 28] = ring.astype(np.uint8)
    return grid


def points() -> Image.Image:
    """Return 2,500 points around a grid of modes on white, as ganbench draws them: 480 pixels."""
    random = np.random.default_rng(0)
    image = Image.new("RGB", (480, 480), "white")
    draw = ImageDraw.Draw(image, "RGBA")
    for x, y in random.normal(0, 8, (2500, 2)) + 80 * random.integers(1, 6, (2500, 2)):
        draw.ellipse((x - 1.5, y - 1.5, x + 1.5, y + 1.5), fill=(0, 114, 178, 90))
    for x, y in np.ndindex(5, 5):
        box = (80 * x + 72, 80 * y + 72, 80 * x + 88, 80 * y + 88)
        draw.ellipse(box, outline=(0, 0, 0, 255))
    return image


def test_samples_keep_their_own_pixels_and_look_the_same(tmp_path: Path) -> None:
    own = digits()
    enlarged = Image.fromarray(own.repeat(2, axis=0).repeat(2, axis=1))
    data, shown = small(enlarged, tmp_path)
    assert shown.size == (242, 242), "pixels that are only repeated tell nothing"
    difference = np.asarray(shown.convert("L")).astype(float) - own
    assert float(np.sqrt((difference**2).mean())) < 8, "of 255 gray values"
    assert len(data) < 16_000


def test_where_many_grids_are_large_each_shows_its_first_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = []
    for seed in range(4):
        Image.fromarray(digits()).save(tmp_path / f"{seed}.png")
        runs.append(RunRecord(f"run {seed}", "done", seed=seed, grids=(tmp_path / f"{seed}.png",)))
    whole = sample_pictures(runs)
    total = sum(len(picture.data) for picture in whole.values())
    monkeypatch.setattr(pictures, "MOST_GRID_BYTES", total // 3)
    fewer = sample_pictures(runs)
    assert {(picture.width, picture.height) for picture in fewer.values()} == {(122, 122)}
    assert sum(len(picture.data) for picture in fewer.values()) <= total // 3
    first, part = (shown_by(each["run 0"]) for each in (whole, fewer))
    assert np.abs(first[:120, :120] - part[:120, :120]).mean() < 5, "the same samples"
    monkeypatch.setattr(pictures, "MOST_GRID_BYTES", 10)
    assert {picture.width for picture in sample_pictures(runs).values()} == {92}


def shown_by(picture: Picture) -> NDArray[np.float64]:
    return np.asarray(Image.open(io.BytesIO(picture.data)).convert("L")).astype(np.float64)


def test_a_drawing_has_few_colors_and_is_not_blurred(tmp_path: Path) -> None:
    data, shown = small(points(), tmp_path)
    assert shown.size == (DRAWING_SIDE, DRAWING_SIDE)
    colors = {color for _, color in shown.convert("RGB").getcolors(1 << 16) or []}
    assert len(colors) <= COLORS
    assert (255, 255, 255) in colors, "its ground stays white"
    assert min(sum(color) for color in colors) < 300, "the rings of the modes stay dark"
    assert len(data) < 12_000


def test_the_worst_case_is_bounded(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    noise = Image.fromarray(random.integers(0, 256, (1500, 1200, 3), dtype=np.uint8))
    data, shown = small(noise, tmp_path)
    assert shown.size == (400, 500)
    assert max(shown.size) <= LONGEST_SIDE
    assert len(data) < 400 * 500 // 2, "half a byte a pixel at most"


def test_a_picture_with_metadata_loses_it(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "where it was made"
    Image.new("RGB", (40, 40), "red").save(tmp_path / "grid.webp", exif=exif)
    data = small_webp(tmp_path / "grid.webp")
    assert data is not None
    assert b"where it was made" not in data


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_of_several_grids_the_latest_that_can_be_read_is_shown(tmp_path: Path, suffix: str) -> None:
    image = Image.fromarray(digits())
    image.save(tmp_path / "whole.png")
    image.save(tmp_path / f"cut.{suffix}")
    data = (tmp_path / f"cut.{suffix}").read_bytes()
    (tmp_path / f"cut.{suffix}").write_bytes(data[: len(data) // 2])
    assert small_webp(tmp_path / f"cut.{suffix}") is None
    run = RunRecord("r", "done", grids=(tmp_path / "whole.png", tmp_path / f"cut.{suffix}"))
    assert sample_pictures([run])["r"].data == small_webp(tmp_path / "whole.png")
