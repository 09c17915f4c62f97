# SPDX-License-Identifier: MIT
"""The checkpoints that a lab keeps take a bounded space, and none stands in for a lost one."""

from types import SimpleNamespace

import pytest
from lab_links import hold

from ganbench.errors import ConfigError
from ganbench.harness.plan import plan
from ganbench.lab import segments as module
from ganbench.lab.lab_options import LabOptions
from ganbench.lab.lab_recipe import LabRecipe
from ganbench.lab.segments import Segment, Segments
from ganbench.records.run_folder import RunFolder


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A function that keeps a checkpoint of 100 bytes, where 1000 bytes may be kept."""
    monkeypatch.setattr(module, "MOST_STATE_BYTES", 1000)
    segments = Segments(LabOptions(tmp_path / "lab", tmp_path / "runs"))
    folder = tmp_path / "run"
    folder.mkdir()
    segment = Segment(LabRecipe(), plan("vanilla", "ring8"), RunFolder(folder), None)
    segment.folder.write_config({})
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


def test_folders_of_runs_that_no_frame_needs_are_deleted(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_STATE_BYTES", 1)
    monkeypatch.setattr("ganbench.lab.pace.FRAMES_PER_SECOND", 1e9)  # a frame an iteration
    monkeypatch.setattr("ganbench.lab.pace.TRAINING_PER_FRAME", 0.0)
    rates = "recipe.generator_optimizer.learning_rate"
    changes = [
        {"kind": "set", "key": rates, "value": 1e-4 * number, "after": 3 * number}
        for number in range(1, 9)
    ]
    _, session = hold(
        tmp_path, {"set": {"kimg": 0.5, "batch_size": 20}}, {"kind": "play"}, *changes
    )
    folders = [path for path in session._segments._folder.iterdir() if path.is_dir()]
    assert session._showing.segment.changes == 8
    assert len(folders) <= 3
