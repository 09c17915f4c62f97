# SPDX-License-Identifier: MIT
"""All that a run does for the first time, done: processes that are forked from here begin at once.

Torch's optimizers bring in its compiler when the first one is made, metrics bring in scipy and
scikit-learn: seconds each, for every cell of a matrix. So the server imports them, and makes one
run of a moment in a temporary folder, which finds what no list of modules would name. It is on
the CPU and on one thread, so that no thread is lost in the fork, and no GPU is taken before it.
"""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path

import torch

from ganbench import registry
from ganbench.errors import GanbenchError
from ganbench.evaluation.requests import MIXTURE_METRICS, OWN_METRICS
from ganbench.harness.plan import plan
from ganbench.harness.run import RunOptions
from ganbench.harness.run_cell import CellJob, run_cell
from ganbench.training.trainer import Schedule


def preload() -> None:
    """Import what runs import, and make one."""
    for one in (registry.models, registry.tricks, registry.datasets, registry.networks):
        one.entries()  # reads every source file of its package
    torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])
    for name in (*OWN_METRICS, *MIXTURE_METRICS):
        try:
            registry.metrics.get(name)
        except GanbenchError:  # whoever asks for it will be told
            continue
    with tempfile.TemporaryDirectory() as folder:
        schedule = Schedule(evaluations=0)
        options = RunOptions(Path(folder), device="cpu", threads=1, schedule=schedule)
        run_cell(CellJob(plan("vanilla", "ring8", settings={"kimg": 1}).config, "warm", options))


preload()
gc.collect()
gc.freeze()
