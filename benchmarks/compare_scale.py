# SPDX-License-Identifier: MIT
"""How long planning, reading and reporting take for ten thousand runs, without their training.

Writes made-up run folders into a temporary folder, and measures on them: ten models with ten sets
of tricks, a hundred seeds each. The folders have as many files of the same size as real ones (a
hundred rows of stats.jsonl, five of metrics.jsonl, seven pictures). Texts and pictures that runs
can share are hard links.

    python benchmarks/compare_scale.py
    python benchmarks/compare_scale.py --models 2 --tricks 5 --seeds 10 --keep /tmp/runs
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from ganbench.config import Recipe, RunConfig, TrickConfig, adam
from ganbench.data import open_dataset
from ganbench.harness.matrix import Cell, plan_matrix
from ganbench.harness.run_metrics import wanted_metrics
from ganbench.harness.run_options import RunOptions
from ganbench.harness.scheduler import Scheduler
from ganbench.records.load import load_runs
from ganbench.report.write import write_report

KINDS = 16
"""The number of different training curves and pictures."""

METRICS = {"fid@mnist-cnn": "lower", "is@mnist-cnn": "higher", "reverse-kl": "lower"}
ENVIRONMENT = {
    "schema": 1,
    "python": "3.11.7",
    "system": "Linux",
    "processor": "Example CPU",
    "threads": 1,
    "device": "cpu",
    "packages": {"torch": "2.14.1", "numpy": "2.4.6", "ganbench": "0.1.0"},
    "variables": {},
    "checkout": {"commit": "0" * 40, "dirty": False},
}


def measured(name: str, value: float) -> dict[str, object]:
    """Return a measurement of the size of real ones."""
    return {
        "value": value,
        "low": 0.97 * value,
        "high": 1.03 * value,
        "n": 5000,
        "floor": 0.1,
        "bias": 0.01,
        "protocol": f"{name}/v1:f37103be/28px-bilinear/made-up:v1/n_real=4000/n_fake=5000",
        "better": METRICS[name],
        "unit": "",
        "note": "95 % interval for the expectation at this n, from a jackknife over the fakes",
        "warning": "",
        "sampler": "plain",
    }


def statistics_of(kind: int) -> str:
    """Return a hundred rows of losses and logits."""
    random = np.random.default_rng(kind)
    names = ("loss/discriminator/adversarial", "loss/generator/adversarial", "logits/real")
    rows = []
    for tick in range(1, 101):
        row = {"kimg": 0.4 * tick, "seconds": 1.1 * tick, "images_per_second": 363.0}
        rows.append(row | {name: random.normal(1, 0.2) for name in (*names, "logits/fake")})
    return "".join(json.dumps(row) + "\n" for row in rows)


def picture(kind: int) -> bytes:
    """Return a sample grid of 8 x 8 blobs."""
    random = np.random.default_rng(kind)
    y, x = np.mgrid[0:32, 0:32] - 16.0
    tiles = [np.exp(-((np.hypot(x, y) - random.uniform(4, 12)) ** 2) / 8) for _ in range(64)]
    noise = random.normal(0, 6, (256, 256))
    grid = np.vstack([np.hstack(tiles[8 * line : 8 * line + 8]) for line in range(8)]) * 235 + 10
    buffer = io.BytesIO()
    Image.fromarray(np.clip(grid + noise, 0, 255).astype(np.uint8)).save(buffer, format="PNG")
    return buffer.getvalue()


def write_shared(folder: Path) -> None:
    """Write the files that runs share."""
    folder.mkdir(parents=True)
    for kind in range(KINDS):
        (folder / f"{kind}.jsonl").write_text(statistics_of(kind))
        (folder / f"{kind}.png").write_bytes(picture(kind))
    (folder / "env.json").write_text(json.dumps(ENVIRONMENT, indent=2))


def write_run(root: Path, shared: Path, model: int, trick: int, seed: int, number: int) -> None:
    """Write one run; trick k makes its FID better by about k - 4 percent."""
    tricks = (TrickConfig(name=f"trick-{trick}", parameters={"weight": 1.0}),) if trick else ()
    config = RunConfig(
        model=f"model-{model}",
        dataset="made-up",
        loss="non-saturating",
        tricks=tricks,
        recipe=Recipe(kimg=40, generator_optimizer=adam(2e-4, (0.5, 0.999))),
        seed=seed,
        model_source="0123456789abcdef",
        dataset_version="1",
    )
    identity = config.identity
    folder = root / f"model-{model}-{trick}-seed{seed}-{identity[:8]}"
    (folder / "samples").mkdir(parents=True)
    document = {"schema": 1, "identity": identity, "config": config.model_dump(mode="json")}
    (folder / "config.json").write_text(json.dumps(document, indent=2))
    kind = number % KINDS
    os.link(shared / "env.json", folder / "env.json")
    os.link(shared / f"{kind}.jsonl", folder / "stats.jsonl")
    for step in ("05", "10", "20", "25", "30", "35"):
        os.link(shared / f"{kind}.png", folder / "samples" / f"kimg0000{step}.0.png")
    os.link(shared / f"{kind}.png", folder / "samples" / "final.png")
    own, common = np.random.default_rng([number, 1]), np.random.default_rng([model, seed])
    level = (10 + model + common.normal(0, 0.5)) * (1 - (trick - 4) / 100 * (trick > 0))
    rows, metrics = [], {}
    for part in (0.2, 0.4, 0.6, 0.8, 1.0):
        value = level * (1 + 20 * np.exp(-6 * part)) + own.normal(0, 0.3)
        metrics = {name: measured(name, float(value)) for name in METRICS}
        rows.append({"kimg": 40 * part, "seconds": 110 * part, "metrics": metrics})
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    status = "diverged" if own.random() < 0.02 else "done"
    result = {
        "schema": 1,
        "status": status,
        "identity": identity,
        "model": config.model,
        "dataset": config.dataset,
        "seed": seed,
        "kimg": 40.0,
        "seconds": 110.0,
        "images_per_second": 363.0,
        "device": "cpu",
        "precision": "fp32",
        "parameters": {"generator": 759681, "discriminator": 138689},
        "metrics": metrics if status == "done" else {},
    }
    (folder / "result.json").write_text(json.dumps(result, indent=2))


def timed(name: str, work: Callable[[], object]) -> None:
    """Print how long some work takes."""
    start = time.perf_counter()
    work()
    print(f"{name:<12} {time.perf_counter() - start:7.2f} s", flush=True)


TRICKS = (
    *("none", "ema", "instance-noise", "label-smoothing", "lookahead"),
    *("r1", "r2", "pacgan", "spectral-norm", "optimistic-adam"),
)


def plan(seeds: int) -> list[Cell]:
    """Plan a matrix of real models: two models, ten tricks, five learning rates, some seeds."""
    rates = [1e-4, 2e-4, 5e-4, 1e-3, 2e-3]
    return plan_matrix(
        ["vanilla", "wgan-gp"],
        TRICKS,
        ["ring8"],
        range(seeds),
        settings={"kimg": 1},
        vary={"learning_rate": rates},
    )


def store(cells: list[Cell], out: Path) -> None:
    """Write a result for each cell, like that of a finished run."""
    wanted = wanted_metrics(open_dataset("ring8"), None)
    for cell in cells:
        folder = out / cell.name
        folder.mkdir(parents=True)
        result = {
            "schema": 1,
            "status": "done",
            "identity": cell.identity,
            "model": cell.arm.model,
            "dataset": "ring8",
            "seed": cell.seed,
            "kimg": 1.0,
            "seconds": 3.0,
            "images_per_second": 363.0,
            "device": "cpu",
            "precision": "fp32",
            "parameters": {"generator": 33794, "discriminator": 33537},
            "metrics": {
                request.name: {**measured("reverse-kl", 1.0), "protocol": request.protocol}
                for request in wanted.requests
            },
        }
        (folder / "result.json").write_text(json.dumps(result, indent=2))


def plan_and_look_up(out: Path, seeds: int) -> None:
    """Plan the matrix and find all cells stored, like a repeated ``ganbench compare``."""
    wanted = {"ring8": wanted_metrics(open_dataset("ring8"), None)}
    scheduler = Scheduler(plan(seeds), RunOptions(out=out), wanted)
    if scheduler.pending:
        raise SystemExit(f"{len(scheduler.pending)} cells were not found.")


def measure(root: Path, models: int, tricks: int, seeds: int) -> None:
    """Write the runs, then time the work of ganbench on them."""

    def write() -> None:
        write_shared(root / "shared")
        axes = itertools.product(range(models), range(tricks), range(seeds))
        for number, (model, trick, seed) in enumerate(axes):
            write_run(root / "runs", root / "shared", model, trick, seed, number)

    print(f"{models * tricks * seeds:,} runs")
    if not (root / "runs").is_dir():
        timed("writing", write)
    runs = load_runs([root / "runs"], curves=False)  # the first reading fills the system's cache
    timed("reading", lambda: load_runs([root / "runs"], curves=False))
    timed("reporting", lambda: write_report(runs, root / "report", title="Many runs"))
    if not (root / "planned").is_dir():
        store(plan(seeds), root / "planned")
    plan_and_look_up(root / "planned", seeds)
    timed("planning", lambda: plan_and_look_up(root / "planned", seeds))
    page = root / "report" / "index.html"
    print(f"{'page':<12} {page.stat().st_size / 1e6:7.2f} MB")


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", type=int, default=10)
    parser.add_argument("--tricks", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--keep", type=Path, help="a folder to keep the runs in")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = options.keep or Path(temporary)
        measure(root, options.models, options.tricks, options.seeds)


if __name__ == "__main__":
    main()
