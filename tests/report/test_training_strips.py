# SPDX-License-Identifier: MIT
"""Strips: the grids of a run side by side, in their order, of bounded size."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganbench.records.load import load_runs
from ganbench.records.read_run import read_run
from ganbench.records.run_folder import RunFolder
from ganbench.report import training_strips as module
from ganbench.report.charts.style import styles
from ganbench.report.closer_looks import LookPicture
from ganbench.report.dataset.dataset_section import DatasetSection, sections
from ganbench.report.dataset.picture_blocks import look_blocks, strip_blocks
from ganbench.report.pictures import Picture
from ganbench.report.training_strips import (
    FRAME_SIDE,
    MOST_IN_STRIP,
    training_strip,
    training_strips,
)


def draw_course(folder: RunFolder, count: int) -> None:
    """Write grids of 64 gray images, lighter from grid to grid; the last one twice."""
    for index in range(count):
        grid = np.full((242, 242), 255, np.uint8)
        for place in range(64):
            row, column = (2 + 30 * line for line in divmod(place, 8))
            grid[row : row + 28, column : column + 28] = 10 * index + place
            grid[row, column] = 128 if index else 10 * index + place  # the first one is plain
        image = Image.fromarray(grid).resize((484, 484), Image.Resampling.NEAREST)
        image.save(folder.samples_folder / f"kimg{40 * (index + 1):08.1f}.png")
    image.save(folder.samples_folder / "final.png")


def test_frames_show_the_first_samples_in_the_order_of_training(
    make_run: Callable[..., RunFolder], tmp_path: Path
) -> None:
    folder = make_run(tmp_path, "dcgan", "mnist5k", 0)
    draw_course(folder, 8)
    strip = training_strip(read_run(folder))
    assert strip is not None
    assert strip.kimg == tuple(40.0 * index for index in range(1, 9)), "final.png is the last one"
    shown = np.asarray(Image.open(io.BytesIO(strip.picture.data)).convert("L")).astype(int)
    assert shown.shape == (122, 8 * 122), "four samples of 28 pixels, and what separates them"
    assert shown.shape[0] <= FRAME_SIDE
    for frame in range(7):
        for row, column in np.ndindex(4, 4):
            middle = shown[30 * row + 16, 122 * frame + 30 * column + 16]
            assert abs(middle - (10 * frame + 8 * row + column)) < 6


def test_of_many_grids_some_are_shown_with_the_first_and_the_last(
    make_run: Callable[..., RunFolder], tmp_path: Path
) -> None:
    folder = make_run(tmp_path, "dcgan", "mnist5k", 0, kimg=1000.0)
    draw_course(folder, 20)
    (folder.samples_folder / "kimg000040.0.txt").write_text("no picture")
    strip = training_strip(read_run(folder))
    assert strip is not None
    assert len(strip.kimg) == MOST_IN_STRIP
    assert (strip.kimg[0], strip.kimg[-1]) == (40.0, 1000.0)


@pytest.mark.parametrize("damage", [b"", b"\x89PNG damaged"])
def test_damaged_grids_are_left_out_and_too_few_make_no_strip(
    make_run: Callable[..., RunFolder], tmp_path: Path, damage: bytes
) -> None:
    folder = make_run(tmp_path, "dcgan", "mnist5k", 0)
    draw_course(folder, 3)
    (folder.samples_folder / "kimg000080.0.png").write_bytes(damage)
    strip = training_strip(read_run(folder))
    assert strip is not None
    assert strip.kimg == (40.0, 120.0, 320.0)
    (folder.samples_folder / "kimg000120.0.png").write_bytes(damage)
    assert training_strip(read_run(folder)) is None


@pytest.fixture
def digits(make_run: Callable[..., RunFolder], tmp_path: Path) -> DatasetSection:
    """Two variants with two runs each, all with grids along training."""
    for model in ("vanilla", "dcgan"):
        for seed in range(2):
            draw_course(make_run(tmp_path, model, "mnist5k", seed), 4)
    runs = load_runs([tmp_path])
    variants = sorted({run.variant for run in runs})
    return sections(runs, [], styles(variants), None)[0]


def test_each_variant_shows_its_best_run_and_the_best_comes_first(digits: DatasetSection) -> None:
    assert digits.main is not None
    metric = digits.main.metric

    def value(run: Any) -> float:
        found = run.metrics[metric].value
        assert found is not None
        return float(found)

    least = [min(map(value, row.runs)) for row in digits.table.rows]
    assert [value(run) for run in digits.best_runs] == sorted(least)
    assert len(least) == 2
    assert list(training_strips([digits])) == [run.name for run in digits.best_runs]


@pytest.mark.parametrize("whole", [True, False])
def test_the_best_of_some_runs_is_said_to_be_no_more(digits: DatasetSection, whole: bool) -> None:
    section = replace(digits, chosen=replace(digits.chosen, whole=whole))
    look = LookPicture("interpolation", Picture("", b"", 1, 1), "")
    looks = {run.name: [look] for run in section.best_runs}
    for blocks in (strip_blocks(section, training_strips([section])), look_blocks(section, looks)):
        assert ("seeds whose curves are drawn" in repr(blocks)) == (not whole)


def test_strips_share_a_bounded_number_of_bytes(
    digits: DatasetSection, monkeypatch: pytest.MonkeyPatch
) -> None:
    best, other = training_strips([digits]).values()
    monkeypatch.setattr(module, "MOST_STRIP_BYTES", len(best.picture.data))
    assert list(training_strips([digits])) == [digits.best_runs[0].name]
    monkeypatch.setattr(module, "MOST_STRIP_BYTES", 10)
    assert training_strips([digits]) == {}
    assert len(other.picture.data) < 8000
