# SPDX-License-Identifier: MIT
"""Runs that are over in a moment, and the keys that scripts rely on."""

import pytest

TINY = ("--kimg", "0.3", "--samples", "64", "--evaluations", "0", "-q")
MEASUREMENT = {"value", "low", "high", "n", "floor", "protocol"}


@pytest.fixture
def tiny(cli):
    """Train something tiny by the command line."""

    def call(*words, model="vanilla", dataset="ring8"):
        return cli("run", "-m", model, "-d", dataset, *TINY, *words)

    return call


@pytest.fixture
def stable():
    """Assert that a result has the keys of the stable JSON."""

    def check(one):
        keys = {"run", "model", "dataset", "seed", "status", "metrics", "identity", "kimg"}
        assert keys <= one.keys()
        assert one["metrics"]
        for measured in one["metrics"].values():
            assert measured.keys() >= MEASUREMENT

    return check


@pytest.fixture
def interrupting(monkeypatch):
    """Press Ctrl-C at the n-th tick that a progress bar is told of."""
    import os
    import signal

    from ganbench.cli.progress_bars import Bar

    def arm(at, times=1):
        ticks = []

        def tick(self, row, progress, seconds_left):
            ticks.append(progress)
            if len(ticks) == at:
                for _ in range(times):
                    os.kill(os.getpid(), signal.SIGINT)

        monkeypatch.setattr(Bar, "tick", tick)
        return ticks

    return arm
