# SPDX-License-Identifier: MIT
"""Runs that have begun go on as they were computed: the memory format, compilation, threads."""

from dataclasses import replace

import pytest

from ganbench.harness.begun_run import recorded_execution, recorded_threads
from ganbench.harness.plan import plan
from ganbench.harness.run import Run
from ganbench.harness.run_options import RunOptions
from ganbench.runtime.execution import USUAL, Execution

CONTIGUOUS = Execution("contiguous")


@pytest.fixture
def begun(tmp_path):
    """Return the options of a run that has begun in another memory format, and its plan."""
    planned = plan("dcgan", "mnist5k", settings={"kimg": 0.1, "batch_size": 8})
    options = RunOptions(out=tmp_path, metrics=(), threads=1, execution=CONTIGUOUS)
    run = Run(planned, options)
    run.stop()
    run.execute()
    assert run.folder.config()["options"]["memory_format"] == "contiguous"
    return planned, options


@pytest.mark.parametrize("execution", [USUAL, CONTIGUOUS, Execution(compile=True)])
def test_a_resumed_run_is_computed_as_it_began(begun, monkeypatch, execution):
    planned, options = begun
    placed = []
    monkeypatch.setattr(Execution, "place", noting(placed, Execution.place))
    resumed = Run(planned, replace(options, resume=True, execution=execution))
    assert resumed.execute()["status"] != "interrupted"
    assert set(placed) == {CONTIGUOUS}


def test_a_new_run_is_computed_as_is_asked_for(begun, monkeypatch):
    planned, options = begun
    placed = []
    monkeypatch.setattr(Execution, "place", noting(placed, Execution.place))
    Run(planned, replace(options, execution=USUAL)).execute()
    assert set(placed) == {USUAL}


@pytest.mark.parametrize(
    ("options", "execution", "threads"),
    [
        ({}, USUAL, None),
        ({"threads": 3, "compile": True}, Execution(compile=True), 3),
        ({"memory_format": "contiguous"}, CONTIGUOUS, None),
        ({"memory_format": 3, "compile": "yes", "threads": "two"}, USUAL, None),
        ([], USUAL, None),
    ],
)
def test_a_record_states_what_is_not_usual(begun, options, execution, threads):
    planned, run_options = begun
    folder = Run(planned, replace(run_options, resume=True)).folder
    folder.write_config({**folder.config(), "options": options})
    assert recorded_execution(folder) == execution
    assert recorded_threads(folder) == threads


def noting(placed, place):
    """Return ``place``, which also notes the execution that places a network."""

    def noted(execution, network, device):
        placed.append(execution)
        return place(execution, network, device)

    return noted
