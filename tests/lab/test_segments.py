# SPDX-License-Identifier: MIT
"""The checkpoints that a lab keeps take a bounded space, and none stands in for a lost one."""

from types import SimpleNamespace

import pytest

from ganbench.errors import ConfigError
from ganbench.lab import segments as module
from ganbench.lab.lab_options import LabOptions
from ganbench.lab.segments import Segment, Segments
from ganbench.records.run_folder import RunFolder


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A function that keeps a checkpoint of 100 bytes, where 1000 bytes may be kept."""
    monkeypatch.setattr(module, "MOST_STATE_BYTES", 1000)
    segments = Segments(LabOptions(tmp_path / "lab", tmp_path / "runs"))
    folder = tmp_path / "run"
    folder.mkdir()
    segment = Segment(None, None, RunFolder(folder), None)
    trainer = SimpleNamespace(save=lambda file: file.write_bytes(bytes(100)))

    def keep(frame, pinned):
        segments.keep(frame, frame, segment, trainer, pinned=pinned)
        files = list(segments._folder.glob("*.safetensors"))
        assert sum(file.stat().st_size for file in files) <= 1000
        assert {state.file for state in segments._kept} == set(files)

    keep.segments = segments
    return keep


def test_the_oldest_pinned_checkpoints_go_where_there_are_too_many(kept):
    for frame in range(25):
        kept(frame, pinned=True)
    with pytest.raises(ConfigError, match="Frame 14 is not kept any more"):
        kept.segments.fork(14, 14)
    assert kept.segments.fork(15, 15).frame == 15


@pytest.mark.parametrize("every", [2, 5, 11])
def test_no_checkpoint_from_before_a_change_that_is_not_kept_serves_a_frame_after_it(kept, every):
    changes = [frame for frame in range(100) if frame % every == 0]
    for frame in range(100):
        kept(frame, pinned=frame in changes)
    for frame in range(99, 0, -1):
        try:
            state = kept.segments.fork(frame, frame)
        except ConfigError:
            continue
        last_change = max(change for change in changes if change <= frame)
        assert state.frame >= last_change


def test_the_newest_checkpoint_is_kept_however_large_it_is(kept, monkeypatch):
    monkeypatch.setattr(module, "MOST_STATE_BYTES", 100)
    kept(0, pinned=True)
    kept(1, pinned=True)
    assert [state.frame for state in kept.segments._kept] == [1]
