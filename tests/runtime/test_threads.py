# SPDX-License-Identifier: MIT
"""The number of CPU threads: what the user says, what is free, and what libraries make of it."""

import json
import os
import subprocess
import sys

import pytest
import torch

from ganbench.runtime import threads
from ganbench.runtime.threads import default_threads, fixed_threads, set_threads


@pytest.fixture(autouse=True)
def restored(monkeypatch):
    """Put back torch's number, and what is remembered of it."""
    before = torch.get_num_threads()
    monkeypatch.setattr(threads, "_not_the_users", {1, 4})
    monkeypatch.setattr(threads, "_FOUND", 4)
    monkeypatch.setattr(threads, "_USERS", None)
    for name in threads.THREAD_VARIABLES:
        monkeypatch.setenv(name, "")  # so that it is put back
    yield
    torch.set_num_threads(before)


@pytest.fixture
def machine(monkeypatch):
    """Return a function that says how many cores the machine has, and how many are free."""

    def describe(usable, free):
        monkeypatch.setattr(threads, "usable_cores", lambda: usable)
        monkeypatch.setattr(threads, "free_cores", lambda: free)

    return describe


def test_threads_are_set_and_told():
    before = torch.get_num_threads()
    assert set_threads(None) == before
    assert set_threads(2) == torch.get_num_threads() == 2


@pytest.mark.parametrize(
    ("usable", "free", "slots", "expected"),
    [
        (4, 4.0, 1, 4),
        (4, 2.7, 1, 3),  # a core of which others use a third counts as free
        (4, 2.5, 1, 2),
        (4, 0.1, 1, 1),
        (4, 4.0, 2, 2),
        (4, 2.0, 2, 1),
        (4, 4.0, 8, 1),
        (2, 4.0, 1, 2),  # a quota
        (16, 16.0, 1, 4),  # torch itself takes one thread for each physical core
    ],
)
def test_threads_are_the_share_of_the_free_cores(machine, usable, free, slots, expected):
    machine(usable, free)
    assert default_threads(slots) == expected


def test_omp_num_threads_is_obeyed(machine, monkeypatch):
    machine(4, 4.0)
    monkeypatch.setattr(threads, "_USERS", "3")
    monkeypatch.setattr(threads, "_FOUND", 3)  # torch reads the variable when it is loaded
    assert default_threads(1) == default_threads(2) == 3


def test_a_number_that_a_program_has_told_torch_is_obeyed(machine):
    machine(4, 4.0)
    torch.set_num_threads(3)
    assert default_threads() == fixed_threads() == 3


def test_a_number_that_was_chosen_before_is_not_the_users(machine):
    machine(4, 4.0)
    set_threads(2)
    assert fixed_threads() is None
    assert default_threads() == 4


EVERY_LIBRARY = """
import json, numpy, torch
from ganbench.runtime.threads import set_threads
set_threads(1)
import scipy.linalg, sklearn.cluster, threadpoolctl
scipy.linalg.eigh(numpy.eye(3)); sklearn.cluster.KMeans
print(json.dumps(threadpoolctl.threadpool_info()))
"""


def test_one_thread_is_one_in_every_library():
    """Also in those that are loaded after the number is set: scipy has an OpenBLAS of its own."""
    environment = {name: value for name, value in os.environ.items() if "_THREADS" not in name}
    program = [sys.executable, "-c", EVERY_LIBRARY]
    output = subprocess.run(program, check=True, capture_output=True, env=environment).stdout
    pools = json.loads(output)
    assert {"openblas", "openmp"} <= {pool["internal_api"] for pool in pools}
    assert {pool["num_threads"] for pool in pools} == {1}, pools
