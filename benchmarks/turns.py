# SPDX-License-Identifier: MIT
"""Contestants that are measured in turns, each in a process of its own.

A program's settings (memory allocator, floating-point mode), and the memory that it leaves, change
the speed of programs that run after it in the same process.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
from collections.abc import Callable, Generator
from multiprocessing.connection import Connection
from typing import Any

import torch

SPAWN = multiprocessing.get_context("spawn")
Measured = Generator[Any, Any, None]
"""Yields an introduction first, then a result for each thing that it is sent."""


class Contestant:
    """A generator that runs in a process of its own, with the number of threads of this process.

    ``introduction`` waits until it is ready, and returns what it yields first. A ``turn`` sends it
    something, and returns what it yields next. Garbage is collected before a turn, not in it.
    """

    def __init__(self, make: Callable[..., Measured], *arguments: Any) -> None:
        self._connection, far_end = SPAWN.Pipe()
        served = (far_end, torch.get_num_threads(), make, arguments)
        SPAWN.Process(target=_serve, args=served, daemon=True).start()
        far_end.close()  # so that the end of the process ends the waiting for it

    def introduction(self) -> Any:
        """Wait until the contestant is ready; return its introduction."""
        return self._connection.recv()

    def turn(self, request: Any) -> Any:
        """Send a request, and return the result."""
        self._connection.send(request)
        return self._connection.recv()

    def end(self) -> None:
        """End the process."""
        self._connection.close()


def _serve(
    connection: Connection, threads: int, make: Callable[..., Measured], arguments: Any
) -> None:
    torch.set_num_threads(threads)
    measured = make(*arguments)
    connection.send(next(measured))
    gc.disable()
    with contextlib.suppress(EOFError):  # the parent has closed its end
        while True:
            request = connection.recv()
            gc.collect()
            connection.send(measured.send(request))
