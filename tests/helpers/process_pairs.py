# SPDX-License-Identifier: MIT
"""Programs that run as two processes on this machine, as torchrun starts them."""

import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import ganbench

SECONDS = 300
"""The longest time that a test waits for a process, however busy the machine is."""


def environment(**variables):
    """Return an environment in which processes meet on this machine, with one thread each."""
    home = str(Path(ganbench.__file__).resolve().parents[1])
    values = {**os.environ, "PYTHONPATH": home, "OMP_NUM_THREADS": "1", **variables}
    if Path("/sys/class/net/lo").exists():
        values["GLOO_SOCKET_IFNAME"] = "lo"
    return values


@contextmanager
def pair(*words, cwd):
    """Start a program as two processes, which are killed if they outlive the context."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    place = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    processes = [
        subprocess.Popen(
            [sys.executable, *map(str, words)],
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=environment(RANK=str(rank), LOCAL_RANK=str(rank), **place),
        )
        for rank in range(2)
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()
