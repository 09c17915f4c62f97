# SPDX-License-Identifier: MIT
"""What is measured side by side: each in a process of its own, one at a time.

What a program sets (memory allocator, floating-point mode), and what it leaves in memory, changes
the speed of what runs after it in the same process.
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
"""Yields first what it has to say of itself, then a result for each thing it is sent."""


class Contestant:
    """A generator that runs in a process of its own, with as many threads as this one has.

    ``introduction`` waits until it is ready, and returns what it yields first; a ``turn`` sends
    it something and returns what it yields then. Garbage is collected before a turn, not in it.
    """

    def __init__(self, make: Callable[..., Measured], *arguments: Any) -> None:
        self._connection, there = SPAWN.Pipe()
        given = (there, torch.get_num_threads(), make, arguments)
        SPAWN.Process(target=_serve, args=given, daemon=True).start()
        there.close()  # so that the end of the process ends the waiting for it

    def introduction(self) -> Any:
        """Return what the contestant says of itself."""
        return self._connection.recv()

    def turn(self, given: Any) -> Any:
        """Return what the contestant answers."""
        self._connection.send(given)
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
            given = connection.recv()
            gc.collect()
            connection.send(measured.send(given))
