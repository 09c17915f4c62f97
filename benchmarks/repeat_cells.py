# SPDX-License-Identifier: MIT
"""Repeats some cells of a stored comparison from nothing, and compares every bit of the outcome.

    python benchmarks/repeat_cells.py RUNS [--share 0.1] [--seed 0] [--jobs 1] [--json FILE]

Of the finished runs below RUNS, a share is drawn at random, at least one. Each is trained again in
a process and a folder of its own, from its recorded configuration alone: with as many threads, on
the same kind of device, with the same metrics at the same points. These must be equal: all tensors
of the checkpoint (weights, optimizers, memory of tricks, random streams), all values of all
metrics during and after training, the status, and the last picture of samples. Seconds are left
out. The table has a row for each cell; the last line counts. It ends with code 1 if a cell differs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from ganbench.errors import GanbenchError
from ganbench.harness.run import Run
from ganbench.harness.run_options import RunOptions
from ganbench.harness.stored_run import plan_of_run
from ganbench.records.run_folder import RunFolder
from ganbench.runtime.execution import USUAL
from ganbench.training.trainer import Schedule, part_ended

TIMES = {"seconds", "images_per_second"}
"""What no two runs share; all else must be equal."""


@dataclass(frozen=True)
class Repeated:
    """A cell that was repeated. ``digest`` is of the tensors that were stored first."""

    cell: str
    status: str
    seconds: float
    digest: str
    differs: tuple[str, ...] = ()
    problem: str = ""

    @property
    def outcome(self) -> str:
        """What the comparison says."""
        if self.problem:
            return f"not repeated: {self.problem}"
        return f"DIFFERS in {', '.join(self.differs)}" if self.differs else "the same bits"


def finished_runs(root: Path) -> list[RunFolder]:
    """Return the finished runs below a folder that have their weights, in order of their names."""
    folders = sorted(path.parent for path in root.rglob("result.json"))
    runs = [RunFolder(folder) for folder in folders]
    return [run for run in runs if run.finished and run.checkpoint_file.is_file()]


def drawn(runs: list[RunFolder], share: float, seed: int) -> list[RunFolder]:
    """Return a share of the runs, drawn at random, in their order."""
    count = min(len(runs), max(1, math.ceil(share * len(runs))))
    chosen = random.Random(seed).sample(range(len(runs)), count)
    return [runs[index] for index in sorted(chosen)]


def digest(checkpoint: Path) -> str:
    """Return a digest of the names, types, shapes and bits of all tensors."""
    total = hashlib.sha256()
    for name, tensor in sorted(load_file(checkpoint).items()):
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        total.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()[:16]


def outcome(run: RunFolder) -> dict[str, Any]:
    """Return what must be equal, by what it is called in the table."""
    pictures = run.sample_grids()
    result = run.outcome()
    return {
        "weights": digest(run.checkpoint_file),
        "metrics": timeless(result["metrics"]),
        "metrics during training": timeless(run.measurements()),
        "statistics": timeless(run.stats()),
        "result": timeless({key: result.get(key) for key in ("status", "kimg", "parameters")}),
        "samples": hashlib.sha256(pictures[-1].read_bytes()).hexdigest() if pictures else "",
    }


def timeless(value: Any) -> Any:
    """Return JSON data without times, as text: NaN equals NaN then."""
    return json.dumps(_without_times(value), sort_keys=True)


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_times(inner) for key, inner in value.items() if key not in TIMES}
    return [_without_times(inner) for inner in value] if isinstance(value, list) else value


def repeat(path: Path) -> Repeated:
    """Train a run again in a temporary folder, and compare it with what is stored."""
    stored = RunFolder(path)
    began = time.perf_counter()
    expected = outcome(stored)
    status = str(stored.outcome()["status"])
    differs: tuple[str, ...] = ()
    problem = ""
    try:
        with tempfile.TemporaryDirectory() as folder:
            run = Run(plan_of_run(stored), options_of(stored, Path(folder)))
            run.execute()
            found = outcome(run.folder)
        differs = tuple(name for name, value in expected.items() if found[name] != value)
    except GanbenchError as error:
        problem = error.message
    seconds = time.perf_counter() - began
    return Repeated(path.name, status, round(seconds, 1), expected["weights"], differs, problem)


def options_of(stored: RunFolder, out: Path) -> RunOptions:
    """Return how the run was carried out, from its records."""
    options = stored.config()["options"]
    measured = stored.measurements()
    metrics = stored.outcome()["metrics"] or (measured[0]["metrics"] if measured else {})
    samples, split = measured_from(metrics)
    usual = {key: options[key] for key in asdict(USUAL) if key in options}
    return RunOptions(
        out=out,
        device=str(options["device"]).partition(":")[0],
        threads=options["threads"],
        metrics=tuple(metrics),
        samples=samples,
        real_split=split,
        schedule=Schedule(evaluations=planned_evaluations(stored)),
        execution=replace(USUAL, **usual),
    )


def measured_from(metrics: Mapping[str, Mapping[str, Any]]) -> tuple[int | None, str | None]:
    """Return how many samples were measured, and the split that they were compared with.

    Each is None where no protocol says it: then nothing depends on it.
    """
    parts = (part for record in metrics.values() for part in str(record["protocol"]).split("/"))
    said = dict(part.split("=", 1) for part in parts if part.startswith(("n_fake=", "split=")))
    return int(said["n_fake"]) if "n_fake" in said else None, said.get("split")


def planned_evaluations(stored: RunFolder) -> int:
    """Return the number of evaluations by which training paused where this run did.

    A run that diverged has fewer rows than were planned, and none of its end. So the number is the
    first one that gives the same rows at the ticks that are recorded.
    """
    target = math.ceil(round(1000 * stored.description().recipe.kimg, 6))
    ticks = [round(1000 * row["kimg"]) for row in stored.stats()]
    rows = [round(1000 * row["kimg"]) for row in stored.measurements()]
    paused = [seen for seen in rows if seen < target]
    for count in range(len(ticks) + 1):
        between = zip([0, *ticks], ticks, strict=False)
        due = [seen for before, seen in between if part_ended(before, seen, target, count)]
        if [seen for seen in due if seen < target] == paused:
            return count
    return len(rows)


def repeat_all(runs: list[RunFolder], jobs: int) -> Iterator[Repeated]:
    """Yield the runs as they are repeated, in their order, each in a fresh process."""
    context = get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, max_tasks_per_child=1) as pool:
        yield from pool.map(repeat, [run.path for run in runs])


def main() -> None:
    """Repeat cells and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runs", type=Path, help="folder of a stored comparison")
    parser.add_argument("--share", type=float, default=0.1, help="share of the cells, above 0")
    parser.add_argument("--seed", type=int, default=0, help="seed of the draw")
    parser.add_argument("--jobs", type=int, default=1, help="cells at a time")
    parser.add_argument("--json", type=Path, help="file for the rows as JSON")
    options = parser.parse_args()
    if not 0 < options.share <= 1:
        parser.error("--share is a number above 0 and at most 1.")
    runs = finished_runs(options.runs)
    if not runs:
        parser.error(f"No finished run with weights is below {options.runs}.")
    chosen = drawn(runs, options.share, options.seed)
    print("| cell | status | seconds | tensors | repeated |")
    print("| --- | --- | ---: | --- | --- |")
    rows = []
    for row in repeat_all(chosen, options.jobs):
        rows.append(row)
        cells = (row.cell, row.status, f"{row.seconds:.1f}", row.digest, row.outcome)
        print(f"| {' | '.join(cells)} |", flush=True)
    same = sum(not row.differs and not row.problem for row in rows)
    print(
        f"\n{same} of {len(rows)} cells gave the same bits; they were drawn from {len(runs)} "
        f"(share {options.share:g}, seed {options.seed})."
    )
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    sys.exit(0 if same == len(rows) else 1)


if __name__ == "__main__":
    main()
