# SPDX-License-Identifier: MIT
"""Ctrl-C: the first stops in order, the second at once."""

import contextlib
import signal

import pytest

from ganbench.cli.signals import stopping

PROGRAM = """
import signal, sys

from ganbench.cli.signals import stopping
from ganbench.errors import StoppedError

number = int(sys.argv[1])
before = signal.getsignal(number)
asked = []
with stopping(lambda: asked.append(1), "Again."):
    signal.raise_signal(number)
    assert asked == [1]
assert signal.getsignal(number) is before
try:
    with stopping(lambda: asked.append(2), "Again."):
        signal.raise_signal(number)
        signal.raise_signal(number)
except StoppedError as error:
    assert error.exit_code == 130
    assert error.hint == "Again."
    assert asked == [1, 2]
    assert signal.getsignal(number) is before
    print("stopped")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_ends(start, number):
    """In a process of its own, for the reason that ``press_ctrl_c`` gives."""
    out, err = start("-c", PROGRAM, int(number)).communicate()
    assert out == "stopped\n", err


def test_an_error_passes_and_the_handlers_are_put_back():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ValueError, match="own"), stopping(lambda: None, ""):
        raise ValueError("own")
    assert signal.getsignal(signal.SIGINT) is before


def test_the_hint_of_compare_names_only_options_that_it_has(cli, monkeypatch):
    hints = []

    @contextlib.contextmanager
    def heard(stop, hint):
        hints.append(hint)
        yield

    monkeypatch.setattr("ganbench.cli.compare.stopping", heard)
    words = ("compare", "-m", "vanilla", "-d", "ring8", "--kimg", "0.1", "--samples", 50, "-q")
    assert cli(*words, "--backend", "inline", "--seeds", "0").code == 0
    assert hints == ["Repeat the command to go on."]
