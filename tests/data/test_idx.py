# SPDX-License-Identifier: MIT
"""Idx files against bytes written by hand, where they are found, and how they are fetched."""

from __future__ import annotations

import functools
import gzip
import hashlib
import http.server
import struct
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision.datasets
from hypothesis import given
from hypothesis import strategies as st

from ganbench.data import open_dataset, remote_files
from ganbench.data.idx import read_idx
from ganbench.errors import InputError, MissingDataError, StorageError
from ganbench.progress import Progress

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
NAMES = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}


@pytest.fixture(autouse=True)
def nothing_downloaded(monkeypatch, tmp_path):
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GANBENCH_OFFLINE", "1")
    monkeypatch.delenv("GANBENCH_DATA", raising=False)


def idx(array):
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


def examples(count=20, seed=0):
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (count, 28, 28), dtype=np.uint8)
    return images, generator.integers(0, 10, count, dtype=np.uint8)


def put(folder, split="train", packed=True, count=20, labels=None):
    """Write both files of a split; return their arrays."""
    folder.mkdir(parents=True, exist_ok=True)
    images, drawn = examples(count)
    labels = drawn if labels is None else labels
    for name, array in zip(NAMES[split], (images, labels), strict=True):
        if packed:
            (folder / name).write_bytes(gzip.compress(idx(array)))
        else:
            (folder / name.removesuffix(".gz")).write_bytes(idx(array))
    return images, labels


def test_bytes_written_by_hand(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(bytes.fromhex("00000803 00000002 00000001 00000003 010203 0a0bff"))
    assert read_idx(file, 3).tolist() == [[[1, 2, 3]], [[10, 11, 255]]]
    file.write_bytes(gzip.compress(bytes.fromhex("00000801 00000003 070009")))
    assert read_idx(file, 1).tolist() == [7, 0, 9]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("", "is not an idx file of 1-dimensional bytes"),
        ("000008", "is not an idx file"),
        ("00000801", "is not an idx file"),
        ("00000803 00000001 00000001 00000001 05", "is not an idx file of 1-dim"),
        ("00000d01 00000001 05", "is not an idx file"),
        ("01000801 00000001 05", "is not an idx file"),
        ("00000801 00000002 05", "10 bytes were expected, not 9"),
        ("00000801 00000002 050607", "10 bytes were expected, not 11"),
        ("00000801 ffffffff 05", "is damaged"),
    ],
)
def test_other_bytes_are_refused(tmp_path, data, sentence):
    file = tmp_path / "labels"
    file.write_bytes(bytes.fromhex(data))
    with pytest.raises(InputError, match=sentence) as caught:
        read_idx(file, 1)
    assert str(file) in caught.value.message
    assert caught.value.hint


@given(st.data())
def test_a_file_cut_anywhere_is_refused(tmp_path_factory, data):
    whole = idx(examples(2)[0])
    if data.draw(st.booleans()):
        whole = gzip.compress(whole)
    file = tmp_path_factory.mktemp("cut") / "images"
    file.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(InputError):
        read_idx(file, 3)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("folder", ["MNIST/raw", "mnist", "."])
def test_files_are_found_in_torchvisions_and_in_flat_layouts(tmp_path, folder, packed):
    images, labels = put(tmp_path / folder, "test", packed)
    data = open_dataset("mnist", tmp_path).load("test")
    assert data.values.is_contiguous()
    np.testing.assert_array_equal(data.values.numpy(), images[:, None])
    np.testing.assert_array_equal(data.labels.numpy(), labels)


def test_torchvision_reads_the_same(tmp_path):
    for split in ("train", "test"):
        put(tmp_path / "KMNIST" / "raw", split, packed=False)
    for split in ("train", "test"):
        theirs = torchvision.datasets.KMNIST(tmp_path, train=split == "train")
        ours = open_dataset("kmnist", tmp_path).load(split)
        assert torch.equal(ours.values[:, 0], theirs.data)
        assert torch.equal(ours.labels, theirs.targets)


def test_files_are_found_in_a_folder_named_by_the_environment(tmp_path, monkeypatch):
    put(tmp_path / "kmnist")
    monkeypatch.setenv("GANBENCH_DATA", f"{tmp_path / 'no'}:{tmp_path}")
    assert len(open_dataset("kmnist").load("train")) == 20


def test_the_root_that_is_given_comes_first(tmp_path, monkeypatch):
    put(tmp_path / "a" / "kmnist", count=20)
    put(tmp_path / "b" / "kmnist", count=30)
    monkeypatch.setenv("GANBENCH_DATA", str(tmp_path / "a"))
    assert len(open_dataset("kmnist", tmp_path / "b").load("train")) == 30


def test_half_a_pair_is_not_found(tmp_path):
    put(tmp_path / "mnist")
    (tmp_path / "mnist" / NAMES["train"][1]).unlink()
    with pytest.raises(MissingDataError):
        open_dataset("mnist", tmp_path).load("train")


def test_images_and_labels_must_belong_together(tmp_path):
    put(tmp_path / "mnist", labels=np.zeros(19, dtype=np.uint8))
    with pytest.raises(InputError, match="do not belong together"):
        open_dataset("mnist", tmp_path).load("train")


def test_anothers_files_are_not_taken_for_ones_own(tmp_path):
    labels = np.array([5, 0, 4, 1, 9, 2, 1, 3, 1, 4] * 2, dtype=np.uint8)  # as MNIST begins
    put(tmp_path, labels=labels)
    assert len(open_dataset("mnist", tmp_path).load("train")) == 20
    with pytest.raises(InputError, match="belongs to mnist, not to kmnist"):
        open_dataset("kmnist", tmp_path).load("train")


def test_the_hint_names_files_folder_and_package(tmp_path, monkeypatch):
    monkeypatch.setattr(remote_files.paths, "data_roots", lambda root: [root])
    with pytest.raises(MissingDataError) as caught:
        open_dataset("fashion-mnist", tmp_path).load("train")
    hint = caught.value.hint
    assert all(name in hint for name in (*NAMES["train"], *NAMES["test"]))
    assert " into DIR/fashion-mnist " in hint
    assert "--data-root DIR" in hint
    assert "apt-get install dataset-fashion-mnist" in hint


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def served(tmp_path, monkeypatch):
    """KMNIST's files on a server of this machine, under torchvision's addresses."""
    folder = tmp_path / "served"
    put(folder)
    put(folder, "test", count=5)
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    checksums = [
        (name, hashlib.md5((folder / name).read_bytes(), usedforsecurity=False).hexdigest())
        for name in (*NAMES["train"], *NAMES["test"])
    ]
    dataset = torchvision.datasets.KMNIST
    monkeypatch.setattr(dataset, "resources", checksums)
    address = f"http://127.0.0.1:{server.server_port}/"
    monkeypatch.setattr(dataset, "mirrors", [f"{address}no-such-folder/", address])
    monkeypatch.delenv("GANBENCH_OFFLINE")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    yield folder
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_is_not_here_is_downloaded_once_into_the_cache(tmp_path, served):
    data = open_dataset("kmnist").load("train")
    np.testing.assert_array_equal(data.values[:, 0].numpy(), examples()[0])
    folder = tmp_path / "cache" / "data" / "kmnist"
    assert {path.name for path in folder.iterdir()} == {*NAMES["train"], *NAMES["test"]}
    for file in served.iterdir():
        file.unlink()
    assert torch.equal(open_dataset("kmnist").load("train").values, data.values)
    assert len(open_dataset("kmnist").load("test")) == 5


def test_a_download_tells_how_far_it_is(served):
    class Told(Progress):
        done, sentences = [], []

        def advance(self, what, done, total):
            self.done.append((what, done, total))

        def say(self, sentence):
            self.sentences.append(sentence)

    told = Told()
    source = open_dataset("kmnist", progress=told)
    assert told.sentences == [], "nothing is downloaded before a split is loaded"
    source.load("test")
    sizes = [(served / name).stat().st_size for name in (*NAMES["train"], *NAMES["test"])]
    assert [done for what, done, total in told.done if done == total] == sizes
    assert {what for what, _, _ in told.done} == {"bytes"}
    addresses = [sentence for sentence in told.sentences if sentence.startswith("kmnist: http")]
    assert sum("answered 404" in sentence for sentence in addresses) == 4
    assert len(addresses) == 12, "for each file the first mirror, what it said, and the second"


def test_what_cannot_be_had_of_one_split_is_known_when_the_other_is_loaded(served):
    (served / NAMES["test"][1]).unlink()
    with pytest.raises(MissingDataError, match=r"t10k-labels.* answered 404"):
        open_dataset("kmnist").load("train")


def test_a_root_that_is_given_takes_the_downloads(tmp_path, served):
    open_dataset("kmnist", tmp_path / "mine").load("train")
    assert (tmp_path / "mine" / "kmnist" / NAMES["train"][0]).is_file()
    assert not (tmp_path / "cache").exists()


def test_a_download_with_the_wrong_checksum_is_not_kept(tmp_path, served):
    (served / NAMES["train"][1]).write_bytes(b"a login page")
    with pytest.raises(
        MissingDataError, match=r"sent another file: its MD5 is not \w{32}"
    ) as caught:
        open_dataset("kmnist").load("train")
    assert "--data-root DIR" in caught.value.hint
    assert caught.value.exit_code == 4
    assert [path.name for path in (tmp_path / "cache/data/kmnist").iterdir()] == [NAMES["train"][0]]


def test_a_server_that_is_not_there_is_one_sentence(tmp_path, served, monkeypatch):
    monkeypatch.setattr(torchvision.datasets.KMNIST, "mirrors", ["http://127.0.0.1:9/"])
    with pytest.raises(
        MissingDataError, match=r"cannot be reached \(Connection refused\)"
    ) as caught:
        open_dataset("kmnist").load("train")
    assert "\n" not in caught.value.message


def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path, served):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError) as caught:
        open_dataset("kmnist", tmp_path / "file").load("train")
    assert "--data-root" in caught.value.hint


@pytest.mark.debian
@pytest.mark.skipif(
    not (DEBIAN / NAMES["train"][0]).is_file(),
    reason="needs the Debian package dataset-fashion-mnist",
)
@pytest.mark.parametrize(("split", "count"), [("train", 60_000), ("test", 10_000)])
def test_fashion_mnist_of_debian_is_found_without_being_told(split, count):
    data = open_dataset("fashion-mnist").load(split)
    assert data.values.shape == (count, 1, 28, 28)
    assert data.values.is_contiguous()
    assert torch.bincount(data.labels).tolist() == [count // 10] * 10
    # The mean and deviation of the training pixels that the literature standardizes by.
    if split == "train":
        pixels = data.values.float() / 255
        assert float(pixels.mean()) == pytest.approx(0.2860, abs=5e-5)
        assert float(pixels.std()) == pytest.approx(0.3530, abs=5e-5)


def test_a_packed_file_that_unpacks_beyond_measure_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("ganbench.data.idx.FREE_BYTES", 10**4)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(10**7), mtime=0))
    with pytest.raises(InputError, match=r"bomb\.gz cannot be read: it unpacks to more than"):
        read_idx(path, 3)
