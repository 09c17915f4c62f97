# SPDX-License-Identifier: MIT
"""A folder as it was at a commit of the git repository around the working folder."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ganbench.errors import InputError


@contextmanager
def folder_at(name: str) -> Iterator[Path]:
    """Yield a folder: one that is there, or ``COMMIT:FOLDER`` in a temporary place.

    Args:
        name: A path, or a commit, branch or tag, a colon, and a path from the working folder.

    Raises:
        InputError: There is no such folder, commit, or git.
    """
    commit, colon, path = name.partition(":")
    if Path(name).is_dir() or not colon or not commit or not path:
        yield Path(name)
        return
    # A commit that began with a dash would be taken as an option.
    command = ["git", "archive", "--format=tar", f"{commit}^{{tree}}", "--", path]
    try:
        if commit.startswith("-"):
            raise ValueError(f"{commit} is no name of a commit")
        archived = subprocess.run(command, capture_output=True, check=True).stdout
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", None)
        reason = said.decode(errors="replace").strip().splitlines() if said else [str(error)]
        raise InputError(
            f"Git has no folder {path} at {commit}: {reason[-1] if reason else 'no reason'}.",
            "Name a folder, or COMMIT:FOLDER, a folder from here, in a git repository.",
        ) from error
    with TemporaryDirectory() as temporary:
        with tarfile.open(fileobj=io.BytesIO(archived)) as archive:
            archive.extractall(temporary, filter="data")
        yield Path(temporary, path)
