# SPDX-License-Identifier: MIT
"""A run as one offline page: trained once more while it is recorded, then packed into the page.

The recording is raw deflate of records: an unsigned 32-bit length in little endian, a byte that
says what follows (0 for JSON, 1 for a frame, 2 for one by differences), and the bytes. The first
record is the ``hello``. What differences hold of the arrays' bytes is to be added, modulo 256, to
those of the frame before: most of them are near zero, which packs well.
"""

from __future__ import annotations

import base64
import contextlib
import math
import posixpath
import re
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganbench.errors import ConfigError, InputError
from ganbench.harness.plan import plan
from ganbench.lab.frame_file import record_bytes, split_records
from ganbench.lab.lab_options import LabOptions
from ganbench.lab.lab_recipe import LabRecipe
from ganbench.lab.lab_session import LabSession
from ganbench.lab.links import FRAME, TEXT
from ganbench.lab.page_files import page_files
from ganbench.lab.wire import Frame, pack_frame, split_frame, unpack_frame
from ganbench.progress import SILENT, Progress
from ganbench.records.json_values import strict_json

FRAMES = 300
"""How many frames a recording has by default."""

RECORDING_ID = "recording"
DIFFERENCES = b"\2"
"""The kind of a record: a frame whose arrays' bytes are differences to those of the one before."""

_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' data:; style-src 'unsafe-inline'; "
    "img-src data: blob:; media-src blob:"
)
"""The page is one file: its scripts and styles are in it, and nothing is loaded."""

_IMPORT = re.compile(r"""((?:\bfrom|\bimport)\s*\(?\s*)(["'])(\.{1,2}/[^"']+)\2""")
_SCRIPT = re.compile(r"""<script\b[^>]*\bsrc="([^"]+)"[^>]*>\s*</script>""")
_STYLE = re.compile(r"""<link\b[^>]*\bhref="([^"]+\.css)"[^>]*>""")
_ICON = re.compile(r"""<link\b[^>]*\brel="icon"[^>]*>\s*""")
_RECORDED = ("hello", "event", "diagnosis", "state", "code")


class _Finished(BaseException):
    """The session waits for a message: the run is over."""


class _Recorder:
    """A link that lets a run play, and writes down what it sends."""

    def __init__(self, frames: int, progress: Progress) -> None:
        self.records: list[tuple[bytes, bytes]] = []
        self._messages = [{"kind": "play"}]
        self._frames = frames
        self._progress = progress

    def receive(self, seconds: float | None = 0.0) -> dict[str, Any] | None:
        """Return what lets the run play, once."""
        if self._messages:
            return self._messages.pop()
        if seconds is None:
            raise _Finished
        return None

    def send(self, message: Mapping[str, Any]) -> None:
        """Write down a message that belongs to the recording."""
        if message["kind"] in _RECORDED and message.get("state") != "starting":
            self.records.append((TEXT, strict_json(message).encode()))

    def send_frame(self, frame: bytes) -> None:
        """Write down a frame."""
        self.records.append((FRAME, frame))
        done = sum(kind == FRAME for kind, _ in self.records)
        self._progress.advance("frames", min(done, self._frames), self._frames)


def record_run(
    recipe: LabRecipe,
    *,
    frames: int = FRAMES,
    device: str = "auto",
    threads: int | None = None,
    data_root: Path | None = None,
    progress: Progress = SILENT,
) -> bytes:
    """Train a recipe, and return its recording.

    Args:
        recipe: What is trained.
        frames: About how many frames are recorded, evenly over the run.
        device: Where it is trained.
        threads: The number of CPU threads; None leaves it to the lab.
        data_root: The folder that is searched first for downloaded datasets.
        progress: Is told how many frames are done.

    Raises:
        GanbenchError: The recipe cannot be trained.
    """
    settings = {**recipe.settings, "seed": recipe.seed}
    planned = plan(
        recipe.model, recipe.dataset, tricks=recipe.tricks, settings=settings, data_root=data_root
    ).config.recipe
    images = planned.batch_size * planned.discriminator_steps
    every = max(1, math.ceil(1000 * planned.kimg / images / frames))
    recorder = _Recorder(frames, progress)
    with tempfile.TemporaryDirectory(prefix="ganbench-lab-") as folder:
        options = LabOptions(Path(folder), Path(folder), device, threads, data_root)
        session = LabSession(recorder, options, every=every)
        with contextlib.suppress(_Finished):
            session.serve(recipe)
    if session.failure is not None:
        raise session.failure
    return packed_records(recorder.records)


def packed_records(records: list[tuple[bytes, bytes]]) -> bytes:
    """Return records, pairs of a kind and bytes, as a recording; the ``hello`` comes first."""
    first = [place for place, (kind, data) in enumerate(records) if _is_hello(kind, data)]
    if not first:
        raise ConfigError("Nothing was recorded.")
    ordered = [records[first[0]], *records[: first[0]], *records[first[0] + 1 :]]
    small = _as_differences(_without_repetition(ordered))
    parts = [record_bytes(kind, data) for kind, data in small]
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflate.compress(b"".join(parts)) + deflate.flush()


def _without_repetition(records: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    """Yield records whose frames leave out the real examples that the first frame has.

    They are half of a frame, and further apart than deflate looks back; the page puts them in.
    """
    first: NDArray[Any] | None = None
    for kind, data in records:
        if kind != FRAME:
            yield kind, data
            continue
        frame = unpack_frame(data)
        real = frame.arrays.get("real")
        if first is not None and real is not None and np.array_equal(real, first):
            others = {name: array for name, array in frame.arrays.items() if name != "real"}
            data = pack_frame(Frame(frame.header, others))
        first = real if first is None else first
        yield kind, data


def _as_differences(records: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    """Yield records whose frames hold differences to the frame before, where that has as much."""
    before = b""
    for kind, data in records:
        if kind != FRAME:
            yield kind, data
            continue
        header, arrays = split_frame(data)
        if len(arrays) == len(before):
            yield DIFFERENCES, header + _bytewise(np.subtract, arrays, before)
        else:
            yield kind, data
        before = arrays


def _from_differences(records: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    """Yield records whose frames are whole again."""
    before = b""
    for kind, data in records:
        if kind == TEXT:
            yield kind, data
            continue
        header, arrays = split_frame(data)
        before = _bytewise(np.add, arrays, before) if kind == DIFFERENCES else arrays
        yield FRAME, header + before


def _bytewise(combine: np.ufunc, first: bytes, second: bytes) -> bytes:
    combined: NDArray[np.uint8] = combine(np.frombuffer(first, "u1"), np.frombuffer(second, "u1"))
    return combined.tobytes()


def _is_hello(kind: bytes, data: bytes) -> bool:
    return kind == TEXT and b'"kind":"hello"' in data


def unpacked_records(recording: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the records of a recording: pairs of a kind and bytes.

    Raises:
        InputError: It is no recording.
    """
    try:
        yield from _from_differences(split_records(zlib.decompress(recording, -zlib.MAX_WBITS)))
    except zlib.error as error:
        raise InputError(f"These bytes are no recording: {error}.") from error


def recorded_page(recording: bytes, title: str) -> str:
    """Return the page of the lab with a recording in it, as one file that loads nothing.

    The page's modules become entries of an import map, each a ``data:`` address.

    Args:
        recording: What ``record_run`` returns.
        title: The title of the page.
    """
    texts = page_files().items()
    files = {path: content.decode() for path, (content, kind) in texts if kind.startswith("text/")}
    modules = {path: text for path, text in files.items() if path.endswith(".js")}
    addresses = {
        f"lab{path}": f"data:text/javascript;base64,{_base64(_mapped(path, text).encode())}"
        for path, text in modules.items()
    }
    page = files.get("/", "<!doctype html><title></title>")
    page = _ICON.sub("", page)
    page = _STYLE.sub(lambda found: f"<style>{_styles(files, found[1])}</style>", page)
    page = _SCRIPT.sub(lambda found: _started(found[1]), page)
    head = (
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<script type="importmap">{strict_json({"imports": addresses})}</script>'
        f'<script type="application/octet-stream;base64" id="{RECORDING_ID}">'
        f"{_base64(recording)}</script>"
    )
    # A function, because a name may hold what a replacement takes for a reference.
    named = re.sub(
        r"<title>.*?</title>", lambda _: f"<title>{escape(title)}</title>", page, count=1
    )
    return named.replace("</title>", "</title>" + head, 1)


def is_recorded_page(file: Path) -> bool:
    """Tell whether a file is a page that ``recorded_page`` made."""
    mark = f'id="{RECORDING_ID}">'.encode()
    try:
        return file.is_file() and mark in file.read_bytes()
    except OSError:
        return False


def _started(address: str) -> str:
    """Return the script that starts a module of the page."""
    return f'<script type="module">import "lab{posixpath.join("/", address)}";</script>'


def _styles(files: Mapping[str, str], address: str) -> str:
    return files.get(posixpath.join("/", address), "").replace("</", "<\\/")


def _mapped(path: str, text: str) -> str:
    """Return the text of a module whose imports name entries of the import map."""

    def named(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), found[3]))
        return f"{found[1]}{found[2]}lab{target}{found[2]}"

    return _IMPORT.sub(named, text)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def recipe_title(recipe: LabRecipe) -> str:
    """Return what a recorded page is called."""
    tricks = "".join(f" + {trick}" for trick in recipe.tricks)
    return f"{recipe.model}{tricks} on {recipe.dataset}, seed {recipe.seed}"
