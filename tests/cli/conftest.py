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

    def check(result):
        keys = {"run", "model", "dataset", "seed", "status", "metrics", "identity", "kimg"}
        assert keys <= result.keys()
        assert result["metrics"]
        for measured in result["metrics"].values():
            assert measured.keys() >= MEASUREMENT

    return check


@pytest.fixture
def interrupting(monkeypatch):
    """Press Ctrl-C at the n-th tick that the progress bar hears of."""
    from pressing import press_ctrl_c

    from ganbench.cli.progress_bars import TrainingBar

    def arm(at, times=1):
        ticks = []

        def tick(self, row, progress, seconds_left):
            ticks.append(progress)
            if len(ticks) == at:
                for _ in range(times):
                    press_ctrl_c()

        monkeypatch.setattr(TrainingBar, "tick", tick)
        return ticks

    return arm
