# SPDX-License-Identifier: MIT
"""Processes that this one starts: what they hear of Ctrl-C, and how their end is told."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator


@contextlib.contextmanager
def deaf() -> Iterator[None]:
    """Start processes that do not hear Ctrl-C: it is this one's, which ends them.

    Nor does torch's profiler complain in them that there is no GPU; it reads its level when torch
    is imported.
    """
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not the main thread: whoever runs it there has signals of its own
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def death(exit_code: int | None) -> str:
    """Say how a process ended that has not said so itself."""
    if exit_code is not None and exit_code < 0:
        return f"The process was ended by signal {-exit_code}."
    return f"The process ended with exit code {exit_code}."
