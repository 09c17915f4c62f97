# SPDX-License-Identifier: MIT
"""CIFAR-10, STL-10, SVHN and CelebA from small archives of the true layouts."""

from __future__ import annotations

import io
import re
import tarfile
import zipfile

import numpy as np
import pytest
import scipy.io
import torchvision.datasets
from PIL import Image

from ganbench.data import open_dataset
from ganbench.datasets import celeba, cifar10, stl10, svhn
from ganbench.errors import InputError


@pytest.fixture(autouse=True)
def nothing_downloaded(monkeypatch, tmp_path):
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GANBENCH_OFFLINE", "1")
    monkeypatch.delenv("GANBENCH_DATA", raising=False)


@pytest.mark.parametrize(
    "remotes",
    [celeba._remote_files(), [cifar10.ARCHIVE], stl10._remote_files(), svhn._remote_files()],
)
def test_every_remote_file_has_addresses_and_a_checksum(remotes):
    for remote in remotes:
        assert remote.addresses
        assert all(re.match(r"https?://[\w.-]+/\S+$", address) for address in remote.addresses)
        assert re.fullmatch("[0-9a-f]{32}", remote.md5)
    assert len({remote.name for remote in remotes}) == len(remotes)


def pack(archive, folder, contents):
    """Write a tar.gz of named bytes, in one folder, in the order given."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:gz") as file:
        for name, data in contents.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(data)
            file.addfile(member, io.BytesIO(data))


def cifar_batches(per_batch=3):
    """Return the files of CIFAR-10 with few records, and what they hold: images and labels."""
    generator = np.random.default_rng(0)
    names = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]
    images = generator.integers(0, 256, (6 * per_batch, 32, 32, 3), dtype=np.uint8)
    labels = generator.integers(0, 10, 6 * per_batch, dtype=np.uint8)
    contents = {}
    for position, name in enumerate(names):
        records = b""
        for index in range(position * per_batch, (position + 1) * per_batch):
            planes = [images[index, :, :, channel].tobytes() for channel in range(3)]
            records += bytes([labels[index]]) + b"".join(planes)
        contents[name] = records
    # The members of a tar archive may come in any order.
    return dict(reversed(contents.items())), images, labels


@pytest.mark.parametrize("folder", ["cifar10", "."])
def test_cifar10_is_read_from_the_packed_binary_version(tmp_path, folder):
    contents, images, labels = cifar_batches()
    pack(tmp_path / folder / "cifar-10-binary.tar.gz", "cifar-10-batches-bin", contents)
    for split, part in (("train", slice(0, 15)), ("test", slice(15, 18))):
        data = open_dataset("cifar10", tmp_path).load(split)
        assert data.values.is_contiguous()
        np.testing.assert_array_equal(data.values.permute(0, 2, 3, 1).numpy(), images[part])
        np.testing.assert_array_equal(data.labels.numpy(), labels[part])


def test_cifar10_is_read_from_an_unpacked_folder(tmp_path):
    contents, images, labels = cifar_batches()
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    data = open_dataset("cifar10", tmp_path).load("train")
    np.testing.assert_array_equal(data.values.permute(0, 2, 3, 1).numpy(), images[:15])
    np.testing.assert_array_equal(data.labels.numpy(), labels[:15])


def test_damaged_cifar10_is_one_sentence(tmp_path):
    contents, _, _ = cifar_batches()
    archive = tmp_path / "cifar-10-binary.tar.gz"
    folder = "cifar-10-batches-bin"
    source = open_dataset("cifar10", tmp_path)

    pack(archive, folder, {**contents, "data_batch_2.bin": contents["data_batch_2.bin"][:-1]})
    with pytest.raises(InputError, match=r"data_batch_2\.bin .* no multiple of 3073"):
        source.load("train")

    pack(archive, folder, {**contents, "test_batch.bin": b"\x0a" + bytes(3072)})
    with pytest.raises(InputError, match="a label is above 9"):
        source.load("test")

    pack(archive, folder, {k: v for k, v in contents.items() if k != "data_batch_4.bin"})
    with pytest.raises(InputError, match=r"lacks data_batch_4\.bin"):
        source.load("train")

    pack(archive, folder, contents)
    whole = archive.read_bytes()
    for length in (0, 5, len(whole) // 2):
        archive.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"cannot be read|is not whole"):
            source.load("train")


def stl_files(count=4):
    generator = np.random.default_rng(1)
    images = generator.integers(0, 256, (count, 3, 96, 96), dtype=np.uint8)
    labels = generator.integers(1, 11, count, dtype=np.uint8)
    stored = images.transpose(0, 1, 3, 2).tobytes()  # column by column, as MATLAB writes
    names = ("train", "test", "unlabeled")
    contents = {f"{name}_X.bin": stored for name in names}
    contents |= {f"{name}_y.bin": labels.tobytes() for name in names[:2]}
    return contents, images, labels


@pytest.mark.parametrize("packed", [True, False])
def test_stl10_is_resized_from_96(tmp_path, packed):
    contents, images, labels = stl_files()
    if packed:
        pack(tmp_path / "stl10" / "stl10_binary.tar.gz", "stl10_binary", contents)
    else:
        (tmp_path / "stl10_binary").mkdir()
        for name, data in contents.items():
            (tmp_path / "stl10_binary" / name).write_bytes(data)
    for name in ("stl10", "stl10-unlabeled"):
        native = open_dataset(f"{name}@96", tmp_path).load("train")
        np.testing.assert_array_equal(native.values.numpy(), images)
        data = open_dataset(name, tmp_path).load("test")
        assert data.values.shape == (4, 3, 64, 64)
        assert data.values.is_contiguous()
        image = Image.fromarray(images[2].transpose(1, 2, 0))
        expected = np.asarray(image.resize((64, 64), Image.Resampling.BICUBIC))
        np.testing.assert_array_equal(data.values[2].permute(1, 2, 0).numpy(), expected)
    assert native.labels is None
    labeled = open_dataset("stl10", tmp_path).load("train")
    np.testing.assert_array_equal(labeled.labels.numpy(), labels - 1)


def test_torchvision_reads_the_same_stl10(tmp_path, monkeypatch):
    contents, _, _ = stl_files()
    (tmp_path / "stl10_binary").mkdir()
    contents |= {"class_names.txt": b"airplane\n", "fold_indices.txt": b"0 1\n"}
    for name, data in contents.items():
        (tmp_path / "stl10_binary" / name).write_bytes(data)
    monkeypatch.setattr(torchvision.datasets.STL10, "_check_integrity", lambda _: True)
    theirs = torchvision.datasets.STL10(tmp_path, split="test")
    ours = open_dataset("stl10@96", tmp_path).load("test")
    np.testing.assert_array_equal(ours.values.numpy(), theirs.data)
    np.testing.assert_array_equal(ours.labels.numpy(), theirs.labels)


@pytest.mark.parametrize("length", [0, 96, 3 * 96 * 96 + 1])
def test_damaged_stl10_is_one_sentence(tmp_path, length):
    contents, _, _ = stl_files()
    contents["train_X.bin"] = bytes(length)
    pack(tmp_path / "stl10_binary.tar.gz", "stl10_binary", contents)
    with pytest.raises(InputError, match="damaged"):
        open_dataset("stl10", tmp_path).load("train")


def test_svhn_is_torchvisions_and_its_ten_is_zero(tmp_path, monkeypatch):
    generator = np.random.default_rng(2)
    images = generator.integers(0, 256, (32, 32, 3, 7), dtype=np.uint8)
    labels = np.array([[10], [1], [9], [10], [2], [3], [4]], dtype=np.uint8)
    scipy.io.savemat(tmp_path / "train_32x32.mat", {"X": images, "y": labels})
    data = open_dataset("svhn", tmp_path).load("train")
    assert data.labels.tolist() == [0, 1, 9, 0, 2, 3, 4]
    monkeypatch.setattr(torchvision.datasets.SVHN, "_check_integrity", lambda _: True)
    theirs = torchvision.datasets.SVHN(tmp_path, split="train")
    np.testing.assert_array_equal(data.values.numpy(), theirs.data)
    np.testing.assert_array_equal(data.labels.numpy(), theirs.labels)


def test_damaged_svhn_is_one_sentence(tmp_path):
    file = tmp_path / "test_32x32.mat"
    source = open_dataset("svhn", tmp_path)
    scipy.io.savemat(file, {"X": np.zeros((32, 32, 3, 2), np.uint8), "y": np.zeros((3, 1))})
    with pytest.raises(InputError, match="does not hold digits"):
        source.load("test")
    scipy.io.savemat(file, {"X": np.zeros((32, 32, 3, 2), np.uint8)})
    with pytest.raises(InputError, match="cannot be read"):
        source.load("test")


@pytest.mark.parametrize("labels", [[[0], [1]], [[11], [1]], [[np.nan], [1]], [["a"], ["b"]]])
def test_labels_that_are_no_digits_are_refused(tmp_path, labels):
    arrays = {"X": np.zeros((32, 32, 3, 2), np.uint8), "y": np.array(labels)}
    scipy.io.savemat(tmp_path / "test_32x32.mat", arrays)
    with pytest.raises(InputError, match=r"y \(N, 1\) from 1 to 10 were expected"):
        open_dataset("svhn", tmp_path).load("test")


def test_whatever_scipy_raises_is_one_sentence(tmp_path, monkeypatch):
    def loadmat(*words, **options):
        raise ZeroDivisionError("integer division or modulo by zero")  # as a damaged header does

    (tmp_path / "test_32x32.mat").touch()
    monkeypatch.setattr(scipy.io, "loadmat", loadmat)
    with pytest.raises(InputError, match="cannot be read: integer division"):
        open_dataset("svhn", tmp_path).load("test")


@pytest.mark.parametrize("compressed", [True, False])
def test_svhn_cut_anywhere_is_one_sentence(tmp_path, compressed):
    file = tmp_path / "test_32x32.mat"
    arrays = {"X": np.zeros((32, 32, 3, 1), np.uint8), "y": np.ones((1, 1))}
    scipy.io.savemat(file, arrays, do_compression=compressed)
    whole = file.read_bytes()
    for length in range(0, len(whole), 1 if compressed else 37):
        file.write_bytes(whole[:length])
        with pytest.raises(InputError):
            open_dataset("svhn", tmp_path).load("test")


def faces(count=6):
    """Return JPEG files of 178 x 218 pixels by name."""
    generator = np.random.default_rng(3)
    contents = {}
    for number in range(1, count + 1):
        coarse = generator.integers(0, 256, (6, 5, 3), dtype=np.uint8)
        file = io.BytesIO()
        Image.fromarray(coarse).resize((178, 218)).save(file, "JPEG")
        contents[f"{number:06d}.jpg"] = file.getvalue()
    return contents


@pytest.mark.parametrize("packed", [True, False])
def test_celeba_is_cropped_and_split_as_the_list_says(tmp_path, packed):
    contents = faces()
    folder = tmp_path / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    if packed:
        with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as archive:
            for name, data in contents.items():
                archive.writestr(f"img_align_celeba/{name}", data)
    else:
        for name, data in contents.items():
            (folder / "img_align_celeba" / name).write_bytes(data)
    partition = zip(contents, (0, 1, 0, 2, 2, 0), strict=True)
    (folder / "list_eval_partition.txt").write_text("".join(f"{n} {s}\n" for n, s in partition))
    source = open_dataset("celeba", tmp_path)
    assert [len(source.load(split)) for split in source.splits] == [3, 1, 2]
    data = source.load("train")
    assert data.values.shape == (3, 3, 64, 64)
    assert data.labels is None
    face = Image.open(io.BytesIO(contents["000006.jpg"])).crop((0, 20, 178, 198))
    expected = np.asarray(face.resize((64, 64), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(data.values[2].permute(1, 2, 0).numpy(), expected)


def test_celeba_that_is_not_whole_is_refused(tmp_path):
    folder = tmp_path / "img_align_celeba"
    folder.mkdir()
    contents = faces(2)
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    source = open_dataset("celeba", tmp_path)
    with pytest.raises(InputError, match=r"000003\.jpg and 162767 others"):
        source.load("train")  # by the official numbering, 000001 to 162770
    (tmp_path / "list_eval_partition.txt").write_text("000001.jpg 0\n000002.jpg 0\n")
    (folder / "000002.jpg").write_bytes(contents["000002.jpg"][:600])
    with pytest.raises(InputError, match=r"1 images .* first 000002\.jpg"):
        source.load("train")
    with pytest.raises(InputError, match="no image of the split 'test'"):
        source.load("test")


def test_a_damaged_celeba_archive_is_one_sentence(tmp_path):
    (tmp_path / "img_align_celeba.zip").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(InputError, match="cannot be read"):
        open_dataset("celeba", tmp_path).load("train")
