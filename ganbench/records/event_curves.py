# SPDX-License-Identifier: MIT
"""Scalars of TensorBoard's event files, whichever program wrote them."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ganbench.errors import (
    ConfigError,
    GanbenchError,
    InputError,
    MissingDataError,
    error_text,
    foreign_errors,
)

MOST_EVENTS = 400
"""A longer curve is thinned to this many points, the last among them."""


@dataclass(frozen=True)
class EventCurve:
    """The finite values of one tag, in the order of their steps."""

    source: str
    """What the user calls the run, with the folder below it where there are several."""
    tag: str
    steps: tuple[int, ...]
    """Steps as the program counts them: batches, images, epochs."""
    values: tuple[float, ...]


def read_event_curves(text: str) -> list[EventCurve]:
    """Read the event files below a folder, given as ``name=folder``; each subfolder is a run.

    Args:
        text: The name that the report shows, and the folder.

    Raises:
        ConfigError: The text is not a name and a folder.
        InputError: There is no such folder, or it holds no event file with scalars.
        MissingDataError: TensorBoard, which reads these files, is not installed.
    """
    name, separator, place = text.partition("=")
    if not (separator and name.strip() and place.strip()):
        raise ConfigError(
            f"--curves {text}: a name and a folder were expected.",
            "For example: --curves stylegan2=logs/stylegan2",
        )
    root = Path(place.strip()).expanduser()
    if not root.is_dir():
        raise InputError(f"There is no folder {root} to read event files from.")
    if find_spec("tensorboard") is None:
        raise MissingDataError(
            "TensorBoard's event files are read by tensorboard, which is not installed.",
            'pip install "ganbench[tensorboard]"',
        )
    curves = []
    for folder, _, files in sorted(os.walk(root)):
        if any("tfevents" in file for file in files):
            below = Path(folder).relative_to(root).as_posix()
            source = name.strip() if below == "." else f"{name.strip()}/{below}"
            curves += _read_folder(Path(folder), source)
    if not curves:
        raise InputError(
            f"{root} holds no event file with scalars.",
            "TensorBoard's files are called events.out.tfevents.….",
        )
    return curves


def _read_folder(folder: Path, source: str) -> list[EventCurve]:
    """Return the curves in the event files of one folder, which are one run."""
    from tensorboard.backend.event_processing import event_accumulator

    def wording(error: BaseException) -> GanbenchError:
        return InputError(f"The event files in {folder} cannot be read: {error_text(error)}.")

    with foreign_errors(wording):
        sizes = dict.fromkeys(event_accumulator.DEFAULT_SIZE_GUIDANCE, 1)
        sizes |= {event_accumulator.SCALARS: 0, event_accumulator.TENSORS: 0}  # 0 keeps all
        events = event_accumulator.EventAccumulator(str(folder), size_guidance=sizes)
        events.Reload()
        points = {
            tag: [(event.step, float(event.value)) for event in events.Scalars(tag)]
            for tag in events.Tags()["scalars"]
        }
        for tag in events.Tags()["tensors"]:
            if events.SummaryMetadata(tag).plugin_data.plugin_name == "scalars":
                points[tag] = [(event.step, _scalar(event)) for event in events.Tensors(tag)]
    return [curve for tag, pairs in points.items() if (curve := _curve(source, tag, pairs))]


def _scalar(event: Any) -> float:
    """Return the value of a scalar that is stored as a tensor, as TensorFlow 2 writes it."""
    from tensorboard.util.tensor_util import make_ndarray

    return float(make_ndarray(event.tensor_proto).item())


def _curve(source: str, tag: str, points: list[tuple[int, float]]) -> EventCurve | None:
    """Return a curve of the finite points, thinned; of two at one step the later counts."""
    by_step = {step: value for step, value in points if math.isfinite(value)}
    steps = sorted(by_step)
    if not steps:
        return None
    stride = math.ceil(len(steps) / MOST_EVENTS)
    kept = sorted({*steps[::stride], steps[-1]})
    return EventCurve(source, tag, tuple(kept), tuple(by_step[step] for step in kept))
