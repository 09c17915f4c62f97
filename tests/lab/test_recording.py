# SPDX-License-Identifier: MIT
"""A recording holds the whole run, and its page is one file that loads nothing."""

import base64
import json
import re
import zlib

import numpy as np
import pytest

from ganbench.errors import GanbenchError, InputError, MissingDataError
from ganbench.lab import recording as module
from ganbench.lab.frame_file import split_records
from ganbench.lab.lab_recipe import LabRecipe
from ganbench.lab.links import FRAME, TEXT
from ganbench.lab.recording import (
    DIFFERENCES,
    is_recorded_page,
    packed_records,
    record_run,
    recorded_page,
    unpacked_records,
)
from ganbench.lab.wire import Frame, pack_frame, unpack_frame

RECIPE = LabRecipe(settings={"kimg": 0.5, "batch_size": 20})


@pytest.fixture(scope="module")
def recording():
    return record_run(RECIPE, frames=6, threads=1)


def test_the_records_are_hello_then_frames_up_to_the_end(recording):
    records = list(unpacked_records(recording))
    assert json.loads(records[0][1])["kind"] == "hello"
    frames = [unpack_frame(data) for kind, data in records if kind == b"\1"]
    assert [frame.header["iteration"] for frame in frames] == [0, 5, 10, 15, 20, 25]
    assert [frame.header["frame"] for frame in frames] == list(range(6))
    assert ["real" in frame.arrays for frame in frames] == [True] + 5 * [False]
    texts = [json.loads(data) for kind, data in records if kind == b"\0"]
    assert texts[-1]["state"] == "ended"
    with pytest.raises(InputError, match="no recording"):
        list(unpacked_records(b"nothing"))


def test_frames_come_back_to_the_last_bit():
    random = np.random.default_rng(0)

    def frame(number, **arrays):
        return FRAME, pack_frame(Frame({"frame": number}, arrays))

    records = [(TEXT, b'{"kind":"hello"}'), frame(0, grid=random.integers(0, 9, (3, 2), "u1"))]
    for number in range(1, 4):
        heat, arrows = random.integers(0, 255, (5, 3), "u1"), random.normal(size=(4, 2))
        records.append(frame(number, heat=heat, arrows=arrows.astype("f2")))
    records.append(frame(4))
    recording = packed_records(records)
    assert list(unpacked_records(recording)) == records
    kinds = [kind for kind, _ in split_records(zlib.decompress(recording, -zlib.MAX_WBITS))]
    assert kinds == [TEXT, FRAME, FRAME, DIFFERENCES, DIFFERENCES, FRAME]


def test_a_recipe_that_cannot_be_trained_is_a_sentence():
    with pytest.raises(GanbenchError, match="acgan learns from labels"):
        record_run(LabRecipe(model="acgan"), threads=1)


def test_what_ends_a_recording_keeps_its_hint_and_its_exit_code(monkeypatch):
    def missing(*_):
        raise MissingDataError("The data are gone.", "ganbench doctor")

    monkeypatch.setattr("ganbench.lab.showing.make_view", missing)
    with pytest.raises(MissingDataError, match="The data are gone") as caught:
        record_run(RECIPE, threads=1)
    assert (caught.value.hint, caught.value.exit_code) == ("ganbench doctor", 4)


def test_the_page_is_one_file(recording, monkeypatch):
    html = """<!doctype html><title>lab</title><link rel="stylesheet" href="lab.css">
<script type="module" src="lab.js"></script>"""
    files = {
        "/": (html.encode(), "text/html"),
        "/lab.css": (b"body { color: red }", "text/css"),
        "/lab.js": (
            b'import { draw } from "./parts/draw.js";import("./late.js");',
            "text/javascript",
        ),
        "/late.js": (b"", "text/javascript"),
        "/parts/draw.js": (b"import '../wire.js'; export function draw() {}", "text/javascript"),
        "/wire.js": (b"export const from = 1;", "text/javascript"),
    }
    monkeypatch.setattr(module, "page_files", lambda: files)
    page = recorded_page(recording, r"a <b> & c on \d\1")
    assert r"<title>a &lt;b&gt; &amp; c on \d\1</title>" in page
    assert not re.search(r'\b(src|href)="', page)
    assert "<style>body { color: red }</style>" in page
    imports = json.loads(re.search(r'<script type="importmap">(.*?)</script>', page)[1])["imports"]
    assert set(imports) == {"lab/lab.js", "lab/late.js", "lab/parts/draw.js", "lab/wire.js"}

    def text(name):
        return base64.b64decode(imports[name].partition(",")[2]).decode()

    mapped = 'import { draw } from "lab/parts/draw.js";import("lab/late.js");'
    assert text("lab/lab.js") == mapped
    assert text("lab/parts/draw.js").startswith("import 'lab/wire.js';")
    assert '<script type="module">import "lab/lab.js";</script>' in page
    kind = "application/octet-stream;base64"
    found = re.search(rf'<script type="{kind}" id="recording">(.*?)</script>', page)
    assert base64.b64decode(found[1]) == recording
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]
    assert "default-src 'none'" in policy
    assert "http" not in policy


def test_the_command_writes_the_page(cli, tmp_path):
    out = tmp_path / "page.html"
    words = ["--set", "kimg=0.2", "--set", "batch_size=20", "--frames", "3", "--threads", "1"]
    outcome = cli("lab", "--record", "vanilla", "--out", out, *words, "--quiet")
    assert outcome.code == 0
    assert "page.html" in outcome.out
    assert "MB, opens in any browser." in outcome.out
    assert 'id="recording"' in out.read_text()


def test_only_a_recorded_page_is_told_as_one(tmp_path):
    mine, page = tmp_path / "mine.html", tmp_path / "page.html"
    mine.write_text("<!doctype html><title>recording</title>")
    page.write_text(recorded_page(packed_records([(b"\0", b'{"kind":"hello"}')]), "a"))
    assert is_recorded_page(page)
    assert not any(map(is_recorded_page, (mine, tmp_path, tmp_path / "none.html")))
