# SPDX-License-Identifier: MIT
"""A recorded run is the same run, and its recording is whole even if it was killed in between."""

import base64
import json
import re

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import ganbench
from ganbench.errors import ConfigError
from ganbench.harness.plan import plan
from ganbench.harness.run import Run
from ganbench.harness.run_options import RunOptions
from ganbench.lab import recorded_run as module
from ganbench.lab.recorded_run import RecordedRun
from ganbench.lab.recording import unpacked_records
from ganbench.lab.wire import unpack_frame
from ganbench.progress import Progress
from ganbench.training.trainer import Schedule

SETTINGS = {"kimg": 1.0, "batch_size": 20, "discriminator_steps": 2}


class Listener(Progress):
    """Remembers sentences, and stops a run at a share of training."""

    def __init__(self, stop_at=2.0):
        self.sentences = []
        self.stop_at = stop_at
        self.run = None

    def tick(self, row, share, seconds_left):
        if share >= self.stop_at:
            self.run.stop()

    def say(self, sentence):
        self.sentences.append(sentence)


def go(out, *, make=RecordedRun, stop_at=2.0, resume=False, dataset="ring8", tricks=(), **more):
    """Carry out a run, and return it with what it has said."""
    listener = Listener(stop_at)
    planned = plan("vanilla", dataset, tricks=tricks, settings=SETTINGS)
    schedule = Schedule(ticks=10, snapshots=2, evaluations=0)
    options = RunOptions(out=out, threads=1, samples=64, resume=resume, schedule=schedule)
    run = make(planned, options, listener, **more)
    listener.run = run
    run.execute()
    return run, listener.sentences


def recorded(run):
    """Return the texts and the frames of the page of a run."""
    page = run.folder.recording_file.read_text()
    packed = re.search(r'id="recording">(.*?)</script>', page)[1]
    records = list(unpacked_records(base64.b64decode(packed)))
    texts = [json.loads(data) for kind, data in records if kind == b"\0"]
    return texts, [unpack_frame(data) for kind, data in records if kind == b"\1"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return go(tmp_path_factory.mktemp("runs"), frames=8)[0]


def test_frames_are_even_and_lead_to_the_end(whole):
    texts, frames = recorded(whole)
    assert [frame.header["iteration"] for frame in frames] == [0, 4, 7, 10, 13, 16, 19, 22, 25]
    assert [frame.header["frame"] for frame in frames] == list(range(9))
    assert frames[-1].header["kimg"] == 1.0
    assert texts[0]["kind"] == "hello"
    assert texts[0]["exact"]
    assert texts[0]["recipe"]["set"]["recipe.discriminator_steps"] == 2
    assert "--threads 1" in texts[0]["command"]
    assert texts[-1]["kind"] == "diagnosis"
    assert not whole.folder.frames_file.exists()


def test_a_recorded_run_is_the_same_run(whole, tmp_path):
    plain, _ = go(tmp_path, make=Run)
    assert plain.folder.path.name == whole.folder.path.name
    assert plain.config.identity == whole.config.identity
    first, second = (load_file(run.folder.checkpoint_file) for run in (plain, whole))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)

    def figures(run):
        times = {"seconds", "images_per_second"}
        return [
            {name: value for name, value in row.items() if name not in times}
            for row in run.folder.stats()
        ]

    assert figures(plain) == figures(whole)
    assert plain.folder.result()["metrics"] == whole.folder.result()["metrics"]


def test_a_run_that_was_killed_has_all_frames(whole, tmp_path):
    stopped, _ = go(tmp_path, stop_at=0.5, frames=8)
    assert not stopped.folder.recording_file.exists()
    content = stopped.folder.frames_file.read_bytes()
    hello_and_first = content[: len(content) // 2]
    # What a killed process leaves: frames after the checkpoint, the last of them cut off.
    later = whole.folder.path.parent / "later"
    go(later, stop_at=0.9, frames=8)
    (after,) = later.glob("*/lab.frames")
    stopped.folder.frames_file.write_bytes(after.read_bytes()[:-100])
    assert after.read_bytes().startswith(hello_and_first)
    resumed, sentences = go(tmp_path, resume=True, frames=8)
    assert resumed.folder.path == stopped.folder.path
    assert not any("not recorded" in sentence for sentence in sentences)
    expected, frames = recorded(whole)[1], recorded(resumed)[1]
    assert len(frames) == len(expected)
    for frame, other in zip(frames, expected, strict=True):
        assert frame.header["numbers"] == other.header["numbers"]
        assert frame.header["iteration"] == other.header["iteration"]
        for name, array in other.arrays.items():
            assert np.array_equal(frame.arrays[name], array), name
    assert recorded(resumed)[0][-1] == recorded(whole)[0][-1]


def test_what_was_not_recorded_is_said(tmp_path):
    go(tmp_path, make=Run, stop_at=0.5)
    resumed, sentences = go(tmp_path, resume=True, frames=8)
    assert "The run was not recorded from 0 to 0.52 kimg, without --record." in sentences
    frames = recorded(resumed)[1]
    assert (frames[0].header["iteration"], frames[-1].header["iteration"]) == (13, 25)
    finished, _ = go(tmp_path / "other", make=Run)
    again, sentences = go(tmp_path / "other", resume=True)
    assert f"ganbench lab --record {finished.folder.path}" in " ".join(sentences)
    assert not again.folder.recording_file.exists()


def test_a_gap_is_said(tmp_path):
    go(tmp_path, stop_at=0.3, frames=8)
    go(tmp_path, make=Run, stop_at=0.7, resume=True)
    resumed, sentences = go(tmp_path, resume=True, frames=8)
    assert "The run was not recorded from 0.28 to 0.72 kimg, without --record." in sentences
    iterations = [frame.header["iteration"] for frame in recorded(resumed)[1]]
    assert iterations == [0, 4, 7, 18, 19, 22, 25]


def test_a_recording_that_ends_before_the_run_says_so(tmp_path):
    go(tmp_path, stop_at=0.5, frames=8)
    finished, _ = go(tmp_path, make=Run, resume=True)
    assert finished.folder.frames_file.is_file()
    again, sentences = go(tmp_path, resume=True)
    assert "The run was not recorded from 0.52 to 1 kimg, without --record." in sentences
    assert recorded(again)[1][-1].header["iteration"] == 13
    assert not again.folder.frames_file.exists()


def test_the_page_of_a_finished_run_is_written_late(tmp_path, monkeypatch):
    def broken(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(module, "write_page", broken)
        with pytest.raises(KeyboardInterrupt):
            go(tmp_path, frames=8)
    again, _ = go(tmp_path, resume=True)
    assert again.folder.finished
    assert len(recorded(again)[1]) == 9
    assert not again.folder.frames_file.exists()


def test_large_frames_are_fewer(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_FRAME_BYTES", 100_000)
    run, _ = go(tmp_path, frames=20)
    frames = recorded(run)[1]
    assert 3 <= len(frames) <= 8


def test_a_run_from_another_is_recorded_without_a_command_that_repeats_it(tmp_path):
    origin = ganbench.run(
        "vanilla", "ring8", settings={**SETTINGS, "kimg": 0.4}, out=tmp_path, progress=False
    )
    further = ganbench.run(
        origin, settings={"kimg": 0.8}, out=tmp_path, record=True, progress=False
    )
    texts, frames = recorded(further)
    assert texts[0]["exact"] is False
    assert frames[0].header["kimg"] == 0.4
    assert frames[-1].header["kimg"] == 0.8


def test_what_cannot_be_shown_is_refused(tmp_path):
    frames = np.zeros((8, 3, 4, 16, 16), np.uint8)
    with pytest.raises(ConfigError, match="not videos"):
        ganbench.run("vanilla", frames, out=tmp_path, record=True, progress=False)


def test_the_command_says_where_the_page_is(cli, tmp_path):
    words = ("-m", "vanilla", "-d", "ring8", "--kimg", "0.2", "-b", "20", "--samples", "64")
    outcome = cli("run", *words, "-o", tmp_path / "out", "--record", "--quiet")
    assert outcome.code == 0
    (page,) = (tmp_path / "out").glob("*/lab.html")
    assert f"Recording: {page}\n" in outcome.out
