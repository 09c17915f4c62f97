# SPDX-License-Identifier: MIT
"""How much memory a process and its GPU have held at most, in MiB."""

from __future__ import annotations

import re
import resource
import sys
from pathlib import Path

import torch

from ganbench.runtime.allocator import return_freed_memory

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
MIB = 2**20


class PeakMemory:
    """The peak from now on: of resident memory, and of what torch's allocator gave on a GPU.

    Linux lets a process begin its peak anew; elsewhere it counts from the start of the process.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        return_freed_memory()  # what is taken of it from now on counts as growth
        self._can_reset = _reset()
        self._before = _status("VmRSS") or _highest()
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)

    def read(self) -> dict[str, float | None]:
        """Return the peak, and by how much it lies above where it began; GPU memory, or None."""
        highest = (_status("VmHWM") if self._can_reset else None) or _highest()
        gpu = self.device.type == "cuda"
        return {
            "resident": highest / MIB,
            "growth": max(0.0, highest - self._before) / MIB,
            "allocated": torch.cuda.max_memory_allocated(self.device) / MIB if gpu else None,
            "reserved": torch.cuda.max_memory_reserved(self.device) / MIB if gpu else None,
        }


def _reset() -> bool:
    try:
        _CLEAR.write_text("5")
    except OSError:
        return False
    return True


def _status(key: str) -> float | None:
    """Return a figure of the kernel's about this process in bytes; None where there is none."""
    try:
        found = re.search(rf"^{key}:\s*(\d+) kB", _STATUS.read_text(), re.MULTILINE)
    except OSError:
        return None
    return float(found[1]) * 1024 if found else None


def _highest() -> float:
    """Return the peak since the process began in bytes, as POSIX has it."""
    peak = float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return peak if sys.platform == "darwin" else peak * 1024
