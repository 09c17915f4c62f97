# SPDX-License-Identifier: MIT
"""A session of tests ends where one of its worker processes dies, and names the test."""

import os
import subprocess
import sys
from pathlib import Path

HELPERS = Path(__file__).resolve().parent / "helpers"


def test_a_session_whose_worker_dies_ends_and_names_the_test(tmp_path):
    """Without the helper it waits forever."""
    (tmp_path / "conftest.py").write_text(
        "from dead_workers import pytest_handlecrashitem as pytest_handlecrashitem\n"
    )
    for number in range(8):
        death = "os.kill(os.getpid(), 9)" if number == 5 else "pass"
        (tmp_path / f"test_{number}.py").write_text(
            f"import os\ndef test_first(): pass\ndef test_second(): {death}\n"
        )
    words = ("-m", "pytest", "-n", "2", "--dist", "loadfile", "-p", "no:cacheprovider")
    done = subprocess.run(
        [sys.executable, *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(HELPERS)},
        text=True,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert "a worker process died in test_5.py::test_second" in done.stdout
