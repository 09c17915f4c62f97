# SPDX-License-Identifier: MIT
"""Kills runs while they train, resumes them, and compares the end with that of an undisturbed run.

    python benchmarks/run_kills.py                                  # every model, in one process
    python benchmarks/run_kills.py --processes 2 --kills 3 dcgan+ema wgan-gp vanilla+ada+lecam

Each run makes 300 updates of the discriminator and saves after every tenth. It is killed (SIGKILL,
all its processes at once) after a random number of checkpoints, and resumed, several times. In
the end every tensor of its checkpoint must equal that of the run that was not killed, bit for bit,
and two drawings of samples must be equal. Models for pairs, sounds and texts train on made-up
ones, all others on scikit-learn's digits.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import socket
import sys
import tempfile
import time
import traceback
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from ganbench import registry
from ganbench.errors import ConfigError
from ganbench.harness.plan import RunPlan, plan, plan_of
from ganbench.harness.run import Run
from ganbench.harness.run_options import RunOptions
from ganbench.harness.stored_run import load_state
from ganbench.records.run_folder import RunFolder
from ganbench.sampling.draw import draw
from ganbench.training.trainer import Schedule, evaluating

UPDATES, TICKS = 300, 30
OWN_DATA = {"pix2pix": "pairs", "wavegan": "sounds", "gumbel-softmax-gan": "texts"}
BATCH = {"stylegan2": 8}
"""Batches that must hold more examples than the four of the others."""


def write_data(folder: Path) -> None:
    """Write pairs of images, sounds and texts."""
    generator = np.random.default_rng(0)
    images = (generator.random((200, 28, 28, 1)) * 255).astype("uint8")
    np.savez(folder / "pairs.npz", images=images, sources=images[:, ::-1])
    time_axis, speed, phase = np.arange(256), generator.random((200, 1, 1)), generator.random()
    sounds = np.sin(speed * time_axis + phase).astype("float32")
    np.savez(folder / "sounds.npz", sequences=sounds)
    np.savez(folder / "texts.npz", sequences=generator.integers(0, 8, (200, 8)))


def planned(words: str, folder: Path) -> RunPlan:
    """Return the plan of a model with tricks, as ``dcgan+ema`` names them."""
    model, _, tricks = words.partition("+")
    data = str(folder / f"{OWN_DATA[model]}.npz") if model in OWN_DATA else "digits"
    batch = BATCH.get(model, 4)
    settings = {"kimg": UPDATES * batch / 1000, "batch_size": batch, "discriminator_steps": 1}
    return plan(model, data, tricks=tricks.split("+") if tricks else [], settings=settings)


def start(run_plan: RunPlan, folder: Path, processes: int) -> list[int]:
    """Begin or continue a run in processes that are forked from this one; return their ids."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    schedule = Schedule(ticks=TICKS, snapshots=1, evaluations=0, checkpoint_seconds=0.0)
    options = RunOptions(out=folder, resume=True, metrics=(), threads=1, schedule=schedule)
    identities = []
    for rank in range(processes):
        identity = os.fork()
        if identity:
            identities.append(identity)
            continue
        try:
            if processes > 1:
                place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": processes}
                os.environ.update({name: str(number) for name, number in place.items()})
                os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
            Run(run_plan, options).execute()
        except ConfigError as error:
            print(error, file=sys.stderr)
            os._exit(2)
        except BaseException:  # noqa: BLE001 - a fork must never return
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return identities


def ended(identities: list[int]) -> list[int]:
    """Wait for processes; return how they ended, as ``os.waitstatus_to_exitcode`` says."""
    return [os.waitstatus_to_exitcode(os.waitpid(identity, 0)[1]) for identity in identities]


def kill_midway(identities: list[int], folder: Path, chance: random.Random) -> bool:
    """Kill processes after some checkpoints; return whether they were still at work."""
    seen, wanted = set(), chance.randint(3, 9)
    while len(seen) < wanted and not any(folder.glob("*/result.json")):
        for file in folder.glob("*/checkpoint.safetensors"):
            seen.add(file.stat().st_mtime_ns)
        time.sleep(0.001)
    for identity in identities:
        os.kill(identity, signal.SIGKILL)
    return ended(identities) == [-signal.SIGKILL] * len(identities)


def outcome(run_plan: RunPlan, folder: Path, kills: int, processes: int) -> str:
    """Train a run whole and in pieces; return what the comparison found."""
    chance = random.Random(3)
    whole, pieces = folder / "whole", folder / "pieces"
    codes = ended(start(run_plan, whole, processes))
    if set(codes) != {0}:
        return "refused" if set(codes) == {2} else "FAILED"
    killed = sum(
        kill_midway(start(run_plan, pieces, processes), pieces, chance) for _ in range(kills)
    )
    if set(ended(start(run_plan, pieces, processes))) != {0}:
        return "FAILED when it was resumed"
    files = [next(part.glob("*/checkpoint.safetensors")) for part in (whole, pieces)]
    first, second = map(load_file, files)
    equal = first.keys() == second.keys() and all(map(torch.equal, first.values(), second.values()))
    stored = RunFolder(files[1].parent)
    drawn = []
    for _ in range(2):
        state = load_state(plan_of(stored.description()), stored, torch.device("cpu"))
        with evaluating(state):
            drawn.append(draw(state, 20, seed=1).samples)
    alike = torch.equal(*drawn)
    verdict = "equal" if equal and alike else "DIFFERENT"
    return f"{UPDATES} updates, {killed} kills, {len(first)} tensors and 20 samples: {verdict}"


def main() -> int:
    """Measure and print; the exit code is 1 if anything differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("models", nargs="*", metavar="MODEL[+TRICK...]")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--kills", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    failures = 0
    with tempfile.TemporaryDirectory() as root:
        write_data(Path(root))
        for words in arguments.models or registry.models.names():
            folder = Path(root) / words
            begun = time.perf_counter()
            found = outcome(
                planned(words, Path(root)), folder, arguments.kills, arguments.processes
            )
            print(f"{words}: {found} ({time.perf_counter() - begun:.0f} s)", flush=True)
            failures += not (found.endswith(": equal") or found == "refused")
    return int(failures > 0)


if __name__ == "__main__":
    raise SystemExit(main())
