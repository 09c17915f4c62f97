# SPDX-License-Identifier: MIT
"""The two ends of the pipe between the server and the process that trains: bytes, no objects.

Each message begins with a byte that says what follows: 0 for JSON in UTF-8, 1 for a frame.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

from ganbench.records.json_values import parse_json, strict_json

TEXT, FRAME = b"\0", b"\1"


def text_bytes(message: Mapping[str, Any]) -> bytes:
    """Return a message as it goes through the pipe."""
    return TEXT + strict_json(message).encode()


class TrainerLink:
    """The end of the process that trains; when the other end is gone, so is the process.

    Args:
        connection: The end of the pipe.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._messages: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        threading.Thread(target=self._read, name="lab-link", daemon=True).start()

    def receive(self, seconds: float | None = 0.0) -> dict[str, Any] | None:
        """Return the next message, or None if none comes in that time; None waits for one."""
        if seconds == 0 and self._messages.empty():
            return None
        try:
            return self._messages.get(timeout=seconds)
        except queue.Empty:
            return None

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message to the server."""
        self._connection.send_bytes(text_bytes(message))

    def send_frame(self, frame: bytes) -> None:
        """Send a packed frame to the server."""
        self._connection.send_bytes(FRAME + frame)

    def _read(self) -> None:
        try:
            while True:
                self._messages.put(parse_json(self._connection.recv_bytes()[1:]))
        except (EOFError, OSError):
            os._exit(0)  # nobody is there to train for
