# SPDX-License-Identifier: MIT
"""Repeats some cells of a stored comparison from nothing, and compares every bit of the outcome.

    python benchmarks/repeat_cells.py RUNS [--share 0.1] [--seed 0] [--jobs 1] [--json FILE]

RUNS is a folder of runs, or a report, whose records are enough. Of the finished runs below it, a
share is drawn at random, at least one. Each is trained again in a process and a folder of its own,
from its recorded configuration alone: with as many threads, on the same kind of device, with the
same metrics at the same points. These must be equal: all values of all metrics during and after
training, the losses, what went wrong, and the status; and where the run's folder is at hand, all
tensors of the checkpoint (weights, optimizers, memory of tricks, random streams) and the last
picture of samples. Seconds are left out. A report has thinned curves of the runs that it draws,
and of its other runs only what they ended with; as much as it has is compared. The table has a
row for each cell; the last line counts. It ends with code 1 if a cell differs, and says then what
else is different: the code, the processor, PyTorch.
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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from ganbench.config import RunConfig, validate
from ganbench.errors import GanbenchError
from ganbench.harness.changed_sources import changed_code
from ganbench.harness.plan import RunPlan, plan_of
from ganbench.harness.run import Run
from ganbench.harness.run_options import RunOptions
from ganbench.harness.stored_run import plan_of_run
from ganbench.records.archive import MOST_POINTS, condense, is_archive
from ganbench.records.json_values import as_mapping
from ganbench.records.load import load_runs
from ganbench.records.read_run import read_run
from ganbench.records.run_folder import RunFolder
from ganbench.records.run_record import RunRecord
from ganbench.runtime.execution import USUAL, Execution
from ganbench.training.trainer import Schedule, part_ended

TIMES = {"seconds", "images_per_second"}
"""What no two runs share; all else must be equal."""


@dataclass(frozen=True)
class Repeated:
    """A cell that was repeated.

    ``digest`` is of what was stored first. ``changed`` says of a cell that differs what else does:
    the code, the machine.
    """

    cell: str
    status: str
    seconds: float
    digest: str
    differs: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    problem: str = ""

    @property
    def outcome(self) -> str:
        """What the comparison says."""
        if self.problem:
            return f"not repeated: {self.problem}"
        if self.differs:
            return "; ".join((f"DIFFERS in {', '.join(self.differs)}", *self.changed))
        return "the same bits"


@dataclass(frozen=True)
class CellInFolder:
    """A cell whose folder is at hand, with its weights."""

    folder: RunFolder

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.folder.path.name

    @property
    def status(self) -> str:
        """How it ended."""
        return str(self.folder.outcome()["status"])

    @property
    def environment(self) -> Mapping[str, Any]:
        """What it was carried out on."""
        return self.folder.environment()

    def plan(self) -> RunPlan:
        """Return its plan."""
        return plan_of_run(self.folder)

    def options(self, out: Path) -> RunOptions:
        """Return how it was carried out, from its records."""
        options = self.folder.config()["options"]
        measured = self.folder.measurements()
        metrics = self.folder.outcome()["metrics"] or (measured[0]["metrics"] if measured else {})
        protocols = [str(record["protocol"]) for record in metrics.values()]
        usual = {key: options[key] for key in asdict(USUAL) if key in options}
        return repeating_options(
            out,
            device=options["device"],
            threads=options["threads"],
            metrics=metrics,
            protocols=protocols,
            evaluations=planned_evaluations(self.folder),
            execution=replace(USUAL, **usual),
        )

    def outcome(self) -> dict[str, Any]:
        """Return all that is stored."""
        return self.outcome_of(self.folder)

    def outcome_of(self, repeated: RunFolder) -> dict[str, Any]:
        """Return all that is stored of a run."""
        pictures = repeated.sample_grids()
        result = repeated.outcome()
        return {
            "weights": digest(repeated.checkpoint_file),
            "metrics": timeless(result["metrics"]),
            "metrics during training": timeless(repeated.measurements()),
            "statistics": timeless(repeated.stats()),
            "result": timeless({key: result.get(key) for key in ("status", "kimg", "parameters")}),
            "samples": hashlib.sha256(pictures[-1].read_bytes()).hexdigest() if pictures else "",
        }


@dataclass(frozen=True)
class CellInReport:
    """A cell of which a report has the records."""

    record: RunRecord

    @property
    def name(self) -> str:
        """The name of the folder that it had."""
        return self.record.name

    @property
    def status(self) -> str:
        """How it ended."""
        return self.record.status

    @property
    def environment(self) -> Mapping[str, Any]:
        """What it was carried out on."""
        return self.record.environment

    def plan(self) -> RunPlan:
        """Return its plan."""
        return plan_of(validate(RunConfig, dict(self.record.config)))

    def options(self, out: Path) -> RunOptions:
        """Return how it was carried out, from its records."""
        curves = self.record.curves
        return repeating_options(
            out,
            device=self.record.device,
            threads=self.record.threads,
            metrics=list(self.record.metrics) or list({curve.name: None for curve in curves}),
            protocols=[each.protocol for each in (*self.record.metrics.values(), *curves)],
            evaluations=recorded_evaluations(self.record),
        )

    def outcome(self) -> dict[str, Any]:
        """Return all that is recorded."""
        return self._recorded_of(self.record)

    def outcome_of(self, repeated: RunFolder) -> dict[str, Any]:
        """Return as much as the report records."""
        return self._recorded_of(read_run(repeated))

    def _recorded_of(self, run: RunRecord) -> dict[str, Any]:
        """Return how a run ended, and of how it got there what the report has of the cell."""
        thin = condense(run)
        outcome = {
            "metrics": {name: each.record() for name, each in run.metrics.items()},
            "result": [run.status, run.kimg, run.parameters],
        }
        if self.record.curves:
            outcome["metrics during training"] = [curve.record() for curve in thin.curves]
            outcome |= {"best evaluation": thin.best, "health": thin.health}
        if self.record.losses:
            outcome["losses"] = [curve.record() for curve in thin.losses]
        return {name: timeless(value) for name, value in outcome.items()}


StoredCell = CellInFolder | CellInReport
"""A finished run of which enough is stored to repeat it."""


def stored_cells(root: Path) -> list[StoredCell]:
    """Return the finished runs below a folder in order of their names.

    Folders that have their weights go before the records of a report that lies among them.
    """
    folders = sorted(path.parent for path in root.rglob("result.json"))
    runs = [RunFolder(folder) for folder in folders]
    whole = [run for run in runs if run.finished and run.checkpoint_file.is_file()]
    if whole or not is_archive(root):
        return [CellInFolder(run) for run in whole]
    records = sorted(load_runs([root]), key=lambda run: run.name)
    return [CellInReport(record) for record in records if record.counted]


def drawn(cells: list[StoredCell], share: float, seed: int) -> list[StoredCell]:
    """Return a share of the cells, drawn at random, in their order."""
    count = min(len(cells), max(1, math.ceil(share * len(cells))))
    chosen = random.Random(seed).sample(range(len(cells)), count)
    return [cells[index] for index in sorted(chosen)]


def digest(checkpoint: Path) -> str:
    """Return a digest of the names, types, shapes and bits of all tensors."""
    total = hashlib.sha256()
    for name, tensor in sorted(load_file(checkpoint).items()):
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        total.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()[:16]


def timeless(value: Any) -> Any:
    """Return JSON data without times, as text: NaN equals NaN then."""
    return json.dumps(_without_times(value), sort_keys=True)


def _without_times(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_times(inner) for key, inner in value.items() if key not in TIMES}
    return list(map(_without_times, value)) if isinstance(value, list | tuple) else value


def repeat(cell: StoredCell) -> Repeated:
    """Train a cell again in a temporary folder, and compare it with what is stored."""
    began = time.perf_counter()
    expected = cell.outcome()
    differs: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    problem = ""
    try:
        with tempfile.TemporaryDirectory() as folder:
            run = Run(cell.plan(), cell.options(Path(folder)))
            run.execute()
            found = cell.outcome_of(run.folder)
            differs = tuple(name for name, value in expected.items() if found[name] != value)
            if differs:
                machine = changed_machine(cell.environment, run.folder.environment())
                changed = (*changed_code(run.plan, run.folder), *machine)
    except GanbenchError as error:
        problem = error.message
    seconds = time.perf_counter() - began
    first = expected.get("weights") or hashlib.sha256(timeless(expected).encode()).hexdigest()[:16]
    return Repeated(cell.name, cell.status, round(seconds, 1), first, differs, changed, problem)


def changed_machine(stored: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Say what sums of floating-point numbers depend on, and is not as it was."""
    said = {
        "processor": lambda environment: environment.get("processor"),
        "PyTorch": lambda environment: as_mapping(environment.get("packages")).get("torch"),
        "instructions": lambda environment: as_mapping(environment.get("torch")).get(
            "cpu_capability"
        ),
    }
    return [
        f"{what} then {read(stored)}, now {read(here)}"
        for what, read in said.items()
        if read(stored) != read(here)
    ]


def repeating_options(
    out: Path,
    *,
    device: str,
    threads: int | None,
    metrics: Iterable[str],
    protocols: Sequence[str],
    evaluations: int,
    execution: Execution = USUAL,
) -> RunOptions:
    """Return options by which a run is measured as often, on as many samples, as one before."""
    samples, split = measured_from(protocols)
    return RunOptions(
        out=out,
        device=str(device).partition(":")[0],
        threads=threads,
        metrics=tuple(metrics),
        samples=samples,
        real_split=split,
        schedule=Schedule(evaluations=evaluations),
        execution=execution,
    )


def measured_from(protocols: Sequence[str]) -> tuple[int | None, str | None]:
    """Return how many samples were measured, and the split that they were compared with.

    Each is None where no protocol says it: then nothing depends on it.
    """
    parts = (part for protocol in protocols for part in protocol.split("/"))
    said = dict(part.split("=", 1) for part in parts if part.startswith(("n_fake=", "split=")))
    return int(said["n_fake"]) if "n_fake" in said else None, said.get("split")


def recorded_evaluations(record: RunRecord) -> int:
    """Return the number of evaluations of a run of which only curves are recorded.

    An evaluation takes place at the first tick after its part of training has ended. So a run
    that reached its end had as many as its curves have points, unless these are thinned; of
    another run, the first point says how long a part was.
    """
    measured = sorted({kimg for curve in record.curves for kimg in curve.kimg})
    planned = validate(RunConfig, dict(record.config)).recipe.kimg
    if not measured:
        return 0
    if measured[-1] >= planned and len(measured) < MOST_POINTS:
        return len(measured)
    return round(planned / measured[0])


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


def repeat_all(cells: list[StoredCell], jobs: int) -> Iterator[Repeated]:
    """Yield the cells as they are repeated, in their order, each in a fresh process."""
    context = get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, max_tasks_per_child=1) as pool:
        yield from pool.map(repeat, cells)


def main() -> None:
    """Repeat cells and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runs", type=Path, help="folder of a stored comparison, or its report")
    parser.add_argument("--share", type=float, default=0.1, help="share of the cells, above 0")
    parser.add_argument("--seed", type=int, default=0, help="seed of the draw")
    parser.add_argument("--jobs", type=int, default=1, help="cells at a time")
    parser.add_argument("--json", type=Path, help="file for the rows as JSON")
    options = parser.parse_args()
    if not 0 < options.share <= 1:
        parser.error("--share is a number above 0 and at most 1.")
    cells = stored_cells(options.runs)
    if not cells:
        parser.error(f"{options.runs} has no finished run with weights, and no report's records.")
    chosen = drawn(cells, options.share, options.seed)
    print("| cell | status | seconds | digest | repeated |")
    print("| --- | --- | ---: | --- | --- |")
    rows = []
    for row in repeat_all(chosen, options.jobs):
        rows.append(row)
        shown = (row.cell, row.status, f"{row.seconds:.1f}", row.digest, row.outcome)
        print(f"| {' | '.join(shown)} |", flush=True)
    same = sum(not row.differs and not row.problem for row in rows)
    print(
        f"\n{same} of {len(rows)} cells gave the same bits; they were drawn from {len(cells)} "
        f"(share {options.share:g}, seed {options.seed})."
    )
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    sys.exit(0 if same == len(rows) else 1)


if __name__ == "__main__":
    main()
