# SPDX-License-Identifier: MIT
"""How long a matrix will take, from stored speeds and, where there are none, from short trials."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence

from ganbench.data.dataset import Dataset
from ganbench.harness.arm_trials import try_arms
from ganbench.harness.matrix import Arm
from ganbench.harness.run_options import RunOptions
from ganbench.harness.scheduler import CellState
from ganbench.progress import SILENT, Progress
from ganbench.runtime.contention import Contention, busy_sentence
from ganbench.runtime.device import choose_device
from ganbench.runtime.threads import set_threads
from ganbench.speed.meter import Meter

TRIAL = 0.6
"""Seconds for which an arm is trained to measure its speed."""
WARM_UP = 3
"""Iterations before a trial is timed."""


def stored_speeds(states: Sequence[CellState]) -> dict[Arm, float]:
    """Return the seconds of training per kimg of each arm that has a stored result."""
    speeds: dict[Arm, list[float]] = {}
    for state in states:
        kimg, seconds = state.record.get("kimg"), state.record.get("seconds")
        if kimg and seconds:
            speeds.setdefault(state.cell.arm, []).append(seconds / kimg)
    return {arm: statistics.median(values) for arm, values in speeds.items()}


def measured_speeds(
    states: Sequence[CellState], options: RunOptions, progress: Progress = SILENT
) -> dict[Arm, float]:
    """Return the seconds per kimg of each arm that has cells to train.

    An arm without a stored result is trained for a moment. An arm that cannot be is left out: the
    reason is told when its cells are trained.

    Args:
        states: of the cells.
        options: how cells are run.
        progress: hears how many arms are tried.
    """
    known = stored_speeds(states)
    needed = {state.cell.arm: None for state in states if _to_train(state)}
    unknown = [arm for arm in needed if arm not in known]
    contention = Contention(enough_seconds=TRIAL / 2)

    def announced() -> Iterator[Arm]:
        for index, arm in enumerate(unknown):
            progress.advance(arm.label, index, len(unknown))
            yield arm

    def trial(arm: Arm, dataset: Dataset) -> float:
        return _trial(arm, dataset, options, contention)

    known |= try_arms(announced(), options, trial)
    progress.advance("", len(unknown), len(unknown))
    lost = contention.lost()
    if lost is not None and choose_device(options.device).type == "cpu":
        progress.say(f"{busy_sentence(lost, 1)} The estimate is for a machine as busy as now.")
    return {arm: known[arm] for arm in needed if arm in known}


def seconds_left(
    states: Sequence[CellState], speeds: Mapping[Arm, float], slots: int
) -> float | None:
    """Return the seconds of training that are left; None if no speed is known.

    Args:
        states: of the cells.
        speeds: seconds per kimg of arms; an arm that has none gets their mean.
        slots: cells that are carried out at a time.
    """
    mean_speed = statistics.mean(speeds.values()) if speeds else None
    left = 0.0
    for state in states:
        if not _to_train(state):
            continue
        speed = speeds.get(state.cell.arm, mean_speed)
        if speed is None:
            return None
        left += speed * state.cell.arm.config.recipe.kimg * (1.0 - state.share)
    return left / slots


def _to_train(state: CellState) -> bool:
    return state.status in {"waiting", "running", "elsewhere"} and state.share < 1.0


def _trial(arm: Arm, dataset: Dataset, options: RunOptions, contention: Contention) -> float:
    """Train an arm for a moment; return its seconds per kimg. ``contention`` watches."""
    device = choose_device(options.device)
    set_threads(options.threads)
    meter = Meter(arm.config, dataset, device, options.execution)
    meter.iterate(WARM_UP)
    contention.begin()
    speed = meter.train(TRIAL)
    contention.end()
    return 1000 / speed
