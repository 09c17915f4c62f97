# SPDX-License-Identifier: MIT
"""Whether a Ray cluster can be used: its address, its token, and a folder that all nodes see.

Ray itself tries for minutes to reach an address, and fills the terminal with its own log. So a
short-lived process tries first, and what it says becomes one sentence.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ganbench.errors import GanbenchError
from ganbench.records.atomic_files import check_writable, storage_errors

ADDRESS_SECONDS = 5.0
"""How long an address may take to accept a connection."""
REFUSAL_SECONDS = 12.0
"""How long Ray may go on trying once it has said that it cannot connect."""
RAY_SECONDS = 90.0
"""How long Ray may take to connect while it says nothing."""
PROBE_SECONDS = 120.0
"""How long a node may take to start a worker that looks at the folder of the runs."""

_TRY = """
import os, sys, ray
ray.init(address=sys.argv[1], log_to_driver=False, configure_logging=False)
print("connected", flush=True)
os._exit(0)
"""
_TOKEN = re.compile(r"authentica|InvalidAuthToken", re.IGNORECASE)
_REFUSAL = re.compile(r"Failed to|Timed out|Error|Could not", re.IGNORECASE)


def check_cluster(address: str) -> None:
    """Try to reach a cluster, for at most a quarter of a minute where it refuses.

    Args:
        address: The value of ``RAY_ADDRESS``: ``host:port``, ``ray://host:port`` or ``auto``.

    Raises:
        GanbenchError: Nothing answers there, the token is missing or wrong, or Ray gives another
            reason.
    """
    if match := re.fullmatch(r"(?:ray://)?(.+):(\d+)", address):
        try:
            socket.create_connection((match[1], int(match[2])), ADDRESS_SECONDS).close()
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise _unreachable(address, f"{reason}") from error
    words = [sys.executable, "-P", "-c", _TRY, address]
    attempt = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    try:
        _follow(attempt, address)
    finally:
        attempt.kill()
        attempt.wait()


def _follow(attempt: subprocess.Popen[str], address: str) -> None:
    """Wait until an attempt has connected; turn what it says otherwise into a sentence."""
    lines: list[str] = []
    assert attempt.stdout is not None
    reader = threading.Thread(target=lines.extend, args=(attempt.stdout,), daemon=True)
    reader.start()
    began = time.monotonic()
    while True:
        reader.join(0.1)
        said = list(lines)
        if any(line.startswith("connected") for line in said):
            return
        if any(_TOKEN.search(line) for line in said):
            raise _refused_token(address)
        passed, ended = time.monotonic() - began, not reader.is_alive()
        refusals = [line for line in said if _REFUSAL.search(line)]
        if ended or passed > (REFUSAL_SECONDS if refusals else RAY_SECONDS):
            text = (refusals or said or ["it does not answer"])[-1].strip()
            raise _unreachable(address, re.sub(r"^\[.*?\] *(\S+:\d+: *)?", "", text))


def _unreachable(address: str, reason: str) -> GanbenchError:
    return GanbenchError(
        f"No Ray cluster can be reached at RAY_ADDRESS={address}: {reason.rstrip('.')}.",
        "ray start --head prints the address. Without RAY_ADDRESS, a local cluster is started.",
    )


def _refused_token(address: str) -> GanbenchError:
    given = os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH")
    wrong = "refuses the token" if given else "asks for a token, and RAY_AUTH_TOKEN is not set"
    return GanbenchError(
        f"The Ray cluster at RAY_ADDRESS={address} {wrong}.",
        "On a node of the cluster, ray get-auth-token prints the token: put it into "
        "RAY_AUTH_TOKEN, and set RAY_AUTH_MODE=token.",
    )


class SharedFolder:
    """A folder with a probe file, by which a node shows that it sees the same folder.

    Args:
        path: The folder of the runs.

    Raises:
        StorageError: It cannot be written.
    """

    def __init__(self, path: Path) -> None:
        check_writable(path)
        self.path = path.absolute()
        self.word = secrets.token_hex(8)
        self._probe = self.path / f".ray-probe-{self.word}"
        with storage_errors(self._probe):
            self._probe.write_text(self.word)

    def check(self, nodes: Sequence[tuple[str, str]], look: Callable[[str], Any]) -> None:
        """Let each node read the probe file and write one of its own, which is read here.

        Args:
            nodes: The identifiers of the nodes and their addresses.
            look: Starts ``seen_from`` on the node of an identifier; returns a function that waits
                for what it returns.

        Raises:
            GanbenchError: A node does not see the folder, or cannot run ganbench.
        """
        started = [(name, look(identifier)) for identifier, name in nodes]
        for name, answer in started:
            problem = answer()
            answered = self.path / f"{self._probe.name}-{name}"
            if not problem and not _holds(answered, self.word):
                problem = "a file that it wrote is not there"
            answered.unlink(missing_ok=True)
            if problem:
                raise GanbenchError(
                    f"The node {name} cannot share {self.path}: {problem}.",
                    "All nodes must see the same folder under the same path, and have ganbench "
                    "installed: name a shared folder with --out.",
                )

    def close(self) -> None:
        """Remove the probe file."""
        self._probe.unlink(missing_ok=True)


def seen_from(folder: str, word: str, name: str = "") -> str:
    """Return why a node does not see a shared folder, or nothing; runs on the node.

    Args:
        folder: The folder, as it is called on the machine of the command.
        word: What the probe file holds.
        name: The address of the node, which then writes a file of its own.
    """
    probe = Path(folder) / f".ray-probe-{word}"
    if not _holds(probe, word):
        return "it does not see the files that this machine writes there"
    if name:
        try:
            probe.with_name(f"{probe.name}-{name}").write_text(word)
        except OSError as error:
            return f"it cannot write there ({error.strerror})"
    return ""


def _holds(file: Path, word: str) -> bool:
    """Tell whether a file is there and holds a word; on shared disks it may come late."""
    for _ in range(20):
        try:
            if file.read_text() == word:
                return True
        except OSError:
            pass
        time.sleep(0.1)
    return False
