# SPDX-License-Identifier: MIT
"""The process that trains, as the server holds it: started, told, listened to, ended."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any

from ganbench.lab.lab_options import LabOptions
from ganbench.lab.links import FRAME, text_bytes
from ganbench.runtime.child_process import describe_exit, ignoring_interrupts

END_SECONDS = 3.0
"""How long a process may take to end before it is killed."""


def train_in_child(
    connection: Connection, recipe: Mapping[str, Any], options: LabOptions, side: str
) -> None:
    """Train what a lab asks for: what the process does."""
    from ganbench.lab.lab_recipe import LabRecipe
    from ganbench.lab.lab_session import LabSession
    from ganbench.lab.links import TrainerLink

    LabSession(TrainerLink(connection), options, side).serve(LabRecipe.read(recipe))


class TrainerProcess:
    """A process that trains.

    Args:
        recipe: What it trains first.
        options: How it computes.
        side: The side of the page that shows it.
    """

    def __init__(self, recipe: Mapping[str, Any], options: LabOptions, side: str = "a") -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, others = context.Pipe()
        self._process = context.Process(
            target=train_in_child, args=(others, recipe, options, side), daemon=True
        )
        with ignoring_interrupts():
            self._process.start()
        others.close()
        self._sending = threading.Lock()

    @property
    def number(self) -> int | None:
        """The number of the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process is there."""
        return self._process.is_alive()

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message; one to a process that is gone is lost."""
        try:
            with self._sending:
                self._connection.send_bytes(text_bytes(message))
        except OSError:
            return

    def listen(
        self,
        frame_came: Callable[[bytes], None],
        text_came: Callable[[bytes], None],
        ended: Callable[[str], None],
    ) -> None:
        """Hand over what the process sends, from a thread, until it is gone.

        Args:
            frame_came: Is given each packed frame.
            text_came: Is given each message, as JSON.
            ended: Is told how the process ended.
        """

        def read() -> None:
            try:
                while True:
                    data = self._connection.recv_bytes()
                    (frame_came if data[:1] == FRAME else text_came)(data[1:])
            except (EOFError, OSError):
                self._process.join(END_SECONDS)
                ended(describe_exit(self._process.exitcode))

        threading.Thread(target=read, name="lab-trainer", daemon=True).start()

    def end(self) -> None:
        """End the process, and wait until it is gone."""
        self._process.terminate()
        self._process.join(END_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._connection.close()
