# SPDX-License-Identifier: MIT
"""Files are whole or missing; errors of the disk become one sentence."""

import errno
import gzip
import json
import math
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.errors import DamagedRunError, StorageError
from ganbench.records import atomic_files
from ganbench.records.atomic_files import (
    append_line,
    check_writable,
    last_row,
    read_json,
    read_lines,
    replacing,
    storage_errors,
    sweep_temporary_files,
    write_json,
    write_lines,
    write_text,
)
from ganbench.records.json_values import finite

SCALAR = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text())
VALUE = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "new" / "deep" / "a.txt"
    write_text(path, "one")
    write_text(path, "two")
    assert path.read_text() == "two"
    assert list(path.parent.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o644


def test_whoever_reads_the_old_file_reads_it_to_its_end(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with path.open() as reader:
        write_text(path, "new")
        assert reader.read() == "old"
    assert path.read_text() == "new"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_crash_in_the_middle_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def crash():
        with replacing(path) as temporary:
            temporary.write_text("half of the n")
            assert path.read_text() == "old"
            raise error

    with pytest.raises(error):
        crash()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_is_swept_up_and_nothing_else(tmp_path):
    (tmp_path / "samples").mkdir()
    own_files = [tmp_path / ".notes", tmp_path / ".a.b", tmp_path / "samples" / "final.png"]
    for path in own_files:
        path.touch()
    temporary_files = []
    for name in ("checkpoint.safetensors", "samples/final.png"):
        with replacing(tmp_path / name) as temporary:
            temporary_files.append(temporary)
        temporary_files[-1].touch()
        (tmp_path / name).unlink()
    own_files[-1].touch()
    (tmp_path / ".tmp6yFVLB").write_text("what safetensors writes first, cut short by a kill")
    sweep_temporary_files(tmp_path)
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(own_files)


def test_the_content_is_on_the_disk_before_it_takes_the_name(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    seen = []

    def synced(handle):
        os.lseek(handle, 0, os.SEEK_SET)
        seen.append((os.read(handle, 100), path.exists()))

    monkeypatch.setattr(atomic_files.os, "fsync", synced)
    write_text(path, "whole")
    assert seen == [(b"whole", False)]


def test_a_full_disk_is_said_and_the_old_file_stays(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(atomic_files.os, "fsync", full)
    with pytest.raises(StorageError) as raised:
        write_json(path, {"a": 2})
    assert raised.value.message == f"There is no space left to write {path}."
    assert "--resume" in raised.value.hint
    assert read_json(path) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


LIMITED = """
import resource, signal, sys
from pathlib import Path
from ganbench.errors import StorageError
from ganbench.records.atomic_files import append_line, write_text

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
path = Path(sys.argv[1])
write_text(path, "small")
for write in (lambda: write_text(path, "x" * 10000), lambda: append_line(path, {"a": "x" * 9999})):
    try:
        write()
    except StorageError as error:
        print(error.message)
"""


def test_a_file_that_may_not_grow_is_said(tmp_path):
    pytest.importorskip("resource", reason="needs the limits of a POSIX system")
    path = tmp_path / "a.txt"
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert done.stdout == f"{path} cannot be written: {os.strerror(errno.EFBIG)}.\n" * 2
    assert path.read_text().startswith("small")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "number", [errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST]
)
def test_a_folder_that_cannot_be_written_is_named_with_the_way_out(tmp_path, number):
    with pytest.raises(StorageError) as raised, storage_errors(tmp_path):
        raise OSError(number, os.strerror(number))
    assert raised.value.message == f"{tmp_path} cannot be written: {os.strerror(number)}."
    assert "--out" in raised.value.hint
    assert raised.value.exit_code == 1


def test_another_error_of_the_system_is_passed_on_in_its_words(tmp_path):
    words = "cannot be written: Input/output error"
    with pytest.raises(StorageError, match=words), storage_errors(tmp_path):
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    with pytest.raises(StorageError, match="written: made up"), storage_errors(tmp_path):
        raise OSError("made up")


def test_a_folder_below_a_file_cannot_be_written(tmp_path):
    file = tmp_path / "file"
    file.write_text("kept")
    for call in (
        lambda: check_writable(file / "runs"),
        lambda: check_writable(file),
        lambda: write_text(file / "a.txt", "x"),
        lambda: append_line(file / "a.jsonl", {}),
    ):
        with pytest.raises(StorageError, match="cannot be written"):
            call()
    assert file.read_text() == "kept"


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_without_permission_cannot_be_written(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(StorageError, match="Permission denied"):
        check_writable(closed)


def test_a_folder_is_made_and_left_empty(tmp_path):
    check_writable(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def leaves(value):
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value


@given(VALUE)
def test_what_json_lacks_becomes_null_and_the_rest_stays(value):
    before, after = list(leaves(value)), list(leaves(finite(value)))
    assert len(before) == len(after)
    for old, new in zip(before, after, strict=True):
        if isinstance(old, float) and not math.isfinite(old):
            assert new is None
        else:
            assert new == old
            assert type(new) is type(old)
    json.dumps(finite(value), allow_nan=False)


@given(st.dictionaries(st.text(), VALUE, max_size=4))
def test_json_comes_back(tmp_path_factory, value):
    path = tmp_path_factory.getbasetemp() / "any.json"
    write_json(path, value)
    assert read_json(path) == finite(value)
    write_lines(path, [value, value])
    append_line(path, value)
    assert read_lines(path) == [finite(value)] * 3
    packed = path.with_name("any.jsonl.gz")
    write_lines(packed, [value, value])
    assert read_lines(packed) == [finite(value)] * 2


def test_not_a_number_is_null_in_every_file(tmp_path):
    row = {"loss": float("nan"), "inner": [float("inf"), 1.5]}
    for write in (lambda p: write_json(p, row), lambda p: append_line(p, row)):
        path = tmp_path / "a.json"
        path.unlink(missing_ok=True)
        write(path)
        assert json.loads(path.read_text()) == {"loss": None, "inner": [None, 1.5]}


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_line_cut_short_is_left_out(tmp_path, cut):
    path = tmp_path / "a.jsonl"
    write_lines(path, [{"a": 1}, {"a": 2}])
    append_line(path, {"a": "ü" * 3})
    data = path.read_bytes()
    path.write_bytes(data[:-cut])
    rows = read_lines(path)
    assert rows[:2] == [{"a": 1}, {"a": 2}]
    assert rows[2:] == ([{"a": "ü" * 3}] if cut == 1 else [])


def test_rows_after_a_damaged_one_are_read(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n{"a": \xff\n[1]\n3\n\n{"a": 2}\n')
    assert read_lines(path) == [{"a": 1}, {"a": 2}]
    assert read_lines(tmp_path / "none.jsonl") == []


ROWS = [{"number": number, "text": f"{number**9:x}" * 20} for number in range(200)]


def packed_rows(path):
    write_lines(path, ROWS)
    return path.read_bytes()


def test_equal_rows_are_packed_into_equal_bytes_that_any_reader_unpacks(tmp_path):
    data = packed_rows(tmp_path / "a.jsonl.gz")
    assert data == packed_rows(tmp_path / "b.jsonl.gz")
    assert [json.loads(line) for line in gzip.decompress(data).splitlines()] == ROWS


@pytest.mark.parametrize("damage", ["cut", "end", "flipped", "no gzip"])
def test_a_damaged_packed_file_gives_no_row(tmp_path, damage):
    path = tmp_path / "a.jsonl.gz"
    data = packed_rows(path)
    middle = len(data) // 2
    flipped = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
    damaged = {"cut": data[:middle], "end": data[:-1], "flipped": flipped, "no gzip": b"{}\n"}
    path.write_bytes(damaged[damage])
    with pytest.raises(DamagedRunError, match=r"a\.jsonl\.gz is damaged: it cannot be unpacked"):
        read_lines(path)


@pytest.mark.parametrize("line", [b"{}\n", b"{}"])
def test_a_small_file_that_unpacks_to_more_than_is_allowed_is_refused(tmp_path, monkeypatch, line):
    monkeypatch.setattr(atomic_files, "LARGEST_TABLE", 100_000)
    monkeypatch.setattr(atomic_files, "LARGEST_DOCUMENT", 1_000)
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(line * 60_000))
    assert path.stat().st_size < 1_000
    with pytest.raises(DamagedRunError, match="at most 100,000 bytes were expected in it"):
        read_lines(path)


@pytest.mark.parametrize("content", [b"", b'{"a": 1', b"[1]", b"3", b"\xff\xfe", b"null"])
def test_damaged_json_is_one_sentence(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(DamagedRunError, match=r"a\.json is damaged: it") as raised:
        read_json(path)
    assert raised.value.exit_code == 1
    assert path.read_bytes() == content


def test_missing_json_is_one_sentence(tmp_path):
    with pytest.raises(DamagedRunError, match="cannot be read: No such file"):
        read_json(tmp_path / "a.json")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
@pytest.mark.parametrize("read", [read_json, read_lines])
def test_a_pipe_that_nobody_writes_to_is_refused_at_once(tmp_path, read):
    path = tmp_path / "a.json"
    os.mkfifo(path)
    with pytest.raises(DamagedRunError, match="it is not a regular file"):
        read(path)
    assert last_row(path) == {}


@pytest.mark.parametrize("read", [read_json, read_lines])
def test_a_folder_and_a_name_that_cannot_be_are_refused(tmp_path, read):
    for path in (tmp_path, tmp_path / "a\0b", tmp_path / ("a" * 300)):
        if read is read_lines and path != tmp_path:
            continue  # no such file can be there
        with pytest.raises(DamagedRunError, match=r"cannot be read|not a regular file"):
            read(path)


@pytest.mark.parametrize("read", [read_json, read_lines])
def test_a_file_is_not_read_if_it_is_too_large(tmp_path, read):
    path = tmp_path / "a.json"
    with path.open("wb") as file:
        file.truncate(2 << 30)  # takes no space on the disk
    with pytest.raises(DamagedRunError, match="2,147,483,648 bytes, and at most"):
        read(path)


def test_the_last_whole_row_is_found(tmp_path):
    path = tmp_path / "a.jsonl"
    assert last_row(path) == {}
    write_lines(path, [{"a": number, "text": "x" * 100} for number in range(1000)])
    with path.open("a") as file:
        file.write('3\n{"a": 17, "cut')
    assert last_row(path)["a"] == 999
