# SPDX-License-Identifier: MIT
"""A folder as it was at a commit."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ganbench.errors import InputError
from ganbench.records.git_folders import folder_at


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    (tmp_path / "report").mkdir()
    for text in ("old", "new"):
        (tmp_path / "report/file").write_text(text)
        for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", text]):
            subprocess.run(["git", *command], check=True)
    return tmp_path


def test_a_commit_and_a_folder_give_the_files_of_then(repository: Path) -> None:
    with folder_at("HEAD~1:report") as folder:
        assert (folder / "file").read_text() == "old"
    assert not folder.exists()
    with folder_at("report") as folder:
        assert (folder / "file").read_text() == "new"


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("name", ["HEAD:nothing", "no-branch:report", "--output=x:report"])
def test_what_git_does_not_know_is_one_sentence(name: str) -> None:
    with pytest.raises(InputError, match="Git has no folder"), folder_at(name):
        pass
    assert not Path("x").exists()


def test_a_folder_whose_name_has_a_colon_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a:b").mkdir()
    with folder_at(str(tmp_path / "a:b")) as folder:
        assert folder == tmp_path / "a:b"
