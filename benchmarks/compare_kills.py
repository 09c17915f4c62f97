# SPDX-License-Identifier: MIT
"""Does ``ganbench compare`` survive? Kills at random moments, a full disk, corrupt records.

    python benchmarks/compare_kills.py [--kills 200] [--minutes 60] [--seed 0] [--jobs 2]
                                       [--json FILE]

A small matrix is carried out once without disturbance. Then the same matrix is carried out in
another folder while, at random moments, one of its workers or the command itself gets SIGKILL;
now and then a record is corrupted, or the disk is full (simulated by a limit on the size of files,
so that no real disk is filled). Whenever the command is dead or has failed, it is issued again. A
finished matrix is begun again in another folder until all kills have been made.

In the end each folder must hold exactly the cells of the matrix, each once, and the values, the
weights and the pictures must equal those of the undisturbed run, byte for byte.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

MATRIX = [
    *("compare", "--model", "vanilla", "--tricks", "none,ema", "--dataset", "ring8"),
    *("--seeds", "0-2", "--kimg", "40", "--evaluations", "2", "--threads", "1", "--quiet"),
]
CELLS = 6
PATIENCE = 1800.0
SMALL = 60_000
"""Size in bytes that a file may have if the disk is full: less than a checkpoint."""


def command(out: Path, jobs: int) -> list[str]:
    """Return the command that carries the matrix out."""
    return [sys.executable, "-m", "ganbench", *MATRIX, "--out", str(out), "--jobs", str(jobs)]


def full_disk() -> None:
    """Let writing past a limit fail, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL, SMALL))


def workers(parent: int) -> list[int]:
    """Return the workers of a command: the processes below it that hold a lock."""
    pids = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError, IndexError, ValueError):
            opened = [os.readlink(link) for link in (entry / "fd").iterdir()]
            holds_lock = any(path.endswith("/.lock") for path in opened)
            if holds_lock and _descends(int(entry.name), parent):
                pids.append(int(entry.name))
    return pids


def _descends(pid: int, ancestor: int) -> bool:
    while pid > 1:
        if pid == ancestor:
            return True
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return False


def corrupt(out: Path, chance: random.Random) -> str:
    """Cut a random record of a random run short, or fill it with something else."""
    records = [
        path
        for name in ("result.json", "config.json", "checkpoint.safetensors")
        for path in out.glob(f"*/{name}")
    ]
    if not records:
        return ""
    path = chance.choice(sorted(records))
    data = path.read_bytes()
    path.write_bytes(chance.choice([data[: len(data) // 2], b"", b"\x00" * 64]))
    return f"{path.parent.name}/{path.name}"


def contents(out: Path) -> dict[str, tuple[object, ...]]:
    """Return the records of each cell, except times."""
    cells = {}
    for folder in sorted(path for path in out.iterdir() if path.is_dir()):
        result = json.loads((folder / "result.json").read_text())
        cells[folder.name] = (
            result["identity"],
            result["status"],
            json.dumps(result["metrics"], sort_keys=True),
            (folder / "generator.safetensors").read_bytes(),
            (folder / "samples" / "final.png").read_bytes(),
        )
    return cells


class Disturbance:
    """Kills, corrupts and fills the disk, and counts each."""

    def __init__(self, kills: int, seed: int, minutes: float) -> None:
        self.wanted = kills
        self.until = time.monotonic() + 60 * minutes
        self.chance = random.Random(seed)
        self.counts = {"workers": 0, "commands": 0, "corrupted": 0, "full disks": 0, "issued": 0}

    @property
    def kills(self) -> int:
        """The number of killed processes."""
        return self.counts["workers"] + self.counts["commands"]

    @property
    def going(self) -> bool:
        """Whether kills are left to make, and time for them."""
        return self.kills < self.wanted and time.monotonic() < self.until

    def carry_out(self, out: Path, jobs: int) -> None:
        """Issue the command until it succeeds, disturbing it until all kills are made."""
        deadline = time.monotonic() + PATIENCE
        while True:
            if time.monotonic() > deadline:
                raise SystemExit(f"The matrix in {out} was not finished in {PATIENCE:.0f} s.")
            full = self.going and self.chance.random() < 0.15
            self.counts["full disks"] += full
            self.counts["issued"] += 1
            prepare: Callable[[], None] | None = full_disk if full else None
            process = subprocess.Popen(
                command(out, jobs),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                preexec_fn=prepare,
            )
            self._disturb(process)
            if process.wait() == 0:
                return
            if self.going and self.chance.random() < 0.2:
                self.counts["corrupted"] += bool(corrupt(out, self.chance))

    def _disturb(self, process: subprocess.Popen[bytes]) -> None:
        """Kill workers, and sometimes the command, while it runs."""
        while process.poll() is None and self.going:
            try:
                process.wait(self.chance.uniform(0.05, 1.5))
                return
            except subprocess.TimeoutExpired:
                pass
            pids = workers(process.pid)
            if not pids:
                continue
            if self.chance.random() < 0.2:
                process.kill()
                self.counts["commands"] += 1
            else:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.chance.choice(pids), signal.SIGKILL)
                    self.counts["workers"] += 1


def main() -> int:
    """Disturb, compare, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=60.0, help="make no kill after this time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="kills-"))
    begun = time.monotonic()
    try:
        subprocess.run(command(root / "calm", options.jobs), check=True, capture_output=True)
        calm = contents(root / "calm")
        assert len(calm) == CELLS
        disturbance = Disturbance(options.kills, options.seed, options.minutes)
        rounds = differing = 0
        while disturbance.going:
            out = root / f"wild-{rounds}"
            disturbance.carry_out(out, options.jobs)
            wild = contents(out)
            differing += sum(wild.get(name) != calm[name] for name in calm)
            differing += len(set(wild) - set(calm))
            rounds += 1
            shutil.rmtree(out)
            print(f"{disturbance.kills} kills, {rounds} matrices, {differing} differences")
        facts = {
            "kills": disturbance.kills,
            **disturbance.counts,
            "matrices": rounds,
            "cells": rounds * CELLS,
            "differing": differing,
            "seconds": round(time.monotonic() - begun, 1),
        }
        print(", ".join(f"{key} {value}" for key, value in facts.items()))
        if options.json:
            Path(options.json).write_text(json.dumps(facts, indent=2) + "\n")
        return 1 if differing else 0
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    raise SystemExit(main())
