# SPDX-License-Identifier: MIT
"""Makes one short run, which does for the first time whatever no list of modules would name.

The run is on the CPU and on one thread, so that a fork afterwards loses no thread. Even so it must
not be made where there is a GPU: torch's optimizers ask the CUDA runtime for it in every step, and
CUDA works only in the process that has first spoken to it, not in those forked from it later.
"""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path

from ganbench.harness.plan import plan
from ganbench.harness.run_cell import CellJob, run_cell
from ganbench.harness.run_options import RunOptions
from ganbench.training.trainer import Schedule


def rehearse() -> None:
    """Make one run in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        schedule = Schedule(evaluations=0)
        options = RunOptions(Path(folder), device="cpu", threads=1, schedule=schedule)
        run_cell(CellJob(plan("vanilla", "ring8", settings={"kimg": 1}).config, "warm", options))


rehearse()
gc.collect()
gc.freeze()
