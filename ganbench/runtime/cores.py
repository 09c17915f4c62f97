# SPDX-License-Identifier: MIT
"""How many processor cores this process may use, and how many of them are free now."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ganbench.runtime import control_groups
from ganbench.runtime.control_groups import file_text, group_folders


def usable_cores() -> int:
    """Return the number of cores that this process may use.

    A container or a job of a cluster is often given fewer than the machine has, by affinity or by
    a quota of processor time. Threads beyond it wait for each other.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, math.floor(min(cores, processor_quota()) + 0.01))


def processor_quota(root: Path | None = None) -> float:
    """Return the cores' worth of processor time that the control groups of this process allow.

    Args:
        root: The folder that holds ``proc`` and ``sys``; that of this machine by default.

    Returns:
        The smallest quota of the process's groups and of those around them; infinity if there is
        none, or if the system has no control groups.
    """
    folders = group_folders("cpu", root)
    return min((quota for folder in folders for quota in _quota(folder)), default=math.inf)


def _quota(folder: Path) -> Iterator[float]:
    """Yield the quota of one control group, if it has one: of version 2, or of version 1."""
    words = file_text(folder / "cpu.max").split()
    if not words:
        names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
        words = [file_text(folder / name).strip() for name in names]
    try:
        quota, period = (float(word) for word in words)
    except ValueError:  # "max", or no such files
        return
    if quota > 0 and period > 0:
        yield quota / period


@dataclass(frozen=True)
class _Look:
    """What the cores that this process may use had done at some moment, in clock ticks."""

    at: float
    """The moment, in seconds."""
    busy: float
    """Ticks at normal priority, of all processes but this one."""
    all: float
    """Ticks of all kinds."""

    @staticmethod
    def now() -> _Look | None:
        """Look at the cores; None where the system does not say."""
        ticks = _ticks()
        if ticks is None:
            return None
        busy, total = ticks
        # What has a low priority is not counted as busy, this process included.
        own = sum(os.times()[:4]) * os.sysconf("SC_CLK_TCK") if os.nice(0) <= 0 else 0.0
        return _Look(time.perf_counter(), busy - own, total)


_begun: list[_Look | None] = []
"""The look from which a command watches."""

_RECENT = 20.0
"""For how many seconds a look is good as the beginning of watching."""


def begin_watching() -> None:
    """Watch the cores from now on, so that ``free_cores`` need not wait."""
    _begun[:] = [_Look.now()]


def free_cores(seconds: float = 0.2) -> float:
    """Return how many of the usable cores nobody else computes on now.

    What other processes do at a low priority does not count, because they give way.

    Args:
        seconds: How long to watch at least. What has passed since ``begin_watching`` counts.

    Returns:
        From 0 to ``usable_cores()``; all of them where the system does not say.
    """
    cores = float(usable_cores())
    before = _begun[0] if _begun else None
    if before is None or time.perf_counter() - before.at > _RECENT:
        before = _Look.now()
    if before is None:
        return cores
    time.sleep(max(0.0, seconds - (time.perf_counter() - before.at)))
    after = _Look.now()
    if after is None or after.all == before.all:
        return cores
    available = len(os.sched_getaffinity(0))
    taken = available * (after.busy - before.busy) / (after.all - before.all)
    return min(cores, max(0.0, available - taken))


def _ticks() -> tuple[int, int] | None:
    """Return the busy ticks at normal priority, and all, of the cores this process may use."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    allowed = {f"cpu{core}" for core in os.sched_getaffinity(0)}
    busy = total = 0
    for line in file_text(control_groups.ROOT / "proc/stat").splitlines():
        name, *numbers = line.split()
        if name in allowed:
            allowed.discard(name)
            counts = [int(number) for number in numbers[:8]]
            user, _nice, system, _idle, _wait, interrupt, soft, steal = counts
            busy += user + system + interrupt + soft + steal
            total += sum(counts)
    return None if allowed else (busy, total)
