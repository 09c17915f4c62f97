# SPDX-License-Identifier: MIT
"""Archives that are damaged, or made to do harm: one sentence, and nothing is written anywhere."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import zipfile

import pytest

from ganbench.data import image_files as files_module
from ganbench.data import tar_files
from ganbench.errors import GanbenchError, InputError, StorageError
from ganbench.samples import open_samples

ESCAPES = ["../a.png", "x/../../a.png", "/etc/a.png", "..\\a.png", "C:\\a.png", "x/.."]


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tgz"])
@pytest.mark.parametrize("name", ESCAPES)
def test_paths_that_lead_out_of_the_archive_are_refused(pictures, write, ending, name):
    path = write({**pictures(2)[1], name: b"x"}, ending)
    with pytest.raises(InputError, match="leads out of the archive") as caught:
        open_samples(path)
    assert name.replace("\\", "/").split("/")[-1] in caught.value.message


@pytest.mark.parametrize("ending", [".zip", ".tar"])
def test_a_name_that_is_there_twice_is_refused(pictures, write, ending):
    files = pictures(2)[1]
    path = write({**files, "./0001.png": files["0000.png"]}, ending)
    with pytest.raises(InputError, match=r"1 names more than once, first '0001\.png'"):
        open_samples(path)


def tar_with(tmp_path, files, *members):
    path = tmp_path / "special.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for name, kind in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            info.linkname = "/etc/passwd"
            archive.addfile(info)
    return path


def test_links_and_devices_in_a_tar_are_never_read(pictures, tmp_path, gather):
    kinds = {
        "l.png": tarfile.SYMTYPE,
        "h.png": tarfile.LNKTYPE,
        "d.png": tarfile.CHRTYPE,
        "p.png": tarfile.FIFOTYPE,
    }
    samples = open_samples(tar_with(tmp_path, pictures(2)[1], *kinds.items()))
    assert gather(samples)[0] == [0, 1]
    assert samples.skipped == {
        "l.png": "it is a link",
        "h.png": "it is a link",
        "d.png": "it is no regular file",
        "p.png": "it is no regular file",
    }


def test_links_in_a_zip_are_never_read(pictures, write, gather):
    path = write(pictures(2)[1], ".zip")
    link = zipfile.ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    samples = open_samples(path)
    assert gather(samples)[0] == [0, 1]
    assert samples.skipped == {"link.png": "it is a link"}


def test_links_in_a_folder_lead_no_further_than_to_files(pictures, write, tmp_path):
    path = write(pictures(2)[1])
    (path / "loop").symlink_to(path)
    (path / "device.png").symlink_to("/dev/zero")
    assert open_samples(path).names == ["0000.png", "0001.png"]


def encrypted(path):
    """Set the flag that says so on the first member; the data do not matter then."""
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    return path


def test_encrypted_members_are_skipped(pictures, write, gather):
    samples = open_samples(encrypted(write(pictures(3)[1], ".zip")))
    assert gather(samples)[0] == [1, 2]
    assert samples.skipped == {"0000.png": "it is encrypted"}


def test_a_member_that_unpacks_beyond_measure_is_skipped(pictures, write, gather, monkeypatch):
    monkeypatch.setattr(files_module, "FREE_BYTES", 1000)
    path = write({**pictures(2)[1], "bomb.png": bytes(10**6)}, ".zip")
    samples = open_samples(path)
    assert gather(samples)[0] == [0, 1]
    assert "unpacks to more than" in samples.skipped["bomb.png"]


def test_a_header_that_belittles_a_bomb_does_not_help_it(pictures, write, gather, monkeypatch):
    monkeypatch.setattr(files_module, "FREE_BYTES", 1000)
    path = write({"bomb.png": bytes(10**6), **pictures(2)[1]}, ".zip")
    true, claimed = (10**6).to_bytes(4, "little"), (500).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(true, claimed))
    samples = open_samples(path)
    gather(samples)
    assert list(samples.skipped) == ["bomb.png"]


def test_members_that_overlap_are_refused(pictures, write):
    path = write(pictures(3)[1], ".zip")
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
    data = path.read_bytes()
    for info in infos[1:]:  # all members are said to begin where the first does, and to be long
        data = data.replace(
            info.compress_size.to_bytes(4, "little") + info.file_size.to_bytes(4, "little"),
            len(data).to_bytes(4, "little") + info.file_size.to_bytes(4, "little"),
        )
    path.write_bytes(data)
    with pytest.raises(InputError, match="its members overlap"):
        open_samples(path)


def test_a_compressed_tar_that_unpacks_beyond_measure_is_refused(write, monkeypatch):
    monkeypatch.setattr(tar_files, "FREE_BYTES", 10**5)
    path = write({"bomb.png": bytes(10**7)}, ".tar.gz")
    with pytest.raises(InputError, match="unpacks to more than") as caught:
        open_samples(path)
    assert "unpack it" in caught.value.hint


def test_a_full_disk_is_one_sentence(pictures, write, monkeypatch):
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(tar_files.tempfile, "TemporaryFile", lambda **options: Full())
    with pytest.raises(StorageError, match="no space left in"):
        open_samples(write(pictures(2)[1], ".tgz"))


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tgz", ".tar.bz2", ".tar.xz"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.95])
def test_archives_that_are_cut_short_are_refused(pictures, write, ending, share):
    path = write(pictures(20, size=16)[1], ending)
    data = path.read_bytes()
    content = len(data.rstrip(b"\0"))
    path.write_bytes(data[: int(share * content)])
    with pytest.raises(InputError, match=r"cannot be read as|damaged|holds no images"):
        open_samples(path)


def test_a_tar_with_a_damaged_header_is_no_shorter_tar(pictures, write):
    path = write(pictures(6)[1], ".tar")
    data = bytearray(path.read_bytes())
    at = data.index(b"0003.png")
    data[at + 148 : at + 156] = b"\xff" * 8  # its checksum
    path.write_bytes(data)
    with pytest.raises(InputError, match="damaged or cut short"):
        open_samples(path)


def test_a_tar_that_is_cut_between_members_is_no_shorter_tar(pictures, write):
    path = write(pictures(6)[1], ".tar")
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"0003.png")])
    with pytest.raises(InputError, match="damaged or cut short"):
        open_samples(path)


# The time in gzip's head would give the tests of two processes different names.
GZIPPED = gzip.compress(b"no tar", mtime=0)


@pytest.mark.parametrize("content", [b"", b"no archive", bytes(5000), GZIPPED])
@pytest.mark.parametrize("ending", [".zip", ".tar", ".tgz"])
def test_what_is_no_archive(tmp_path, content, ending):
    path = tmp_path / f"x{ending}"
    path.write_bytes(content)
    with pytest.raises(InputError):
        open_samples(path)


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tgz"])
def test_altered_bytes_never_raise_anything_else(pictures, write, gather, ending):
    path = write(pictures(4)[1], ending)
    whole = path.read_bytes()
    dice = random.Random(0)
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(dice.choice([1, 3, 20])):
            data[dice.randrange(len(data))] = dice.randrange(256)
        path.write_bytes(data)
        try:
            samples = open_samples(path)
            indices, _ = gather(samples)
        except GanbenchError:
            continue
        assert len(indices) + len(samples.skipped) == len(samples)


def test_nothing_is_unpacked_next_to_the_archive(pictures, write, gather, tmp_path):
    path = write(pictures(3)[1], ".tgz")
    gather(open_samples(path))
    assert list(tmp_path.iterdir()) == [path]


def test_a_member_without_a_name_is_no_crash(pictures, write):
    path = write({**pictures(2)[1], "x.png": b"x"}, ".zip")
    path.write_bytes(path.read_bytes().replace(b"x.png", b"\0.png"))
    with pytest.raises(InputError, match="leads out of the archive"):
        open_samples(path)
