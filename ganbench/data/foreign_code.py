# SPDX-License-Identifier: MIT
"""Code that is not ganbench's own draws its random numbers as ganbench's does: repeatably."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from ganbench.runtime.global_random import seeded


@contextmanager
def fixed_random_state() -> Iterator[None]:
    """Seed the global random states of Python, numpy and torch, and restore them afterwards.

    A dataset that shuffles or augments its items gives the same ones whenever it is read.
    """
    python_state, numpy_state = random.getstate(), np.random.get_state()
    with seeded(0, torch.device("cpu")):
        random.seed(0)
        np.random.seed(0)
        try:
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)
