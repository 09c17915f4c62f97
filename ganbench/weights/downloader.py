# SPDX-License-Identifier: MIT
"""The one downloader, of weights and of datasets: each file is checked as it arrives."""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.client import HTTPException
from io import BufferedIOBase
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Literal
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from ganbench.progress import SILENT, Progress

ANSWER_SECONDS = 10.0
"""How long to wait for a server to answer: for its name, its connection and its redirects."""

SILENCE_SECONDS = 30.0
"""How long a server may be silent while it answers."""

UNKNOWN_SIZE_BYTES = 16 * 2**30
"""Most bytes of a file whose size neither the caller nor the server states."""

PAGE_BYTES = 16 * 2**20
"""Most bytes of a page of links."""

OFFLINE = "downloads are switched off (GANBENCH_OFFLINE or HF_HUB_OFFLINE is set)"
"""Why nothing is downloaded, as the clause of a sentence."""

_BLOCK_BYTES = 1 << 18


class NotGivenError(Exception):
    """A source did not give a file; the message says why, as the clause of a sentence."""


@dataclass(frozen=True)
class Checksum:
    """The published checksum of a file, in hexadecimal digits."""

    algorithm: Literal["MD5", "SHA-256"]
    digits: str

    def matches(self, file: BufferedIOBase) -> bool:
        """Tell whether the rest of an open file has this checksum."""
        if self.algorithm == "SHA-256":
            return sha256_of(file) == self.digits
        # Some systems forbid MD5 for security, and allow it against damage.
        md5 = partial(hashlib.md5, usedforsecurity=False)
        return hashlib.file_digest(file, md5).hexdigest() == self.digits


def sha256_of(file: BufferedIOBase) -> str:
    """Return the SHA-256 of the rest of an open file, in 64 hex digits."""
    return hashlib.file_digest(file, "sha256").hexdigest()


def download(
    address: str,
    target: Path,
    checksum: Checksum,
    *,
    size_bytes: int | None = None,
    progress: Progress = SILENT,
) -> None:
    """Write the file at an address to ``target``, and resume where the connection is cut.

    Proxies are taken from the environment and redirects followed, as urllib does.

    Args:
        address: Where the file is.
        target: The file to write; what it held before is lost.
        checksum: The checksum that the file must have.
        size_bytes: The size of the file, if it is known; otherwise the server's word is taken.
        progress: Hears how many bytes have arrived, where the size is known.

    Raises:
        NotGivenError: nobody answers, or the answer is not the file.
        OSError: the target cannot be written.
    """
    done = furthest = 0
    with target.open("w+b") as file:
        while True:
            with closing(_open(address, done, size_bytes)) as response:
                if done and response.status != HTTPStatus.PARTIAL_CONTENT:
                    done = file.seek(0)
                    file.truncate()
                size_bytes = size_bytes or _stated_size(response)
                limit = (size_bytes or UNKNOWN_SIZE_BYTES) + 1  # a byte more tells another file
                while block := _read(response, limit - done):
                    file.write(block)
                    done += len(block)
                    if size_bytes:
                        progress.advance("bytes", done, size_bytes)
            if size_bytes is None or done >= size_bytes:
                break
            if done <= furthest:
                raise NotGivenError(f"{address} sent no more than {furthest:,} bytes")
            furthest = done
            progress.say(f"The connection was cut after {done:,} bytes; resuming from there.")
        file.seek(0)
        if not checksum.matches(file):
            raise NotGivenError(
                f"{address} sent another file: its {checksum.algorithm} is not {checksum.digits}"
            )


def read_page(address: str) -> tuple[str, str]:
    """Return the address of a page, redirects followed, and its text.

    Raises:
        NotGivenError: nobody answers, or the page is too long.
    """
    with closing(_open(address, 0, None)) as response:
        content = b""
        while block := _read(response, PAGE_BYTES + 1 - len(content)):
            content += block
        if len(content) > PAGE_BYTES:
            raise NotGivenError(f"{address} sent more than {PAGE_BYTES:,} bytes")
        return str(response.geturl()), content.decode("utf-8", "replace")


def _open(address: str, start: int, size_bytes: int | None) -> Any:
    """Ask for a file from byte ``start`` on; an answer of the wrong length is refused."""
    headers = {"User-Agent": "ganbench", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        response = _answer(Request(address, headers=headers))
    except HTTPError as error:
        error.close()
        raise NotGivenError(f"{address} answered {error.code} ({error.reason})") from error
    except (OSError, HTTPException) as error:
        raise NotGivenError(f"{address} cannot be reached ({_reason(error)})") from error
    if size_bytes is None:
        return response
    length = response.headers.get("Content-Length")
    expected = size_bytes - (start if response.status == HTTPStatus.PARTIAL_CONTENT else 0)
    if length not in {None, str(expected)}:
        response.close()
        raise NotGivenError(f"{address} sent another file: of {length} bytes, not {expected}")
    return response


def _stated_size(response: Any) -> int | None:
    """Return the size of the whole file by the first answer; None where it says nothing."""
    length = response.headers.get("Content-Length") or ""
    return int(length) if length.isascii() and length.isdigit() else None


def _answer(request: Request) -> Any:
    """Return the response to a request, or give up waiting.

    It is asked for in a thread, because urllib's limit holds for each of a name's addresses and
    not for finding them: behind a firewall that drops packets, minutes would pass.
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
    try:  # read1, because read would lose what came before a silence
        return bytes(response.read1(min(_BLOCK_BYTES, limit)))
    except (OSError, HTTPException):
        return b""


def _reason(error: Exception) -> str:
    """Return why a connection failed, without a final period."""
    reason = error.reason if isinstance(error, URLError) else error
    text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return str(text).rstrip(".")
