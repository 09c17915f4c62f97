# SPDX-License-Identifier: MIT
"""How many processor cores there are, and how many threads compute on them."""

from __future__ import annotations

import os
from functools import lru_cache

import torch
from threadpoolctl import threadpool_limits


def set_threads(threads: int | None) -> int:
    """Set the number of CPU threads if it is given; return the number in use.

    The number holds for torch and for the linear algebra behind numpy, which would otherwise take
    every core, whatever else is running.
    """
    if threads is not None:
        torch.set_num_threads(threads)
        _limit_linear_algebra(threads)
    return torch.get_num_threads()


@lru_cache(maxsize=1)  # in a forked process OpenBLAS would start threads to hear their number
def _limit_linear_algebra(threads: int) -> None:
    threadpool_limits(threads)


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_threads(slots: int) -> int:
    """Return the threads of each of ``slots`` cells, so that they do not compete for cores."""
    return max(1, usable_cores() // max(1, slots))
