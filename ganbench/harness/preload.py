# SPDX-License-Identifier: MIT
"""Does everything that a run does for the first time: a process forked from here begins at once.

torch's optimizers import its compiler when the first optimizer is made, and metrics import scipy
and scikit-learn: seconds each, for every cell of a matrix. So the server imports them, and makes
one short run in a temporary folder, which finds what no list of modules would name. The run is on
the CPU and on one thread, so that the fork loses no thread, and no GPU is taken before it.
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
    """Import what runs import, and make one run."""
    for kind in (registry.models, registry.tricks, registry.datasets, registry.networks):
        kind.entries()  # reads every source file of its package
    torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])
    for name in (*OWN_METRICS, *MIXTURE_METRICS):
        try:
            registry.metrics.get(name)
        except GanbenchError:  # the run that asks for it will say so
            continue
    with tempfile.TemporaryDirectory() as folder:
        schedule = Schedule(evaluations=0)
        options = RunOptions(Path(folder), device="cpu", threads=1, schedule=schedule)
        run_cell(CellJob(plan("vanilla", "ring8", settings={"kimg": 1}).config, "warm", options))


preload()
gc.collect()
gc.freeze()
