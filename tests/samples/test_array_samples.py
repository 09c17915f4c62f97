# SPDX-License-Identifier: MIT
"""Samples from arrays: every layout and type, in memory and in files, and what is refused."""

from __future__ import annotations

import io
import pickle
import random
import re
import tracemalloc
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench.data import array_rows
from ganbench.errors import ConfigError, GanbenchError, InputError
from ganbench.samples import open_samples

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 3, 6, 5), dtype=np.uint8)
POINTS = np.random.default_rng(1).normal(size=(20, 2))
FLOATS = (IMAGES / 127.5 - 1).astype(np.float32)


def save(path, array, **others):
    if path.suffix == ".npz":
        np.savez(path, arr_0=array, **others)
    else:
        np.save(path, array)
    return path


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (IMAGES, IMAGES),
        (IMAGES.transpose(0, 2, 3, 1), IMAGES),
        (np.asfortranarray(IMAGES), IMAGES),
        (IMAGES[:, 0], IMAGES[:, :1]),
        (IMAGES[:, :1], IMAGES[:, :1]),
        (IMAGES[:, 0, :, :, None], IMAGES[:, :1]),
        (FLOATS, IMAGES),
        (FLOATS.astype(np.float64), IMAGES),
        (FLOATS.astype(">f4"), IMAGES),
        (POINTS, POINTS),
        (POINTS + 1e7, POINTS + 1e7),
        (POINTS.astype(">f8"), POINTS),
        (POINTS.astype(np.float32), POINTS.astype(np.float32)),
        (POINTS.astype(np.float16), POINTS.astype(np.float16).astype(np.float32)),
        (POINTS.astype(np.longdouble), POINTS),
        (IMAGES[:1], IMAGES[:1]),
    ],
)
@pytest.mark.parametrize("ending", ["array", ".npy", ".npz"])
def test_every_layout_comes_out_the_same(tmp_path, stacked, array, expected, ending):
    source = array if ending == "array" else save(tmp_path / f"x{ending}", array)
    samples = open_samples(source)
    values = stacked(samples, 7)
    np.testing.assert_array_equal(values.numpy(), expected)
    assert values.numpy().dtype == expected.dtype
    assert samples.facts.shape == expected.shape[1:]
    assert samples.facts.kind == ("images" if expected.ndim == 4 else "points")
    assert samples.facts.name == ("samples" if ending == "array" else f"x{ending}")
    assert samples.facts.version == open_samples(np.ascontiguousarray(expected)).facts.version
    assert torch.equal(stacked(samples, 64), values)


@pytest.mark.parametrize(
    ("tensor", "expected"),
    [
        (torch.from_numpy(IMAGES), IMAGES),
        (torch.from_numpy(FLOATS).double().requires_grad_(), IMAGES),
        (torch.from_numpy(IMAGES.copy()).to(memory_format=torch.channels_last), IMAGES),
        (torch.tensor([[1.0, 2.0]], dtype=torch.bfloat16), np.float32([[1.0, 2.0]])),
    ],
)
def test_tensors(stacked, tensor, expected):
    np.testing.assert_array_equal(stacked(open_samples(tensor), 3).numpy(), expected)


def test_a_tensor_may_have_its_channels_last_or_none(stacked):
    last = torch.from_numpy(IMAGES.transpose(0, 2, 3, 1).copy())
    np.testing.assert_array_equal(stacked(open_samples(last)), IMAGES)
    np.testing.assert_array_equal(stacked(open_samples(last[..., 0])), IMAGES[:, :1])


def test_where_two_axes_could_be_channels_a_tensor_has_them_first_and_an_array_last():
    narrow = torch.zeros(2, 3, 5, 1, dtype=torch.uint8)
    assert open_samples(narrow).facts.shape == (3, 5, 1)
    assert open_samples(narrow.numpy()).facts.shape == (1, 3, 5)


@given(st.floats(-1, 1, width=32))
def test_floats_follow_the_one_rule(value):
    images = torch.tensor([-1.0, value]).view(1, 1, 1, 2)
    (chunk,) = open_samples(images).chunks()
    assert chunk.values.flatten().tolist() == [
        0,
        int(np.clip(np.float32(127.5) * value + 128, 0, 255)),
    ]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), st.integers(1, 40), st.integers(1, 40), st.booleans())
def test_any_part_in_any_chunks_is_those_rows(tmp_path_factory, count, size, total, packed):
    array = np.arange(total * 12, dtype=np.float32).reshape(total, 12)
    source = array
    if packed:
        source = tmp_path_factory.mktemp("rows") / "x.npz"
        np.savez_compressed(source, array)
    samples = open_samples(source, count=count, seed=3)
    chunks = list(samples.chunks(size))
    values = torch.cat([chunk.values for chunk in chunks]).numpy()
    assert all(len(chunk) <= size for chunk in chunks)
    assert np.concatenate([chunk.indices for chunk in chunks]).tolist() == list(range(len(samples)))
    assert len(samples) == min(count, total)
    first = values[:, 0] / 12
    assert (np.diff(first) > 0).all()
    np.testing.assert_array_equal(values, array[first.astype(int)])


def test_labels_follow_their_rows(tmp_path):
    labels = np.arange(20) % 7
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=labels)
    np.savez(tmp_path / "adm.npz", IMAGES.transpose(0, 2, 3, 1), labels)
    for name in ("a.npz", "adm.npz"):
        samples = open_samples(tmp_path / name)
        assert samples.labels.tolist() == labels.tolist()
        assert samples.facts.classes == 7
        part = open_samples(tmp_path / name, count=5)
        chosen = [
            IMAGES.tolist().index(image.tolist()) for c in part.chunks() for image in c.values
        ]
        assert part.labels.tolist() == labels[chosen].tolist()
    assert open_samples(IMAGES, labels=list(labels)).facts.classes == 7


def test_the_reference_batches_of_adm(tmp_path, stacked):
    moments = {"mu": np.zeros(8), "sigma": np.eye(8), "mu_s": np.zeros(3), "sigma_s": np.eye(3)}
    np.savez(tmp_path / "ref.npz", arr_0=IMAGES.transpose(0, 2, 3, 1), **moments)
    samples = open_samples(tmp_path / "ref.npz")
    np.testing.assert_array_equal(stacked(samples), IMAGES)
    assert samples.labels is None
    np.savez(tmp_path / "stats.npz", mu=np.zeros(8), sigma=np.eye(8))
    with pytest.raises(InputError, match=r"statistics \(mu, sigma\), not samples"):
        open_samples(tmp_path / "stats.npz")


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (IMAGES.astype(np.int64), "of type int64; images as uint8, or floats"),
        (IMAGES.astype(np.uint16), "of type uint16"),
        (IMAGES > 3, "of type bool"),
        (np.arange(8).reshape(4, 2), "of type int64; points as floats"),
        (IMAGES.astype(np.complex64), "of type complex64|no array of numbers"),
        (IMAGES / 255.0, "values from 0 to 1 in its first 20"),
        (IMAGES.astype(np.float32), "values from 0 to 255"),
        (FLOATS * 4, r"values from -4 to 4"),
        (IMAGES[:, :2], "with 1 or 3 channels"),
        (IMAGES[0, 0, 0], r"shape \(5,\)"),
        (IMAGES[:0], r"shape \(0, 3, 6, 5\)"),
        (np.zeros((3, 0)), r"shape \(3, 0\)"),
        (np.float64(3), r"shape \(\)"),
        (np.array([[1.0], [np.inf]]), "NaN or infinite, in 1 of 2"),
        (np.array([[1.0], [1e300]]), "NaN or infinite, in 1 of 2"),
        (np.full((9, 8, 8), np.nan), "NaN or infinite, in 9 of 9"),
        (np.array([["a", "b"]]), "type|no array of numbers"),
    ],
)
@pytest.mark.parametrize("ending", ["array", ".npy", ".npz"])
def test_other_arrays_are_refused(tmp_path, gather, array, sentence, ending):
    source = np.asarray(array) if ending == "array" else save(tmp_path / f"x{ending}", array)
    with pytest.raises(InputError) as caught:
        gather(open_samples(source))
    if not (0 in np.shape(array) and ending != "array"):
        assert re.search(sentence, caught.value.message), caught.value.message


@pytest.mark.parametrize("values", [[-1.2, 0.9], [-0.5, 0.0]])
def test_generators_without_tanh_may_overshoot_a_bit(values):
    images = torch.linspace(*values, 3 * 4 * 4).view(1, 3, 4, 4)
    assert len(open_samples(images)) == 1


def test_the_hint_for_pixels_from_0_to_1():
    with pytest.raises(InputError) as caught:
        open_samples(IMAGES / 255.0)
    assert "value_range=(0, 1)" in caught.value.hint
    assert "--range 0,1" in caught.value.hint


def test_not_finite_values_are_found_wherever_they_are(gather):
    points = POINTS.copy()
    points[17, 1] = np.nan
    with pytest.raises(InputError, match="NaN or infinite, in 1 of"):
        gather(open_samples(points), 4)


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('unpickled')",))


def objects():
    return np.array([Bomb(), Bomb()], dtype=object)


def test_objects_are_never_unpickled(tmp_path):
    np.save(tmp_path / "a.npy", objects(), allow_pickle=True)
    np.savez(tmp_path / "b.npz", images=objects())
    np.savez(tmp_path / "c.npz", images=IMAGES, labels=objects())
    (tmp_path / "d.npy").write_bytes(pickle.dumps(Bomb()))
    (tmp_path / "e.npz").write_bytes(pickle.dumps(Bomb()))
    for name in ("a.npy", "b.npz", "c.npz", "d.npy", "e.npz"):
        with pytest.raises(InputError) as caught:
            open_samples(tmp_path / name)
        assert str(tmp_path / name) in caught.value.message
        assert "never unpickled" in caught.value.message or name in {"d.npy", "e.npz"}


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"a": POINTS, "b": POINTS}, "holds a, b; 'images', 'points', 'arr_0'"),
        ({"images": IMAGES, "points": POINTS}, "holds images, points"),
        ({"labels": np.arange(3)}, "holds labels"),
        ({}, "holds no array"),
        (
            {"points": POINTS, "labels": np.arange(19)},
            r"'labels' .* shape \(19,\); integers \(20,\)",
        ),
        ({"points": POINTS, "labels": np.ones(20)}, "are float64"),
        ({"points": POINTS, "labels": np.arange(20) - 1}, "from -1 to 18"),
    ],
)
def test_npz_files_that_do_not_say_what_is_meant(tmp_path, arrays, sentence):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(InputError, match=sentence):
        open_samples(tmp_path / "x.npz")


def header(shape, descr="|u1", fortran=False):
    buffer = io.BytesIO()
    fields = {"descr": descr, "fortran_order": fortran, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, fields)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        header((10**12, 3, 32, 32)) + bytes(100),
        header((2**62, 2**62)) + bytes(100),
        header((-5, 3, 32, 32)) + bytes(100),
        header((2, 3, 4, 4)) + bytes(95),
        header((10**12, 3, 32, 32), fortran=True) + bytes(100),
        header((2, 3), descr="|O") + bytes(100),
        header((2, 3), descr=[("a", "<f4")]) + bytes(24),
        header((2, 3), descr="<f4")[:50],
        b"\x93NUMPY\x01\x00\xff\xff" + b"[" * 2000,
        b"\x93NUMPY\x03\x00" + header((1, 2))[8:],
        b"",
        b"\x93NUMPY",
    ],
)
@pytest.mark.parametrize("ending", [".npy", ".npz"])
@pytest.mark.filterwarnings("error")
def test_headers_that_lie_or_are_damaged(tmp_path, data, ending, gather):
    path = tmp_path / f"x{ending}"
    if ending == ".npy":
        path.write_bytes(data)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("images.npy", data)
    with pytest.raises(InputError) as caught:
        gather(open_samples(path))
    assert str(path) in caught.value.message


def test_bytes_after_the_end_of_an_array(tmp_path, stacked):
    data = header((2, 3, 4, 4)) + bytes(97)
    (tmp_path / "x.npy").write_bytes(data)
    assert stacked(open_samples(tmp_path / "x.npy")).shape == (2, 3, 4, 4)
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("images.npy", data)
    with pytest.raises(InputError, match="claims 96 bytes"):
        open_samples(tmp_path / "x.npz")


def test_a_zip_header_that_agrees_with_a_lying_array_is_found_out(tmp_path):
    path = tmp_path / "x.npz"
    data = header((10**6, 3, 32, 32)) + bytes(1000)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", data)
    claimed = len(header((10**6, 3, 32, 32))) + 10**6 * 3 * 32 * 32
    content = path.read_bytes()
    content = content.replace(len(data).to_bytes(4, "little"), claimed.to_bytes(4, "little"))
    path.write_bytes(content)
    with pytest.raises(InputError, match="the file cannot hold them"):
        open_samples(path)


@pytest.mark.parametrize("ending", [".npy", ".npz"])
def test_altered_and_cut_files_never_raise_anything_else(tmp_path, gather, ending):
    path = tmp_path / f"x{ending}"
    if ending == ".npz":
        np.savez_compressed(path, images=IMAGES, labels=np.arange(20))
    else:
        np.save(path, FLOATS)
    whole = path.read_bytes()
    dice = random.Random(0)
    read = refused = 0
    for _ in range(200):
        data = bytearray(whole)
        for _ in range(dice.choice([1, 3])):  # headers are hit more often than they are long
            data[dice.choice([dice.randrange(len(data)), dice.randrange(150)])] = dice.randrange(
                256
            )
        path.write_bytes(data[: dice.choice([len(data), dice.randrange(len(data))])])
        try:
            gather(open_samples(path))
        except GanbenchError:
            refused += 1
        else:
            read += 1
    assert read + refused == 200
    assert refused > 0


def test_damaged_data_are_found_before_a_number_comes_of_them(tmp_path, gather):
    np.savez_compressed(tmp_path / "x.npz", images=IMAGES)
    data = bytearray((tmp_path / "x.npz").read_bytes())
    data[len(data) // 2] ^= 255
    (tmp_path / "x.npz").write_bytes(data)
    with pytest.raises(InputError, match="cannot be read as npz"):
        gather(open_samples(tmp_path / "x.npz"), 7)


def test_a_fortran_array_too_large_to_turn_is_refused(tmp_path, gather, monkeypatch):
    np.savez(tmp_path / "x.npz", images=np.asfortranarray(IMAGES))
    monkeypatch.setattr(array_rows, "WHOLE_BYTES", 100)
    with pytest.raises(InputError, match="Fortran order and too large"):
        gather(open_samples(tmp_path / "x.npz"))


@pytest.mark.parametrize("ending", [".npy", ".npz"])
def test_a_large_file_is_never_whole_in_memory(tmp_path, ending):
    array = np.zeros((2000, 64, 64), np.uint8)  # 8 MB
    path = save(tmp_path / f"x{ending}", array)
    samples = open_samples(path)
    tracemalloc.start()
    for chunk in samples.chunks(16):
        assert len(chunk) == 16
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < array.nbytes / 4


def test_labels_and_splits_only_where_they_belong():
    with pytest.raises(ConfigError, match="Only datasets have splits"):
        open_samples(IMAGES, split="test")
    with pytest.raises(InputError, match=r"integers \(20,\)"):
        open_samples(IMAGES, labels=[1])
