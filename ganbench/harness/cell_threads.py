# SPDX-License-Identifier: MIT
"""How many threads the cells of a matrix get: all the same number, so that they can be compared."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ganbench.data.dataset import Dataset
from ganbench.harness.arm_trials import try_arms
from ganbench.harness.matrix import Arm, Cell
from ganbench.harness.plan import expand_settings
from ganbench.harness.run_options import RunOptions
from ganbench.runtime.device import choose_device
from ganbench.runtime.threads import default_threads
from ganbench.speed.thread_choice import choose_threads

_CHANGES_NO_SIZE = re.compile(r"_optimizer\.|^recipe\.(kimg|schedule)$")
"""The keys of settings that change no size of a step."""


def with_threads(options: RunOptions, cells: Sequence[Cell], slots: int) -> RunOptions:
    """Return the options with the number of threads of each cell, which all cells share.

    It is what ``options`` say, if they do. Otherwise it is the share of a cell in the cores that
    are free, or 1 if no model of the matrix gains from more, as far as measurements show; a cell
    that has begun keeps its number then.

    Args:
        options: How the cells are run.
        cells: The cells that are to be trained.
        slots: The number of cells that are carried out at the same time.
    """
    if options.threads is not None:
        return options
    most = default_threads(slots) if cells else 1  # to see what is free takes a moment
    if most == 1:
        return replace(options, threads=1, keeps_threads=True)
    device = choose_device(options.device)
    arms = {_what_decides_speed(cell.arm): cell.arm for cell in cells}.values()

    def trial(arm: Arm, dataset: Dataset) -> int:
        return choose_threads(arm.config, dataset, device, most, options.execution)

    chosen = try_arms(arms, options, trial).values()
    return replace(options, threads=max(chosen, default=1), keeps_threads=True)


def _what_decides_speed(arm: Arm) -> tuple[str, str, str]:
    """Return what arms share of which one is tried for all.

    Tricks are not tried apart, nor are settings that only change numbers of a step or how many
    steps there are; a varied backbone or batch size is.
    """
    varied = expand_settings(dict(arm.setting))
    sizes = [pair for pair in varied.items() if not _CHANGES_NO_SIZE.search(pair[0])]
    return arm.model, arm.dataset, repr(sizes)
