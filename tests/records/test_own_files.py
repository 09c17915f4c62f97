# SPDX-License-Identifier: MIT
"""What may be replaced or deleted: the files that ganbench wrote, and no others."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ganbench.errors import StorageError
from ganbench.records.own_files import MANIFEST, check_target, replacing_own


def write(folder: Path, *names: str, text: str = "ours") -> None:
    with replacing_own(folder, names):
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }


def test_old_files_give_way_and_others_stay(tmp_path: Path) -> None:
    write(tmp_path, "a", "deep/b", "c")
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "c").write_text("changed")
    write(tmp_path, "a", text="new")
    assert files(tmp_path) == {"a": "new", "mine": "mine", "c": "changed"}
    checked = subprocess.run(["sha256sum", "-c", MANIFEST], cwd=tmp_path, capture_output=True)
    assert (checked.returncode, checked.stdout) == (0, b"a: OK\n")


@pytest.mark.parametrize("kind", ["file", "folder", "broken link"])
def test_what_is_in_the_way_is_refused_before_anything_happens(tmp_path: Path, kind: str) -> None:
    write(tmp_path, "a", "b")
    if kind == "file":
        (tmp_path / "c").write_text("mine")
    elif kind == "folder":
        (tmp_path / "c").mkdir()
    else:
        (tmp_path / "c").symlink_to("nowhere")
    with pytest.raises(StorageError, match="c was not written by ganbench"):
        write(tmp_path, "a", "c", text="new")
    assert {"a": "ours", "b": "ours"}.items() <= files(tmp_path).items()


def test_after_a_crash_the_rest_is_written_again(tmp_path: Path) -> None:
    write(tmp_path, "a", "b")

    def crash() -> None:
        with replacing_own(tmp_path, ["a", "c"]):
            (tmp_path / "a").write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        crash()
    assert files(tmp_path) == {"a": "half"}
    write(tmp_path, "a", "c", text="whole")
    assert files(tmp_path) == {"a": "whole", "c": "whole"}


def test_a_manifest_of_another_is_no_manifest(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    listed = subprocess.run(["sha256sum", "mine"], cwd=tmp_path, capture_output=True, text=True)
    (tmp_path / MANIFEST).write_text(listed.stdout)
    with pytest.raises(StorageError, match=MANIFEST):
        write(tmp_path, "a")
    assert files(tmp_path) == {"mine": "mine"}


def test_a_manifest_reaches_no_file_outside_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    write(folder, "a")
    (tmp_path / "outside").write_text("mine")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "b").write_text("mine")
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    with (folder / MANIFEST).open("a") as file:
        for name in ("../outside", str(tmp_path / "outside"), "link/b"):
            file.write(f"{'-' * 64}  {name}\n")
    write(folder, "c")
    assert files(folder) == {"c": "ours"}
    assert (tmp_path / "outside").read_text() == "mine"
    assert (tmp_path / "elsewhere" / "b").read_text() == "mine"


def test_a_single_file_is_replaced_only_if_it_is_ours_and_no_input(tmp_path: Path) -> None:
    path = tmp_path / "result.json"

    def ours(file: Path) -> bool:
        return file.read_text() == "ours"

    check_target(path, ours)
    path.write_text("ours")
    check_target(path, ours, inputs=[None, "mnist5k:test", str(tmp_path), "a\0b"])
    (tmp_path / "link.json").symlink_to(path)
    for source in (path, tmp_path / "link.json"):
        with pytest.raises(StorageError, match="is an input"):
            check_target(path, ours, inputs=[str(source)])
    path.write_text("mine")
    with pytest.raises(StorageError, match="ganbench did not write it"):
        check_target(path, ours)
    with pytest.raises(StorageError, match="ganbench did not write it"):
        check_target(tmp_path, ours)
