# SPDX-License-Identifier: MIT
"""Arrays from npz files: what is taken, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganbench.data import open_dataset
from ganbench.data.array_source import held_out
from ganbench.errors import ConfigError, InputError, MissingDataError, UnknownNameError
from ganbench.samples import open_samples

IMAGES = np.random.default_rng(0).integers(0, 256, (30, 3, 28, 28), dtype=np.uint8)
POINTS = np.random.default_rng(1).normal(size=(30, 2))


def save(folder, **arrays):
    np.savez_compressed(folder / "data.npz", **arrays)
    return str(folder / "data.npz")


def rejoin(path, labels=False):
    """Return all values of a file in their first order."""
    source = open_dataset(path)
    order = np.concatenate([held_out(30, split, 0.1, 10) for split in ("train", "test")])
    data = [source.load(split) for split in ("train", "test")]
    parts = [(d.labels if labels else d.values).numpy() for d in data]
    assert [len(part) for part in parts] == [27, 3]
    joined = np.concatenate(parts)
    return joined[np.argsort(order)]


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (IMAGES, IMAGES),
        (IMAGES.transpose(0, 2, 3, 1), IMAGES),
        (IMAGES[:, 0], IMAGES[:, :1]),
        (IMAGES[:, :1], IMAGES[:, :1]),
        (IMAGES[:, 0, :, :, None], IMAGES[:, :1]),
        ((IMAGES / 127.5 - 1).astype(np.float32), IMAGES),
        (IMAGES.astype(np.float64) / 127.5 - 1, IMAGES),
    ],
)
@pytest.mark.parametrize("key", ["images", "arr_0"])
def test_images_in_every_layout(tmp_path, array, expected, key):
    path = save(tmp_path, **{key: array})
    data = open_dataset(path).load("train")
    assert data.spec.shape == expected.shape[1:]
    assert data.spec.classes == 0
    assert data.values.is_contiguous()
    assert data.labels is None
    np.testing.assert_array_equal(rejoin(path), expected)


def test_images_that_are_no_squares_lose_their_longer_sides(tmp_path):
    path = save(tmp_path, images=IMAGES[:, :, :20])
    np.testing.assert_array_equal(rejoin(path), IMAGES[:, :, :20, 4:24])


def test_images_are_resized_to_the_size_asked_for(tmp_path):
    assert open_dataset(save(tmp_path, images=IMAGES) + "@32").load("test").values.shape[2:] == (
        32,
        32,
    )


@pytest.mark.parametrize("key", ["points", "latents"])
def test_points(tmp_path, key):
    path = save(tmp_path, **{key: POINTS})
    assert open_dataset(path).spec.shape == (2,)
    np.testing.assert_array_equal(rejoin(path), POINTS.astype(np.float32))
    with pytest.raises(ConfigError, match="no resolution"):
        open_dataset(f"{path}@32")


@pytest.mark.parametrize("dtype", [np.int64, np.uint8])
def test_labels_go_with_their_examples(tmp_path, dtype):
    labels = (np.arange(30) % 7).astype(dtype)
    path = save(tmp_path, points=POINTS, labels=labels)
    assert open_dataset(path).spec.classes == 7
    np.testing.assert_array_equal(rejoin(path, labels=True), labels)


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"images": IMAGES.astype(np.int32)}, "of type int32; images as uint8, or floats"),
        ({"images": IMAGES / 255.0}, "values from 0 to 1; floats in"),
        ({"images": IMAGES.astype(np.float32)}, "values from 0 to 255"),
        ({"images": IMAGES / 127.0 - 1}, "floats in"),
        ({"images": np.full((9, 8, 8), np.nan)}, "NaN or infinite, in 9 of 9"),
        ({"images": IMAGES[:, :2]}, "with 1 or 3 channels"),
        ({"images": POINTS}, r"shape \(30, 2\)"),
        ({"images": IMAGES[:1]}, "holds 1 examples"),
        ({"images": IMAGES[:0]}, "holds 0 examples"),
        ({"points": np.arange(8).reshape(4, 2)}, "points as floats"),
        ({"points": np.array([[1.0], [np.inf]])}, "NaN or infinite, in 1 of 2"),
        ({"points": IMAGES}, r"points \(N, D\) were expected"),
        ({"arr_0": np.float64(3)}, "a single number"),
        (
            {"a": POINTS, "b": POINTS},
            "holds a, b; 'images', 'points', 'arr_0', 'sequences', 'videos' or a single array was",
        ),
        (
            {"images": IMAGES, "points": POINTS},
            "holds images, points; 'images', 'points', 'arr_0', 'seq",
        ),
        ({"labels": np.arange(3)}, "holds labels; 'images'"),
        ({"points": POINTS, "labels": np.arange(29)}, r"integers \(30,\), one for each sample"),
        ({"points": POINTS, "labels": np.ones(30)}, r"integers \(30,\), one for each sample"),
        ({"points": POINTS, "labels": np.arange(30) - 1}, "from -1 to 28"),
        ({"points": POINTS, "labels": np.arange(30) + 1}, "from 1 to 30"),
    ],
)
def test_other_arrays_are_refused_in_one_sentence(tmp_path, arrays, sentence):
    path = save(tmp_path, **arrays)
    with pytest.raises(InputError, match=sentence) as caught:
        open_dataset(path)
    assert path in caught.value.message
    assert caught.value.exit_code == 2


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("the file was unpickled",))


@pytest.mark.parametrize("key", ["images", "labels", "other"])
def test_objects_are_refused_and_never_unpickled(tmp_path, key):
    objects = np.array([Bomb()] * 30, dtype=object)
    path = save(tmp_path, **{"points": POINTS, key: objects})
    with pytest.raises(InputError, match="cannot be read as npz"):
        open_dataset(path)


def test_a_pickle_called_npz_is_refused(tmp_path):
    np.save(tmp_path / "file.npy", np.array([Bomb()]), allow_pickle=True)
    for content in ((tmp_path / "file.npy").read_bytes(), b"\x80\x04N."):
        (tmp_path / "data.npz").write_bytes(content)
        with pytest.raises(InputError, match="cannot be read as npz"):
            open_dataset(str(tmp_path / "data.npz"))


def test_a_single_npy_array_is_refused(tmp_path):
    np.save(tmp_path / "file.npy", POINTS)
    (tmp_path / "file.npy").rename(tmp_path / "data.npz")
    with pytest.raises(InputError, match="cannot be read as npz"):
        open_dataset(str(tmp_path / "data.npz"))


@given(st.floats(0, 1, exclude_max=True))
def test_a_file_cut_anywhere_is_refused(tmp_path_factory, share):
    path = tmp_path_factory.mktemp("cut") / "data.npz"
    np.savez(path, points=POINTS)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError):
        open_dataset(str(path))


@given(st.integers(0, 10_000))
def test_an_altered_byte_is_never_a_traceback(tmp_path_factory, position):
    path = tmp_path_factory.mktemp("altered") / "data.npz"
    np.savez_compressed(path, points=POINTS)
    data = bytearray(path.read_bytes())
    data[position % len(data)] ^= 0xFF
    path.write_bytes(bytes(data))
    try:
        values = open_dataset(str(path)).load("train").values
    except InputError:
        return
    assert values.shape == (27, 2)


def test_the_version_follows_the_content(tmp_path):
    first = open_dataset(save(tmp_path, points=POINTS)).spec.version
    again = open_dataset(save(tmp_path, points=POINTS)).spec.version
    other = open_dataset(save(tmp_path, points=POINTS + 1)).spec.version
    assert first == again != other


@given(st.integers(2, 3000), st.integers(0, 5))
def test_the_splits_part_every_count(count, seed):
    parts = [held_out(count, split, 0.1, seed) for split in ("train", "test")]
    assert sorted(np.concatenate(parts).tolist()) == list(range(count))
    assert len(parts[1]) == max(1, round(count / 10))


@pytest.mark.parametrize(
    ("scale", "value_range", "suffix"),
    [
        (1 / 255, (0, 1), "@0..1"),
        (1.0, (0.0, 255.0), "@0..255"),
        (1 / 510, (0, 0.5), "@0..0.5"),
        (-1e-5, (-255e-5, 0), "@-0.00255..0"),
        (1e20, (0, 255e20), "@0..2.55e+22"),
    ],
)
def test_a_stated_range_is_part_of_the_name_and_opens_again(
    tmp_path, monkeypatch, scale, value_range, suffix
):
    path = save(tmp_path, images=IMAGES * np.float64(scale))
    monkeypatch.chdir(tmp_path)
    source = open_dataset("data.npz", value_range=value_range)
    assert source.spec.name == path + suffix
    monkeypatch.chdir("/")
    again = open_dataset(source.spec.name)
    assert again.spec == source.spec
    expected = 255 - IMAGES if scale < 0 else IMAGES
    values = torch.cat([again.load(split).values for split in ("train", "test")])
    order = np.concatenate([held_out(30, split, 0.1, 10) for split in ("train", "test")])
    np.testing.assert_array_equal(values.numpy(), expected[order])
    samples = open_samples(source.spec.name)
    measured = torch.cat([chunk.values for chunk in samples.chunks()])
    np.testing.assert_array_equal(measured.numpy(), expected)


def test_a_range_and_a_resolution_in_one_name(tmp_path):
    path = save(tmp_path, images=IMAGES / 255.0)
    source = open_dataset(f"{path}@0..1@32")
    assert (source.spec.name, source.spec.shape) == (f"{path}@0..1@32", (3, 32, 32))
    assert open_dataset(source.spec.name).spec == source.spec
    for split in source.splits:
        (chunk,) = open_samples(source.spec.name, split=split).chunks()
        assert torch.equal(chunk.values, source.load(split).values)
    with pytest.raises(ConfigError, match="Two ranges of values"):
        open_dataset(f"{path}@0..1", value_range=(0, 255))
    assert open_dataset(f"{path}@0..1", value_range=(0, 1)).spec.name == f"{path}@0..1"
    with pytest.raises(ConfigError, match="the smaller one first"):
        open_dataset(f"{path}@1..0")
    with pytest.raises(InputError, match="values from 0 to 1; floats in"):
        open_dataset(path)


def test_a_range_is_for_npz_files(tmp_path):
    with pytest.raises(UnknownNameError):
        open_dataset("mnist5k@0..1")
    assert open_dataset("mnist5k", value_range=(0, 1)).spec == open_dataset("mnist5k").spec


def test_a_path_object(tmp_path, monkeypatch):
    path = Path(save(tmp_path, points=POINTS))
    assert open_dataset(path).spec == open_dataset(str(path)).spec
    monkeypatch.chdir(tmp_path)
    assert open_dataset(Path("data.npz")).spec == open_dataset(path).spec
    with pytest.raises(MissingDataError, match="no folder or file mnist5k"):
        open_dataset(Path("mnist5k"))
    with pytest.raises(InputError, match="home folder ~nobody-of-that-name stands for"):
        open_dataset("~nobody-of-that-name/x")


@pytest.mark.parametrize("array", [IMAGES, IMAGES.transpose(0, 2, 3, 1), POINTS])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_is_the_same_array_as_in_npz(tmp_path, monkeypatch, array, order):
    np.save(tmp_path / "data.npy", np.array(array, order=order))
    monkeypatch.chdir(tmp_path)
    packed = save(tmp_path, arr_0=array)
    assert open_dataset("data.npy").spec.shape == open_dataset(packed).spec.shape
    np.testing.assert_array_equal(rejoin("data.npy"), rejoin(packed))
    assert open_dataset(open_dataset("data.npy").spec.name).spec == open_dataset("data.npy").spec


def test_npy_with_a_stated_range(tmp_path):
    np.save(tmp_path / "data.npy", IMAGES / 255.0)
    np.testing.assert_array_equal(rejoin(f"{tmp_path}/data.npy@0..1"), IMAGES)


def test_a_file_is_read_in_blocks_that_join(tmp_path, monkeypatch):
    monkeypatch.setattr("ganbench.data.array_rows._BLOCK_BYTES", 7 * IMAGES[0].nbytes)
    np.testing.assert_array_equal(rejoin(save(tmp_path, images=IMAGES)), IMAGES)


READ_ALIKE = {
    "arr_1 as labels": {"arr_0": POINTS, "arr_1": np.arange(30) % 3},
    "arr_1 that is no labels": {"arr_0": POINTS, "arr_1": POINTS},
    "moments next to samples": {"arr_0": POINTS, "mu": np.zeros(2), "sigma": np.eye(2)},
    "a companion of a named key": {"points": POINTS, "x": np.zeros(3), "rate": np.ones(7)},
    "texts next to samples": {"points": POINTS, "names": np.array(["a"] * 30)},
    "any one name": {"latents": POINTS, "labels": np.arange(30) % 3},
    "an uneven Fortran order": {"images": np.asfortranarray(IMAGES[..., :20, :]), "labels": None},
}


@pytest.mark.parametrize("name", READ_ALIKE)
def test_training_and_eval_take_the_same_samples_and_labels(tmp_path, name):
    arrays = {key: array for key, array in READ_ALIKE[name].items() if array is not None}
    path = save(tmp_path, **arrays)
    source, samples = open_dataset(path, resolution=None), open_samples(path)
    assert samples.facts.shape[0] == source.spec.shape[0]
    assert samples.facts.classes == source.spec.classes
    if samples.facts.kind == "points":
        values = torch.cat([chunk.values for chunk in samples.chunks()])
        np.testing.assert_array_equal(values.float(), rejoin(path))  # networks compute in float32
    if samples.labels is not None:
        np.testing.assert_array_equal(rejoin(path, labels=True), samples.labels)


REFUSED_ALIKE = {
    "two arrays": {"a": POINTS, "b": POINTS},
    "statistics": {"mu": np.zeros(2), "sigma": np.eye(2)},
    "points under images": {"images": POINTS},
    "images under points": {"points": IMAGES.astype(np.float32)},
    "signals without their name": {"arr_0": np.zeros((30, 1, 50), np.float32)},
    "labels of another length": {"points": POINTS, "labels": np.arange(9)},
    "objects anywhere": {"points": POINTS, "extra": np.array([{}], dtype=object)},
    "integers": {"points": np.arange(60).reshape(30, 2)},
    "nothing": {},
}


@pytest.mark.parametrize("name", REFUSED_ALIKE)
def test_training_and_eval_refuse_the_same_files_in_the_same_words(tmp_path, name):
    path = save(tmp_path, **REFUSED_ALIKE[name])
    messages = set()
    for open_it in (open_dataset, open_samples):
        with pytest.raises(InputError) as caught:
            open_it(path)
        messages.add(caught.value.message)
    assert len(messages) == 1, messages


@pytest.mark.parametrize("compression", [np.savez, np.savez_compressed])
def test_a_checksum_that_is_wrong_is_found_by_both(tmp_path, compression):
    path = tmp_path / "data.npz"
    compression(path, points=POINTS)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="cannot be read as npz"):
        open_dataset(path)
    with pytest.raises(InputError, match="cannot be read as npz"):
        list(open_samples(path).chunks())


def test_an_array_beyond_memory_is_refused_by_its_header(tmp_path, monkeypatch):
    from ganbench.data import npz

    monkeypatch.setattr(npz, "GATHERED_BYTES", 400)
    with pytest.raises(InputError, match=r"holds .* GB; at most 4e-07 GB fit"):
        open_dataset(save(tmp_path, points=POINTS))


def test_studiogans_file_holds_images_and_classes(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (20, 3, 8, 8), np.uint8)
    labels = np.arange(20) % 4
    np.savez(tmp_path / "samples.npz", x=images, y=labels)
    source = open_dataset(tmp_path / "samples.npz")
    assert (source.spec.shape, source.spec.classes) == ((3, 8, 8), 4)
    samples = open_samples(tmp_path / "samples.npz")
    assert samples.labels.tolist() == labels.tolist()
    (chunk,) = samples.chunks()
    assert np.array_equal(chunk.values.numpy(), images)
