# SPDX-License-Identifier: MIT
"""Imports everything that a run imports: a process forked from here begins at once.

Metrics import scipy and scikit-learn, which takes seconds for every cell of a matrix.
"""

from __future__ import annotations

import gc

from ganbench import registry
from ganbench.errors import GanbenchError
from ganbench.evaluation.requests import MIXTURE_METRICS, OWN_METRICS


def preload() -> None:
    """Import what runs import."""
    for kind in (registry.models, registry.tricks, registry.datasets, registry.networks):
        kind.entries()  # reads every source file of its package
    for name in (*OWN_METRICS, *MIXTURE_METRICS):
        try:
            registry.metrics.get(name)
        except GanbenchError:  # the run that asks for it will say so
            continue


preload()
gc.collect()
gc.freeze()
