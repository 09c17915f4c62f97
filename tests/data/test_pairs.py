# SPDX-License-Identifier: MIT
"""Pairs of images: every way of opening them, and sources that stay with their images."""

import numpy as np
import pytest
import torch
from PIL import Image

from ganbench.data import open_dataset
from ganbench.errors import ConfigError, InputError
from ganbench.gan import DataSpec
from ganbench.samples import open_samples

COUNT = 40
SOURCES = np.arange(COUNT, dtype=np.uint8)[:, None, None, None] * np.ones((8, 8, 1), np.uint8)
IMAGES = np.concatenate([SOURCES + 100, SOURCES + 150, SOURCES + 200], axis=3)
PAIRS = {"images": IMAGES, "sources": SOURCES}


def pair_folder(folder, images=IMAGES, sources=SOURCES):
    for name, arrays in (("images", images), ("sources", sources[..., 0])):
        (folder / name).mkdir()
        for index, array in enumerate(arrays):
            Image.fromarray(array).save(folder / name / f"{index:03d}.png")
    return folder


@pytest.fixture(params=["npz", "mapping", "tensors", "floats", "dataset", "folder"])
def source(request, tmp_path):
    """Return the same pairs, opened from different things."""
    if request.param == "npz":
        np.savez(tmp_path / "pairs.npz", **PAIRS)
        return open_dataset(tmp_path / "pairs.npz")
    if request.param == "folder":
        return open_dataset(f"{pair_folder(tmp_path)}@8")
    if request.param == "tensors":
        return open_dataset(
            {name: torch.from_numpy(values).movedim(3, 1) for name, values in PAIRS.items()}
        )
    if request.param == "floats":
        floats = {name: values.astype(np.float32) / 255 for name, values in PAIRS.items()}
        return open_dataset(floats, value_range=(0, 1))
    opened = open_dataset(PAIRS)
    return open_dataset(opened.load("train")) if request.param == "dataset" else opened


def of_one_pair(images, sources):
    """Tell whether each source belongs to its image."""
    return bool((images[:, 0].int() - sources[:, 0].int() == 100).all())


def test_a_source_stays_with_its_image(source):
    assert source.spec.shape == (3, 8, 8)
    assert source.spec.source == (1, 8, 8)
    for split in source.splits:
        data = source.load(split)
        assert data.sources.dtype == torch.uint8
        assert data.sources.shape == (len(data), 1, 8, 8)
        assert of_one_pair(data.values, data.sources)
        part = data.take(torch.tensor([1, 0])).to(torch.device("cpu"))
        assert torch.equal(part.sources, data.sources[[1, 0]])
        batch = data.batch(torch.tensor([1, 0, 1]))
        assert batch.source.shape == (3, 1, 8, 8)
        assert torch.allclose(
            batch.images[:, :1] - batch.source, torch.full((3, 1, 8, 8), 200 / 255)
        )


def test_sources_are_drawn_from_a_stream_as_networks_see_them():
    data = open_dataset(PAIRS).load("train")
    first, again = (data.draw_sources(500, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, again)
    assert first.shape == (500, 1, 8, 8)
    drawn = ((first[:, 0, 0, 0] + 1) * 127.5).round().int()
    assert set(drawn.tolist()) == set(data.sources[:, 0, 0, 0].tolist())


def test_a_resolution_is_that_of_both():
    source = open_dataset(PAIRS, resolution=4)
    data = source.load("train")
    assert source.spec.source == (1, 4, 4)
    assert data.sources.shape[1:] == (1, 4, 4)
    assert of_one_pair(data.values, data.sources)


def test_the_version_is_of_the_sources_too():
    changed = SOURCES.copy()
    changed[0, 0, 0] += 1
    versions = [
        open_dataset(data).spec.version
        for data in ({"images": IMAGES}, PAIRS, {**PAIRS, "sources": changed}, {**PAIRS})
    ]
    assert len(set(versions)) == 3
    assert versions[1] == versions[3]
    assert open_dataset({"images": IMAGES}).spec.version == open_dataset(IMAGES).spec.version


def test_sources_in_memory_may_be_changed_later():
    sources = SOURCES.transpose(0, 3, 1, 2).copy()
    source = open_dataset({"images": IMAGES, "sources": sources})
    sources[:] = 7
    data = source.load("train")
    assert of_one_pair(data.values, data.sources)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({**PAIRS, "sources": SOURCES[1:]}, "39 images of 8 x 8 pixels; 40 of 8 x 8"),
        ({**PAIRS, "sources": SOURCES[:, :4]}, "40 images of 4 x 8 pixels; 40 of 8 x 8"),
        ({**PAIRS, "sources": SOURCES[:, 0, 0]}, "'sources' of .* images .* were expected"),
        ({**PAIRS, "sources": 3}, "'sources' is int; an array, a tensor or a list"),
        ({"points": np.zeros((40, 2)), "sources": SOURCES}, "only images have sources"),
    ],
)
def test_sources_that_do_not_fit_are_refused(data, sentence):
    with pytest.raises(InputError, match=sentence):
        open_dataset(data)


def test_only_images_have_sources():
    with pytest.raises(ConfigError, match="only images have sources"):
        DataSpec("text", "1", (2, 5), alphabet=("a", "b"), source=(1, 8, 8))


def test_a_folder_of_pairs_is_known_by_both_of_its_folders(tmp_path):
    specs = []
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        changed = SOURCES.copy()
        changed[0] += name == "c"
        specs.append(open_dataset(pair_folder(tmp_path / name, sources=changed)).spec)
    assert specs[0].shape == (3, 32, 32)  # the default of small images
    assert specs[0].source == (1, 32, 32)
    assert specs[0].name == str(tmp_path / "a")
    assert specs[0].version == specs[1].version != specs[2].version
    again = open_dataset(open_dataset(f"{tmp_path / 'a'}@16").spec.name).spec
    assert again.source == (1, 16, 16)


def test_files_of_a_pair_may_have_different_endings(tmp_path):
    pair_folder(tmp_path)
    (tmp_path / "sources" / "003.png").rename(tmp_path / "sources" / "003.bmp")
    data = open_dataset(f"{tmp_path}@8").load("train")
    assert of_one_pair(data.values, data.sources)


@pytest.mark.parametrize(("part", "other"), [("images", "sources"), ("sources", "images")])
def test_a_file_without_its_pair_is_named(tmp_path, part, other):
    pair_folder(tmp_path)
    (tmp_path / other / "003.png").unlink()
    with pytest.raises(InputError, match=f"{part}/003 has no image of the same name in {other}"):
        open_dataset(tmp_path)


def test_two_files_of_one_name_are_refused(tmp_path):
    pair_folder(tmp_path)
    image = tmp_path / "images" / "003.png"
    (tmp_path / "images" / "003.bmp").write_bytes(image.read_bytes())
    with pytest.raises(InputError, match="one image and one source for each name"):
        open_dataset(tmp_path)


def test_only_the_images_of_a_folder_of_pairs_are_measured(tmp_path):
    samples = open_samples(pair_folder(tmp_path))
    assert len(samples) == COUNT
    assert samples.facts.shape == (3, 8, 8)


def test_what_lies_beside_the_two_folders_is_passed_over_and_counted(tmp_path):
    folder = pair_folder(tmp_path)
    (folder / "images" / "x.npy").touch()
    (folder / "sources" / ".cache").mkdir()
    Image.fromarray(IMAGES[0]).save(folder / "stray.png")
    (folder / ".git").mkdir()
    source, samples = open_dataset(folder), open_samples(folder)
    assert source.passed_over == {
        "files ending in .png": 1, "files ending in .npy": 1, "hidden files and folders": 2,
    }  # fmt: skip
    assert samples.passed_over == {**source.passed_over, "hidden files and folders": 1}
    assert len(source.notices) == 3
    with pytest.raises(InputError, match=r"files ending in \.png \(1\)"):
        open_samples(folder, strict=True)
