# SPDX-License-Identifier: MIT
"""Measures what the lab costs: processor time of the same run with and without it, in pairs.

    python benchmarks/lab_cost.py --rounds 5 --kimg 100

Prints the seconds of both in each round, the share that the lab adds, and how many frames it sent.
The order within a pair alternates. Start-up and the last measurement are in both.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from ganbench.lab.lab_options import LabOptions
from ganbench.lab.lab_recipe import LabRecipe
from ganbench.lab.lab_session import LabSession
from ganbench.lab.segments import Segments
from ganbench.progress import SILENT


class _Over(BaseException):
    """The session waits for a message: the run is over."""


class _Counter:
    """A link that lets a run play, and counts its frames."""

    def __init__(self) -> None:
        self.frames = 0
        self._messages = [{"kind": "play"}]

    def receive(self, seconds: float | None = 0.0) -> dict[str, Any] | None:
        """Return what lets the run play, once."""
        if self._messages:
            return self._messages.pop()
        if seconds is None:
            raise _Over
        return None

    def send(self, message: Mapping[str, Any]) -> None:
        """Send nothing anywhere."""

    def send_frame(self, frame: bytes) -> None:
        """Count a frame."""
        self.frames += 1


def plain(recipe: LabRecipe, options: LabOptions) -> None:
    """Train without the lab."""
    segments = Segments(options)
    segments.run(segments.begin(recipe), SILENT, lambda trainer: None).execute()


def shown(recipe: LabRecipe, options: LabOptions) -> int:
    """Train in the lab, and return how many frames were sent."""
    link = _Counter()
    with contextlib.suppress(_Over):
        LabSession(link, options).serve(recipe)
    return link.frames


def main() -> None:
    """Print the rounds and their median."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kimg", type=float, default=100.0)
    parser.add_argument("--model", default="vanilla")
    arguments = parser.parse_args()
    recipe = LabRecipe(model=arguments.model, settings={"kimg": arguments.kimg})
    added = []
    for number in range(arguments.rounds + 1):
        seconds, frames = {}, 0
        for way in ("plain", "lab") if number % 2 else ("lab", "plain"):
            with tempfile.TemporaryDirectory() as folder:
                options = LabOptions(Path(folder), Path(folder), device="cpu", threads=1)
                began = time.process_time()
                if way == "plain":
                    plain(recipe, options)
                else:
                    frames = shown(recipe, options)
                seconds[way] = time.process_time() - began
        if not number:  # which loads modules
            continue
        added.append(seconds["lab"] / seconds["plain"] - 1)
        print(
            f"round {number}: plain {seconds['plain']:.2f} s, lab {seconds['lab']:.2f} s, "
            f"{added[-1]:+.1%}, {frames} frames",
            flush=True,
        )
    print(f"the lab adds {median(added):+.1%} of processor time (median of {len(added)} pairs)")


if __name__ == "__main__":
    main()
