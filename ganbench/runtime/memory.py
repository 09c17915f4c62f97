# SPDX-License-Identifier: MIT
"""Memory of a process: what it may still take, its freed memory, and its peak."""

from __future__ import annotations

import ctypes
import re
import resource
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import torch

from ganbench.errors import MemoryShortageError
from ganbench.runtime.control_groups import file_text, group_folders

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Numbers of glibc's parameters (malloc.h)."""
_KEPT_BYTES = 1 << 30
"""Freed memory up to this size is kept; a block from this size on is not."""
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_MEMINFO = Path("/proc/meminfo")
MIB = 2**20
GIB = 2**30


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


def available_memory(device: torch.device) -> int | None:
    """Return how many bytes this process may still allocate; None where that is not known.

    On Linux it is the least of what the machine has free, what the process's control group allows
    (a container, a job of a cluster), and what ``ulimit -v`` leaves.
    """
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + unused
    if device.type != "cpu":
        return None
    bounds = [bound() for bound in (_machine_bytes, _group_bytes, _address_bytes)]
    known = [count for count in bounds if count is not None]
    return max(0, min(known)) if known else None


def require_memory(needed_bytes: int, device: torch.device, subject: str) -> None:
    """Refuse what does not fit into memory, before it is allocated.

    Args:
        needed_bytes: What it takes at least.
        device: Where it will be.
        subject: What needs the memory, in the plural: ``1,000 samples``.

    Raises:
        MemoryShortageError: There is less memory than that.
    """
    free = available_memory(device)
    if free is not None and needed_bytes > free:
        raise MemoryShortageError(
            f"{subject} need {needed_bytes / GIB:,.1f} GiB of memory or more, and "
            f"{free / GIB:,.1f} GiB are free."
        )


def _machine_bytes() -> int | None:
    """Return what the machine has free, swap included."""
    figures = _figures(_MEMINFO, r"^(MemAvailable|SwapFree):\s*(\d+) kB")
    return 1024 * sum(figures.values()) if "MemAvailable" in figures else None


def _group_bytes() -> int | None:
    """Return what the control groups of this process allow; None if they allow everything."""
    left = [count for folder in group_folders("memory") for count in _left_in_group(folder)]
    return min(left, default=None)


def _left_in_group(folder: Path) -> Iterator[int]:
    """Yield what a control group of version 2 or 1 allows; files in the cache make room."""
    for limit, usage, cache in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            allowed = int(file_text(folder / limit))  # without a limit it says "max"
            used = int(file_text(folder / usage))
        except ValueError:  # or no such files
            continue
        cached = _figures(folder / "memory.stat", rf"^({cache}) (\d+)")
        yield allowed - used + sum(cached.values())


def _address_bytes() -> int | None:
    """Return what ``ulimit -v`` leaves of the address space."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    used = _kernel_figure("VmSize")
    return None if limit == resource.RLIM_INFINITY or used is None else limit - int(used)


def _figures(path: Path, pattern: str) -> dict[str, int]:
    """Return the figures of a file of the kernel by name; none if there is no such file."""
    return {name: int(value) for name, value in re.findall(pattern, file_text(path), re.M)}


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
