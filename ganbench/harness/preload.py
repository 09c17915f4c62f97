# SPDX-License-Identifier: MIT
"""Imports everything that a run imports: a process forked from here begins at once.

torch's optimizers import its compiler when the first optimizer is made, and metrics import scipy
and scikit-learn: seconds each, for every cell of a matrix.
"""

from __future__ import annotations

import gc

import torch

from ganbench import registry
from ganbench.errors import GanbenchError
from ganbench.evaluation.requests import MIXTURE_METRICS, OWN_METRICS


def preload() -> None:
    """Import what runs import."""
    for kind in (registry.models, registry.tricks, registry.datasets, registry.networks):
        kind.entries()  # reads every source file of its package
    torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])
    for name in (*OWN_METRICS, *MIXTURE_METRICS):
        try:
            registry.metrics.get(name)
        except GanbenchError:  # the run that asks for it will say so
            continue


preload()
gc.collect()
gc.freeze()
