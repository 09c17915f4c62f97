# SPDX-License-Identifier: MIT
"""How fast commands are while other processes want the same cores.

    python benchmarks/busy_machine.py [--rounds 3] [--neighbors 0,1,2] [--only run,eval]

Whole commands take turns: on a machine that is otherwise idle, then next to one busy process, then
next to two. The fair share of a command is the speed it has alone, times the share of the cores
that an even division among all processes gives it: p / (n + p) for p of its own and n busy ones.
``of its fair share`` is its speed over that. ``threads`` is what the command chose.

The machine must be idle when this begins.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ganbench.runtime.cores import free_cores, usable_cores

COMMANDS = {
    "run": "run -m vanilla --kimg 60 --evaluations 0 --metrics fid@mnist-cnn",
    "run-points": "run -m vanilla -d ring8 --kimg 200 --evaluations 0",
    "compare": "compare -m vanilla -d ring8 --seeds 0-3 --kimg 60 -j 2",
    "eval": "eval mnist5k:test --real mnist5k --metrics fid@pixels,kid@mnist-cnn,recall@mnist-cnn",
}
PROCESSES = {"compare": 2}
BUSY = "while True: pass"


@contextlib.contextmanager
def neighbors(count: int) -> Iterator[None]:
    """Keep some processes busy."""
    processes = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    time.sleep(1.0)
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def carried_out(words: str, folder: Path) -> tuple[float, float, set[int]]:
    """Carry out a command; return its seconds, its processor seconds, and its threads."""
    command = [sys.executable, "-m", "ganbench", *words.split(), "-o", str(folder), "--quiet"]
    environment = {name: text for name, text in os.environ.items() if "_THREADS" not in name}
    before = os.times()
    begun = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    seconds = time.perf_counter() - begun
    after = os.times()
    computed = sum(after[2:4]) - sum(before[2:4])
    records = folder.rglob("config.json")
    threads = {json.loads(file.read_text())["options"]["threads"] for file in records}
    return seconds, computed, threads


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--neighbors", default="0,1,2")
    parser.add_argument("--only", default=",".join(COMMANDS))
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    cores = usable_cores()
    if (free := free_cores(1.0)) < cores - 0.3:
        raise SystemExit(f"Only {free:.1f} of {cores} cores are free.")
    counts = [int(count) for count in arguments.neighbors.split(",")]
    times: dict[tuple[str, int], list[float]] = {}
    with tempfile.TemporaryDirectory() as root:
        for number in range(arguments.rounds):
            for count in counts:
                for name in arguments.only.split(","):
                    with neighbors(count):
                        folder = Path(root) / f"{name}-{count}-{number}"
                        seconds, computed, threads = carried_out(COMMANDS[name], folder)
                    times.setdefault((name, count), []).append(seconds)
                    print(
                        f"round {number + 1}, {count} neighbors, {name:<10} {seconds:6.1f} s, "
                        f"{computed:6.1f} s of processor time, threads {threads or ''}",
                        flush=True,
                    )
    for (name, count), seconds_taken in times.items():
        processes = PROCESSES.get(name, 1)
        share = processes / (count + processes)
        alone = times[name, 0]
        of_fair = [quiet / taken / share for quiet, taken in zip(alone, seconds_taken, strict=True)]
        print(
            f"{name:<10} {count} neighbors: {statistics.median(seconds_taken):6.1f} s, "
            f"{statistics.median(of_fair):.2f} of its fair share "
            f"({min(of_fair):.2f} to {max(of_fair):.2f})"
        )
    if arguments.json:
        document = {f"{name}/{count}": taken for (name, count), taken in times.items()}
        Path(arguments.json).write_text(json.dumps(document, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
