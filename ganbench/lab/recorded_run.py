# SPDX-License-Identifier: MIT
"""A run that is recorded while it trains: at its end, one offline page in its folder plays it.

Frames are written to the folder as they come, so that a run that is killed and resumed has them
all: those after its checkpoint are recorded again. Looking at a run changes nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganbench.errors import ConfigError
from ganbench.harness.plan import RunPlan
from ganbench.harness.run import Run
from ganbench.harness.run_metrics import RunMetrics
from ganbench.harness.run_options import RunOptions
from ganbench.lab.diagnosis import Diagnosis
from ganbench.lab.frame_file import FrameFile, frame_headers
from ganbench.lab.hello import hello_of
from ganbench.lab.links import FRAME
from ganbench.lab.recording import FRAMES, packed_records, recipe_title, recorded_page
from ganbench.lab.run_recipe import recipe_of_plan
from ganbench.lab.segments import Segment
from ganbench.lab.views import VIEWS, make_view
from ganbench.lab.wire import Frame, pack_frame
from ganbench.progress import SILENT, Progress
from ganbench.records.atomic_files import replacing, storage_errors
from ganbench.records.run_folder import RunFolder
from ganbench.runtime.execution import USUAL
from ganbench.state import State
from ganbench.training.trainer import Trainer

MOST_FRAME_BYTES = 60_000_000
"""Frames of a recording have at most this many bytes together, before they are packed."""


class _Both(Progress):
    """Tells the diagnosis of each tick, and passes on all that it is told."""

    def __init__(self, progress: Progress, diagnosis: Diagnosis) -> None:
        self._progress = progress
        self._diagnosis = diagnosis

    def advance(self, work: str, done: int, total: int) -> None:
        """Pass it on."""
        self._progress.advance(work, done, total)

    def tick(self, row: Mapping[str, Any], share: float, seconds_left: float) -> None:
        """Take it in, and pass it on."""
        self._diagnosis.tick(row, share, seconds_left)
        self._progress.tick(row, share, seconds_left)

    def measured(self, kimg: float, metrics: Mapping[str, Any]) -> None:
        """Pass it on."""
        self._progress.measured(kimg, metrics)

    def say(self, sentence: str) -> None:
        """Pass it on."""
        self._progress.say(sentence)


class RecordedRun(Run):
    """A run that writes ``lab.html``, the page that plays it, when it ends.

    Args:
        plan: The model, data, tricks and settings, resolved.
        options: How the run is carried out.
        progress: Is told how far the run is.
        frames: About how many frames are recorded, evenly over the run; fewer where they are large.

    Raises:
        ConfigError: The lab does not show such data, or several processes train together.
    """

    def __init__(
        self,
        plan: RunPlan,
        options: RunOptions,
        progress: Progress = SILENT,
        *,
        frames: int = FRAMES,
    ) -> None:
        check_recordable(plan)
        self._diagnosis = Diagnosis()
        self._frames = frames
        self._recorder: _Recorder | None = None
        super().__init__(plan, options, _Both(progress, self._diagnosis), attend=self._look)
        if self.group.size > 1:
            raise ConfigError(
                "A run of several processes cannot be recorded.", "Train in one process."
            )

    def _look(self, trainer: Trainer) -> None:
        """Record a frame before an iteration, if one is due."""
        if self._recorder is None:
            self._recorder = self._begun(trainer)
        self._recorder.attend()

    def _begun(self, trainer: Trainer) -> _Recorder:
        """Return the recorder of a run that begins, or goes on."""
        recorder = _Recorder(self._segment(), trainer, self._diagnosis, self._frames)
        since, until = recorder.begin()
        if since < until:
            self.progress.say(_unrecorded(since, until))
        return recorder

    def _segment(self) -> Segment:
        """Return the run as the lab describes it."""
        recipe = recipe_of_plan(self.plan)
        threads = self.folder.config().get("options", {}).get("threads")
        repeats = self.config.origin is None and self.execution == USUAL
        return Segment(recipe, self.plan, self.folder, threads, changes=0 if repeats else 1)

    def _finish(self, state: State, status: str, measure: RunMetrics) -> dict[str, Any]:
        """Record the end, write the result, and turn the frames into the page."""
        assert self.trainer is not None
        self._recorder = self._recorder or self._begun(self.trainer)  # only the end was left to do
        self._recorder.end(status)
        result = super()._finish(state, status, measure)
        self._write_page()
        return result

    def _complete(self) -> dict[str, Any]:
        """Return the result of a finished run, whose page may still be missing."""
        result = super()._complete()
        if self.folder.frames_file.is_file():
            last, end = self._write_page(), float(result["kimg"])
            if last < end:
                self.progress.say(_unrecorded(last, end))
        elif not self.folder.recording_file.is_file():
            self.progress.say(
                "The run was not recorded while it trained. To train it once more for a page: "
                f"ganbench lab --record {self.folder.path}"
            )
        return result

    def _write_page(self) -> float:
        """Turn the frames into the page; return the kimg of the last one."""
        file = FrameFile(self.folder.frames_file)
        title = recipe_title(recipe_of_plan(self.plan))
        records = file.records()
        write_page(self.folder, packed_records(records), title)
        last = frame_headers(records)[-1]
        with storage_errors(file.path):
            file.path.unlink()
        return float(last["kimg"])


def _unrecorded(since: float, until: float) -> str:
    return f"The run was not recorded from {since:.4g} to {until:.4g} kimg, without --record."


def write_page(folder: RunFolder, recording: bytes, title: str) -> None:
    """Write the page that plays a recording into the folder of its run."""
    with replacing(folder.recording_file) as temporary:
        temporary.write_text(recorded_page(recording, title), encoding="utf-8")


def check_recordable(plan: RunPlan) -> None:
    """Refuse to record a run whose data the lab does not show.

    Raises:
        ConfigError: It does not.
    """
    data = plan.source.spec
    if data.kind not in VIEWS:
        raise ConfigError(f"A recording shows points, images and sequences, not {data.plural}.")


class _Recorder:
    """Keeps the frames of a run in its folder.

    Args:
        segment: The run, as the lab describes it.
        trainer: Its trainer, which may have resumed it.
        diagnosis: Is told of each tick of the run.
        frames: About how many frames are recorded.
    """

    def __init__(
        self, segment: Segment, trainer: Trainer, diagnosis: Diagnosis, frames: int
    ) -> None:
        self._segment = segment
        self._trainer = trainer
        self._diagnosis = diagnosis
        self._most = frames
        self._file = FrameFile(segment.folder.frames_file)
        self._view = make_view(trainer.state, trainer.batches.dataset, segment.plan.loss)
        self._number = 0
        """The number of the next frame."""
        self._iteration = self._seen // self._images_of_iteration
        self._first = self._seen
        """The images seen at the first frame."""
        self._last = -1
        """The images seen at the last frame."""

    @property
    def _seen(self) -> int:
        return self._trainer.state.images_seen

    @property
    def _images_of_iteration(self) -> int:
        recipe = self._trainer.state.recipe
        return recipe.batch_size * recipe.discriminator_steps

    def begin(self) -> tuple[float, float]:
        """Go on after the frames that are there; return from when to when none were recorded."""
        diagnosis, view = self._diagnosis, self._view
        diagnosis.modes, diagnosis.samples = view.modes, view.drawn
        now = self._seen / 1000
        records = self._file.keep_until(now)
        headers = frame_headers(records)
        if not headers:
            self._file.path.unlink(missing_ok=True)
            self._file.tell(hello_of(self._segment, view))
            origin = self._segment.plan.config.origin
            return (0.0 if origin is None else origin.kimg), now
        self._limit(records)
        self._number = len(headers)
        first, last = headers[0], headers[-1]
        self._first, self._last = (round(1000 * header["kimg"]) for header in (first, last))
        since = (self._seen - self._last) // self._images_of_iteration
        self._iteration = int(last["iteration"]) + since
        self._replay(headers)
        missing = self._place(self._seen) - self._place(self._last) > 1
        return (float(last["kimg"]) if missing else now), now

    def _limit(self, records: list[tuple[bytes, bytes]]) -> None:
        """Record fewer frames where the first shows that they are large."""
        size = next(len(data) for kind, data in records if kind == FRAME)
        self._most = max(2, min(self._most, MOST_FRAME_BYTES // size))

    def _replay(self, headers: list[Mapping[str, Any]]) -> None:
        """Tell the diagnosis of the ticks before, as it was told of them then."""
        waiting = list(headers)
        for row in self._segment.folder.stats():
            while waiting and waiting[0]["kimg"] <= row["kimg"]:
                self._diagnosis.numbers = waiting.pop(0)["numbers"]
            self._diagnosis.tick(row, 1000 * row["kimg"] / self._trainer.target, 0.0)
        self._diagnosis.numbers = headers[-1]["numbers"]

    def attend(self) -> None:
        """Record a frame if one is due, and count the iteration that follows."""
        if self._last < 0 or self._place(self._seen) > self._place(self._last):
            self._record()
        self._iteration += 1

    def _place(self, images: int) -> int:
        """Return how many frames are due between the first and some number of images."""
        length = max(1, self._trainer.target - self._first)
        return (images - self._first) * self._most // length

    def end(self, status: str) -> None:
        """Record the end of the run."""
        self._diagnosis.ended(status)
        if self._seen > self._last:
            self._record()
        self._file.tell(self._diagnosis.message())

    def _record(self) -> None:
        header, arrays = self._view.frame()
        facts = {
            "frame": self._number,
            "iteration": self._iteration,
            "kimg": self._seen / 1000,
            "side": "a",
            "caption": "",
            "turn": "",
        }
        frame = pack_frame(Frame({**facts, **header}, arrays))
        self._file.show(frame)
        if self._number == 0:
            self._limit([(FRAME, frame)])
        self._number += 1
        self._last = self._seen
        self._diagnosis.numbers = header["numbers"]
        if self._diagnosis.changed:
            self._file.tell(self._diagnosis.message())
