# SPDX-License-Identifier: MIT
"""How many threads the cells of a matrix get: all the same number, so that they can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ganbench.data.dataset import Dataset
from ganbench.harness.arm_trials import try_arms
from ganbench.harness.matrix import Arm, Cell
from ganbench.harness.run_options import RunOptions
from ganbench.runtime.device import choose_device
from ganbench.runtime.threads import default_threads
from ganbench.speed.thread_choice import choose_threads


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
    arms = {(cell.arm.model, cell.arm.dataset): cell.arm for cell in cells}.values()

    def trial(arm: Arm, dataset: Dataset) -> int:
        return choose_threads(arm.config, dataset, device, most, options.execution)

    chosen = try_arms(arms, options, trial).values()
    return replace(options, threads=max(chosen, default=1), keeps_threads=True)
