# SPDX-License-Identifier: MIT
"""The effect of Ctrl-C on a command that trains."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from ganbench.errors import StoppedError


@contextmanager
def stopping(stop: Callable[[], None], hint: str) -> Iterator[None]:
    """Let the first Ctrl-C (or SIGTERM) stop the work in order, and the second end it at once.

    Args:
        stop: Asks the work to stop.
        hint: What to type next, if it was ended at once.

    Raises:
        StoppedError: at the second.
    """
    signals_heard = 0

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal signals_heard
        signals_heard += 1
        if signals_heard > 1:
            raise KeyboardInterrupt
        stop()

    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except KeyboardInterrupt as error:
        raise StoppedError(
            "Stopped at once; the work since the last checkpoint is lost.",
            hint,
        ) from error
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
