# SPDX-License-Identifier: MIT
"""Frames on disk: what is whole and not too late is kept, everything else is dropped."""

import json

from ganbench.lab.frame_file import FrameFile
from ganbench.lab.links import FRAME
from ganbench.lab.wire import Frame, frame_header, pack_frame


def test_what_follows_a_moment_and_what_was_cut_off_is_dropped(tmp_path):
    file = FrameFile(tmp_path / "lab.frames")
    assert file.records() == []
    file.keep_until(1.0)
    assert not file.path.exists()
    file.tell({"kind": "hello"})
    for kimg in (0.0, 1.0, 2.0):
        file.show(pack_frame(Frame({"kimg": kimg}, {})))
        file.tell({"kind": "diagnosis", "at": kimg})
    content = file.path.read_bytes()
    file.path.write_bytes(content[:-3])
    assert len(file.records()) == 6
    file.keep_until(5.0)
    file.tell({"kind": "after"})
    assert json.loads(file.records()[-1][1]) == {"kind": "after"}
    assert len(file.records()) == 7
    file.keep_until(1.0)
    kept = [frame_header(data)["kimg"] for kind, data in file.records() if kind == FRAME]
    assert kept == [0.0, 1.0]
    assert json.loads(file.records()[-1][1]) == {"kind": "diagnosis", "at": 1.0}
