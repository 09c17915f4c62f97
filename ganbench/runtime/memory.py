# SPDX-License-Identifier: MIT
"""Memory of a process: its freed memory, and its peak."""

from __future__ import annotations

import ctypes
import re
import resource
import sys
from functools import lru_cache
from pathlib import Path

import torch

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Numbers of glibc's parameters (malloc.h)."""
_KEPT_BYTES = 1 << 30
"""Freed memory up to this size is kept; a block from this size on is not."""
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
MIB = 2**20


@lru_cache(maxsize=1)
def keep_freed_memory() -> bool:
    """Let this process keep freed memory for later allocations; return whether it can.

    By itself glibc gives large blocks back to the system as soon as they are free. The next
    iteration or batch then gets the same memory page by page, and each page is filled with zeros
    first: this takes a tenth of the time of Inception, and of training with a gradient penalty,
    both in fp32. Other allocators are left as they are. The setting holds for the rest of the
    process.
    """
    library = _glibc()
    if library is None:
        return False
    parameters = (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD)
    return all(library.mallopt(parameter, _KEPT_BYTES) for parameter in parameters)


def return_freed_memory() -> None:
    """Give freed memory back to the system, so that the process holds only what it uses."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    """Return the C library, if it is glibc."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None


class PeakMemory:
    """The peak from now on: of resident memory, and of what torch's allocator gave on a GPU.

    Linux lets a process start its peak again; elsewhere it counts from the start of the process.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        return_freed_memory()  # whatever takes its place counts as growth
        self._can_reset = _reset_peak()
        self._before = _kernel_figure("VmRSS") or _peak_of_process()
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)

    def read(self) -> dict[str, float | None]:
        """Return the peak, its growth since the start, and GPU memory or None, all in MiB."""
        peak = (_kernel_figure("VmHWM") if self._can_reset else None) or _peak_of_process()
        on_gpu = self.device.type == "cuda"
        return {
            "resident": peak / MIB,
            "growth": max(0.0, peak - self._before) / MIB,
            "allocated": torch.cuda.max_memory_allocated(self.device) / MIB if on_gpu else None,
            "reserved": torch.cuda.max_memory_reserved(self.device) / MIB if on_gpu else None,
        }


def _reset_peak() -> bool:
    """Start the kernel's peak of this process again; return whether it can be."""
    try:
        _CLEAR.write_text("5")
    except OSError:
        return False
    return True


def _kernel_figure(key: str) -> float | None:
    """Return a figure of the kernel about this process, in bytes; None if there is none."""
    try:
        match = re.search(rf"^{key}:\s*(\d+) kB", _STATUS.read_text(), re.MULTILINE)
    except OSError:
        return None
    return float(match[1]) * 1024 if match else None


def _peak_of_process() -> float:
    """Return the peak since the process began, in bytes, as POSIX has it."""
    peak = float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return peak if sys.platform == "darwin" else peak * 1024
