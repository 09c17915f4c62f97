# SPDX-License-Identifier: MIT
"""How many threads compute: what the user says, and otherwise what is free.

Threads that wait for a core that somebody else has are worse than none: each operation of a
network ends when its slowest thread does.
"""

from __future__ import annotations

import math
import os
from functools import lru_cache

import torch
from threadpoolctl import threadpool_limits

from ganbench.runtime.cores import free_cores, usable_cores

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
)
"""The variables that libraries read when they are loaded; scikit-learn has an OpenMP of its own."""

NEARLY_FREE = 0.4
"""The share of a core that others may use before it no longer counts as free."""

_USERS = os.environ.get("OMP_NUM_THREADS")
_FOUND = torch.get_num_threads()
_not_the_users = {_FOUND}
"""The numbers of threads that torch has found by itself, or that were set here."""


def set_threads(threads: int | None) -> int:
    """Set the number of CPU threads if it is given; return the number in use.

    The number holds for torch and for the linear algebra behind numpy and scipy, which would
    otherwise take every core, whatever else is running. It also holds for libraries that are loaded
    later.
    """
    if threads is not None:
        torch.set_num_threads(threads)
        _not_the_users.add(threads)
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
        _limit_libraries(threads)
    return torch.get_num_threads()


@lru_cache(maxsize=1)  # in a forked process OpenBLAS would start threads to hear their number
def _limit_libraries(threads: int) -> None:
    threadpool_limits(threads)


def fixed_threads() -> int | None:
    """Return the number of threads that the user has fixed for this process, or None.

    It is that of ``OMP_NUM_THREADS``, or what a program that calls ganbench has told torch.
    """
    current = torch.get_num_threads()
    if _USERS:
        return _FOUND  # torch has read it
    return None if current in _not_the_users else current


def default_threads(slots: int = 1) -> int:
    """Return the threads of each of ``slots`` processes that compute at the same time.

    It is the number that the user has fixed, otherwise the processes' shares of the cores that are
    free now.
    """
    fixed = fixed_threads()
    if fixed is not None:
        return fixed
    most = min(_FOUND, usable_cores()) // max(1, slots)
    if most <= 1:
        return 1
    free = math.floor(free_cores() + NEARLY_FREE)
    return max(1, min(most, free // max(1, slots)))
