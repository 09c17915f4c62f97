# SPDX-License-Identifier: MIT
"""Code that is not ganbench's own: the reasons of its errors, and its random numbers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from ganbench.runtime.global_random import seeded


def cause(error: Exception) -> str:
    """Return the type and the first line of a foreign error, as the end of a sentence."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # An error from within TorchScript begins with lines of where, and ends with the reason.
    from_script = bool(lines) and lines[0].startswith("The following operation")
    reason = "".join(lines[-1:] if from_script else lines[:1])
    return f"{type(error).__name__}: {reason}".rstrip(".: ")


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
