# SPDX-License-Identifier: MIT
"""Videos: stored as images are, shown as film strips, written frame by frame."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from ganbench.data import open_dataset
from ganbench.gan import DataSpec
from ganbench.kinds import kind_of
from ganbench.kinds.video import FRAME_MILLISECONDS, film_strips
from ganbench.records.own_files import MANIFEST
from ganbench.sampling.draw import DrawnSamples
from ganbench.sampling.sample_files import write_files, write_npz


def videos(channels, count=4, length=5):
    random = torch.Generator().manual_seed(channels)
    shape = (count, channels, length, 8, 6)
    return torch.randint(256, shape, generator=random, dtype=torch.uint8)


def spec(channels):
    return DataSpec("videos", "1", (channels, 5, 8, 6))


@pytest.mark.parametrize("channels", [1, 3])
def test_what_networks_see_of_videos_becomes_the_same_videos(channels):
    kind, data, samples = kind_of(spec(channels)), spec(channels), videos(channels)
    assert data.kind == "video"
    assert data.resolution == 8
    seen = kind.to_network(samples, data)
    assert torch.equal(seen, samples.float() * (2 / 255) - 1)
    assert torch.equal(kind.to_samples(seen, data), samples)
    seen[1, 0, 0, 0, 0] = float("inf")
    assert kind.to_samples(seen, data) is seen
    assert kind.valid(seen, data).tolist() == [True, False, True, True]
    assert kind.picture(seen, data).width >= 240


@pytest.mark.parametrize("channels", [1, 3])
def test_a_film_strip_holds_every_frame_in_its_place(channels):
    samples = videos(channels)
    made = np.array(film_strips(samples, padding=2, least_width=1)).reshape(
        4 * 32 - 8, -1, channels
    )
    assert made.shape[1] == 5 * 8 + 2  # five frames of six pixels, with two between
    for row, video in enumerate(samples):
        for column, frame in enumerate(video.movedim(0, 1)):
            top, left = row * 32 + 8, 2 + column * 8  # edges of eight pixels, a gap of eight
            shown = made[top : top + 8, left : left + 6]
            assert np.array_equal(shown, frame.permute(1, 2, 0)), (row, column)
        if row:
            assert (made[row * 32 - 8 : row * 32] == 255).all()


def test_of_a_long_video_frames_from_the_first_to_the_last_are_shown():
    samples = torch.arange(100, dtype=torch.uint8).view(1, 1, 100, 1, 1).expand(1, 1, 100, 4, 4)
    made = np.array(film_strips(samples, frames=4, padding=1, least_width=1))
    assert made[8, 1::5].tolist() == [0, 33, 66, 99]


def test_a_small_film_strip_is_enlarged_by_whole_pixels():
    made = np.array(film_strips(videos(1), least_width=200))
    assert 150 < made.shape[1] < 250
    scale = round(200 / 42)
    assert (made[8 : 8 + scale, 2 : 2 + scale] == videos(1)[0, 0, 0, 0, 0].item()).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_an_array_of_videos_comes_back(tmp_path, channels):
    samples = videos(channels)
    write_npz(DrawnSamples(samples), spec(channels), tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as file:
        assert np.array_equal(file["videos"], samples.permute(0, 2, 3, 4, 1))
    source = open_dataset(str(tmp_path / "a.npz"))
    assert (source.spec.kind, source.spec.shape) == ("video", (channels, 5, 8, 6))
    values = torch.cat([source.load(split).values for split in source.splits])
    assert sorted(map(str, values.tolist())) == sorted(map(str, samples.tolist()))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_file_plays_the_frames_without_loss(tmp_path, channels):
    samples = videos(channels)
    write_files(DrawnSamples(samples), spec(channels), tmp_path)
    manifest, *files = sorted(tmp_path.iterdir())
    assert manifest.name == MANIFEST
    assert [file.name for file in files] == [f"0000{index}.webp" for index in range(4)]
    for file, video in zip(files, samples, strict=True):
        with Image.open(file) as image:
            frames = [np.array(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]
            assert image.info["duration"] == FRAME_MILLISECONDS
        expected = video.permute(1, 2, 3, 0).expand(5, 8, 6, 3)
        assert np.array_equal(np.stack(frames), expected)


def test_how_many_videos_are_pictured_and_measured():
    kind = kind_of(spec(1))
    assert (kind.pictured, kind.measured(spec(1))) == (8, 2048)
