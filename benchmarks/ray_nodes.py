# SPDX-License-Identifier: MIT
"""Does ``compare --backend ray`` survive the loss of a node? And how fast does it refuse?

    python benchmarks/ray_nodes.py [--cells 20] [--kimg 20] [--port 6392] [--json FILE]

Starts two nodes on this machine by ``ray start`` with a token: a head with one core, and a second
node with one core. A matrix of small cells runs on both. In the middle, all processes of the second
node get SIGKILL; then a third node joins. The same matrix is carried out by ``-j 1`` without Ray.
Each cell must be there once, and its values, its weights and its pictures must be equal, byte for
byte.

Then the command is given an address where nothing listens, a wrong token, and no token, and the
time until its sentence is measured: of the whole command, and of the attempt to connect alone. In
the end the nodes are killed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TRY = """
import contextlib, time
from ganbench.errors import GanbenchError
from ganbench.harness.ray_cluster import check_cluster

def try_it(address):
    began = time.monotonic()
    with contextlib.suppress(GanbenchError):
        check_cluster(address)
    print(time.monotonic() - began)
"""
RAY = [sys.executable, "-c", "from ray.scripts.scripts import main; main()"]


def ray(words: list[str], environment: Mapping[str, str]) -> None:
    """Call Ray's command."""
    subprocess.run([*RAY, *words], env=environment, check=True, capture_output=True)


def processes() -> dict[int, tuple[int, str]]:
    """Return the parent and the command line of every process of this machine."""
    listed = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                words = (
                    (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
                listed[int(entry.name)] = (int(stat[1]), words)
    return listed


def node_processes(raylet: int) -> list[int]:
    """Return a raylet and all processes below it."""
    parents = {pid: parent for pid, (parent, _) in processes().items()}
    below = [raylet]
    for pid in below:
        below += [child for child, parent in parents.items() if parent == pid]
    return below


def kill(pids: list[int]) -> None:
    """Send SIGKILL to processes that this script has started."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def raylets(session: Path) -> set[int]:
    """Return the raylets of the clusters whose files are in a folder."""
    return {
        pid
        for pid, (_, words) in processes().items()
        if "/raylet/raylet" in words.split(" ")[0] and str(session) in words
    }


def contents(out: Path) -> dict[str, Any]:
    """Return what was recorded of each cell, except times."""
    recorded = {}
    for file in sorted(out.glob("*/result.json")):
        result = json.loads(file.read_text())
        rows = [json.loads(line) for line in (file.parent / "stats.jsonl").read_text().splitlines()]
        clock = {"seconds", "images_per_second"}
        recorded[file.parent.name] = (
            result["status"],
            result["metrics"],
            [{key: value for key, value in row.items() if key not in clock} for row in rows],
            (file.parent / "generator.safetensors").read_bytes(),
            (file.parent / "samples" / "final.png").read_bytes(),
        )
    return recorded


def compare(out: Path, cells: int, kimg: float, *further: str) -> list[str]:
    """Return the command that carries the matrix out."""
    matrix = ["--model", "vanilla", "--tricks", "none,ema", "--dataset", "ring8"]
    length = ["--seeds", f"0-{cells // 2 - 1}", "--kimg", str(kimg), "--evaluations", "0"]
    words = [sys.executable, "-m", "ganbench", "compare", *matrix, *length, "--threads", "1"]
    return [*words, "--out", str(out), "--json", *further]


def lose_a_node(
    folder: Path, cells: int, kimg: float, port: int, environment: dict[str, str]
) -> dict[str, Any]:
    """Carry the matrix out on two nodes, of which one is killed; return what was seen."""
    address, session = f"127.0.0.1:{port}", folder / "ray"
    usual = ["--num-cpus=1", "--disable-usage-stats"]
    head_words = ["start", "--head", f"--port={port}", "--include-dashboard=false"]
    ray([*head_words, f"--temp-dir={session}", "--resources", '{"first": 1}', *usual], environment)
    head = raylets(session)
    ray(["start", f"--address={address}", "--resources", '{"second": 1}', *usual], environment)
    (second,) = raylets(session) - head
    out = folder / "ray-runs"
    began = time.monotonic()
    command = subprocess.Popen(
        compare(out, cells, kimg, "--backend", "ray"),
        env={**environment, "RAY_ADDRESS": address},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while len(list(out.glob("*/result.json"))) < cells // 2 and command.poll() is None:
        time.sleep(0.05)
    killed = node_processes(second)
    kill(killed)
    done_at_the_kill = len(list(out.glob("*/result.json")))
    ray(["start", f"--address={address}", "--resources", '{"third": 1}', *usual], environment)
    printed, said = command.communicate(timeout=1800)
    document = json.loads(printed)
    return {
        "exit_code": command.returncode,
        "seconds": round(time.monotonic() - began, 1),
        "found": next((line for line in said.splitlines() if line.startswith("Ray at")), ""),
        "cells_done_when_the_node_died": done_at_the_kill,
        "processes_killed": len(killed),
        "cells": len({cell["id"] for cell in document["cells"]}),
        "statuses": sorted({cell["status"] for cell in document["cells"]}),
        "contents": contents(out),
    }


def refusals(folder: Path, port: int, environment: dict[str, str]) -> dict[str, Any]:
    """Return the sentence and the seconds of each refusal."""
    address = f"127.0.0.1:{port}"
    without = {key: value for key, value in environment.items() if key != "RAY_AUTH_TOKEN"}
    cases = {
        "nothing listens": {**environment, "RAY_ADDRESS": f"127.0.0.1:{port + 1}"},
        "wrong token": {**environment, "RAY_ADDRESS": address, "RAY_AUTH_TOKEN": "0" * 40},
        "no token": {**without, "RAY_ADDRESS": address},
    }
    measured = {}
    for name, variables in cases.items():
        began = time.monotonic()
        words = compare(folder / "refused", 2, 1.0, "--backend", "ray", "--quiet")
        ended = subprocess.run(words, env=variables, capture_output=True, text=True, check=False)
        seconds = round(time.monotonic() - began, 1)
        sentence = json.loads(ended.stdout)["error"]["message"]
        program = f"{TRY}\ntry_it({variables['RAY_ADDRESS']!r})"
        alone = subprocess.run(
            [sys.executable, "-c", program],
            env=variables,
            capture_output=True,
            text=True,
            check=True,
        )
        measured[name] = {
            "exit_code": ended.returncode,
            "seconds": seconds,
            "seconds_of_the_attempt": round(float(alone.stdout), 1),
            "sentence": sentence,
        }
    return measured


def main() -> int:
    """Carry everything out; return 0 if the two matrices are equal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=20)
    parser.add_argument("--kimg", type=float, default=20.0)
    parser.add_argument("--port", type=int, default=6392)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="rn"))  # Ray's sockets need a short path
    environment = {**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(20)}
    environment |= {"OMP_NUM_THREADS": "1"}
    try:
        seen = lose_a_node(folder, arguments.cells, arguments.kimg, arguments.port, environment)
        seen["refusals"] = refusals(folder, arguments.port, environment)
    finally:
        below = [pid for raylet in raylets(folder / "ray") for pid in node_processes(raylet)]
        named = [pid for pid, (_, words) in processes().items() if str(folder / "ray/") in words]
        kill([*below, *named])
    began = time.monotonic()
    plain = compare(folder / "plain", arguments.cells, arguments.kimg, "-j", "1", "--quiet")
    subprocess.run(plain, env=environment, check=True, capture_output=True)
    seen["seconds_of_j_1"] = round(time.monotonic() - began, 1)
    expected, found = contents(folder / "plain"), seen.pop("contents")
    seen["equal"] = expected == found and len(found) == arguments.cells
    print(json.dumps(seen, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(seen, indent=2) + "\n")
    shutil.rmtree(folder, ignore_errors=True)
    return 0 if seen["equal"] else 1


if __name__ == "__main__":
    sys.exit(main())
