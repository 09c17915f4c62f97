# SPDX-License-Identifier: MIT
"""The last gate of the command line: every error leaves it as one sentence and an exit code."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

from typer.exceptions import TyperException

from ganbench import __version__, paths
from ganbench.cli.output import complain, print_error
from ganbench.cli.results import discard
from ganbench.errors import GanbenchError, StoppedError, error_text, memory_shortage

INTERRUPTED = 130


class RefusedError(GanbenchError):
    """The operating system refuses what is asked of it: too long a name, no permission."""

    kind = "system"


class UnexpectedError(GanbenchError):
    """An error that ganbench does not know: a mistake in its own code, or a broken library."""

    kind = "unexpected"


def run_guarded(app: Callable[..., Any]) -> int:
    """Run the command line and return its exit code, whatever happens.

    Args:
        app: Parses ``sys.argv`` and runs the verb, as typer does.
    """
    with _watching_ctrl_c() as pressed:
        return _guarded(app, pressed)


def _guarded(app: Callable[..., Any], pressed: Sequence[int]) -> int:
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except TyperException as error:
        return _print_usage_error(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (BrokenPipeError, SystemExit) as error:
        _discard_output()
        if isinstance(error, BrokenPipeError) or isinstance(error.__context__, BrokenPipeError):
            return 0  # the reader of a pipe, such as head, has seen enough
        return error.code if isinstance(error.code, int) else 0  # completion for a shell
    except Exception as error:  # noqa: BLE001 - this is the last gate
        if pressed and not isinstance(error, GanbenchError):
            return _tell(StoppedError("Interrupted."))
        return _tell(error if isinstance(error, GanbenchError) else _sentence(error))
    return code if isinstance(code, int) else 0


@contextmanager
def _watching_ctrl_c() -> Iterator[list[int]]:
    """Yield a list that is empty until Ctrl-C is pressed.

    A library that is being imported may make another error of a KeyboardInterrupt.
    """
    pressed: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        pressed.append(number)
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:  # somebody else handles it, or it is ignored
        yield pressed
        return
    try:
        signal.signal(signal.SIGINT, interrupt)
    except ValueError:  # only the main thread hears signals
        yield pressed
        return
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


def _tell(error: GanbenchError) -> int:
    """Print an error, as JSON if --json was typed, and return its exit code."""
    try:
        print_error(error.kind, error.message, error.hint)
        sys.stdout.flush()
    except OSError:  # it is stdout that cannot be written
        _discard_output()
        with suppress(OSError):
            complain(error.message, error.hint)
    return error.exit_code


def _sentence(error: Exception) -> GanbenchError:
    """Return the sentence on an error that no other part of ganbench has made one of."""
    if shortage := memory_shortage(error):
        return shortage
    if isinstance(error, OSError) and error.strerror:
        place = f" for {error.filename}" if error.filename else ""
        return RefusedError(
            f"The operating system refused{place}: {error.strerror}.", "See ganbench doctor."
        )
    log = _write_log(error)
    return UnexpectedError(
        f"Something failed that ganbench does not expect: {error_text(error)}.",
        "This is a fault in ganbench; please report it" + (f" with {log}." if log else "."),
    )


def _write_log(error: Exception) -> Path | None:
    """Write the traceback of an error to a file, and return the file if that is possible."""
    now = datetime.now().astimezone()
    lines = [f"ganbench {__version__}, Python {sys.version}", f"{sys.argv[1:]}", now.isoformat()]
    text = "\n".join([*lines, *traceback.format_exception(error)])
    places: tuple[Callable[[], Path], ...] = (
        lambda: paths.cache() / "logs",
        lambda: Path(tempfile.gettempdir()),
    )
    for place in places:
        with suppress(OSError, GanbenchError):
            log = place() / f"ganbench-{now:%Y%m%d-%H%M%S}-{os.getpid()}.log"
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text(text, encoding="utf-8", errors="backslashreplace")
            return log
    return None


def _discard_output() -> None:
    """Flush stdout; if that fails, point it nowhere, because Python would try again at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        discard(sys.stdout)


def _print_usage_error(error: TyperException) -> int:
    """Print the mistake that the parser found, and return the exit code."""
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    if not message:  # a bare command has printed its help already
        return 2
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "ganbench"
    print_error("usage", message.replace("\n", " "), f"See {path} --help.")
    return 2
