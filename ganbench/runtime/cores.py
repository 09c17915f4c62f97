# SPDX-License-Identifier: MIT
"""How many processor cores this process may use, and how many of them are free now."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")
"""Where the system describes itself; another folder in tests."""


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
    root = root or ROOT
    return min(_quotas(root), default=math.inf)


def _quotas(root: Path) -> Iterator[float]:
    """Yield the quota of each control group that has one, in cores."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        for mount in ("cpu", controllers) if controllers else ("", "unified"):  # version 1, 2
            top = root / "sys/fs/cgroup" / mount
            group = top / path.lstrip("/")
            # A container sees its own group as the top, whatever the path is called outside.
            for folder in (group, *group.parents):
                yield from _quota(folder)
                if folder == top:
                    break


def _quota(folder: Path) -> Iterator[float]:
    """Yield the quota of one control group, if it has one: of version 2, or of version 1."""
    words = _text(folder / "cpu.max").split()
    if not words:
        names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
        words = [_text(folder / name).strip() for name in names]
    try:
        quota, period = (float(word) for word in words)
    except ValueError:  # "max", or no such files
        return
    if quota > 0 and period > 0:
        yield quota / period


def free_cores(seconds: float = 0.2) -> float:
    """Return how many of the usable cores nobody else computes on now.

    What other processes do at a low priority does not count, because they give way.

    Args:
        seconds: How long to watch. This process should sleep meanwhile, and does.

    Returns:
        From 0 to ``usable_cores()``; all of them where the system does not say.
    """
    before = _busy_ticks()
    time.sleep(seconds)
    after = _busy_ticks()
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    free = 0.0
    for core in allowed:
        if core not in before or core not in after:
            return float(usable_cores())
        busy, total = (now - then for now, then in zip(after[core], before[core], strict=True))
        free += 1 - busy / total if total else 1.0
    return min(free, float(usable_cores())) if allowed else float(usable_cores())


def _busy_ticks() -> dict[int, tuple[int, int]]:
    """Return the ticks in which each core was busy for others, and all ticks so far."""
    ticks = {}
    for line in _text(ROOT / "proc/stat").splitlines():
        name, *numbers = line.split()
        if name.startswith("cpu") and name[3:].isdigit():
            counts = [int(number) for number in numbers[:8]]
            user, _nice, system, _idle, _wait, interrupt, soft, steal = counts
            ticks[int(name[3:])] = (user + system + interrupt + soft + steal, sum(counts))
    return ticks


def _text(path: Path) -> str:
    """Return the text of a file of the system; nothing if there is none."""
    try:
        return path.read_text()
    except OSError:
        return ""
