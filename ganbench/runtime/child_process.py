# SPDX-License-Identifier: MIT
"""Child processes: they do not hear Ctrl-C, and their end is described."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator


@contextlib.contextmanager
def ignoring_interrupts() -> Iterator[None]:
    """Start processes that ignore Ctrl-C: it is for this process, which ends them.

    Nor does torch's profiler complain in them that there is no GPU; it reads its log level when
    torch is imported.
    """
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not the main thread: the caller handles signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def describe_exit(exit_code: int | None) -> str:
    """Return a sentence about the end of a process that said nothing itself."""
    if exit_code is not None and exit_code < 0:
        return f"The process was ended by signal {-exit_code}."
    return f"The process ended with exit code {exit_code}."
