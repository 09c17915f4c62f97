# SPDX-License-Identifier: MIT
"""The cost of scheduling, and the gain of a second core.

    python benchmarks/compare_speed.py [--rounds 3] [--cells 16] [--kimg 100] [--json FILE]

Two measurements in turns, in the same process, so that a machine which slows down slows both:

- **-j 2 against -j 1**: the same matrix of small cells, one thread each, by ``ganbench compare``'s
  scheduler and local backend. The server that imports torch is started before the clock is.
- **the cost of scheduling**: the time of the matrix on ``-j 1`` minus the time of the same cells
  one after the other in one process by the same function, per cell. Both have imported everything.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from ganbench.data import open_dataset
from ganbench.harness.backends import LocalBackend
from ganbench.harness.matrix import Cell, plan_matrix
from ganbench.harness.run_cell import CellJob, run_cell
from ganbench.harness.run_metrics import wanted_metrics
from ganbench.harness.run_options import RunOptions
from ganbench.harness.scheduler import Scheduler
from ganbench.training.trainer import Schedule


def options(out: Path) -> RunOptions:
    """Return the options of a cell."""
    return RunOptions(out=out, device="cpu", threads=1, schedule=Schedule(evaluations=0))


def inline(cells: list[Cell], out: Path) -> float:
    """Carry out the cells in this process; return the seconds."""
    begun = time.perf_counter()
    for cell in cells:
        run_cell(CellJob(cell.config, cell.name, options(out)))
    return time.perf_counter() - begun


def scheduled(cells: list[Cell], out: Path, backend: LocalBackend) -> float:
    """Carry out the cells by the scheduler; return the seconds."""
    wanted = {"ring8": wanted_metrics(open_dataset("ring8"), None)}
    begun = time.perf_counter()
    Scheduler(cells, options(out), wanted).run(backend)
    return time.perf_counter() - begun


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cells", type=int, default=16)
    parser.add_argument("--kimg", type=float, default=100.0)
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    cells = plan_matrix(
        ["vanilla"], ["none"], ["ring8"], range(arguments.cells), settings={"kimg": arguments.kimg}
    )
    one_job, two_jobs = LocalBackend(1), LocalBackend(2)
    ratios, costs, seconds = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        inline(cells[:1], root / "warm")
        scheduled(cells[:2], root / "warm-two", two_jobs)
        for turn in range(arguments.rounds):
            alone = inline(cells, root / f"inline-{turn}")
            first = scheduled(cells, root / f"one-{turn}", one_job)
            second = scheduled(cells, root / f"two-{turn}", two_jobs)
            ratios.append(first / second)
            costs.append(1000 * (first - alone) / len(cells))
            seconds.append((alone, first, second))
            print(
                f"round {turn + 1}: in this process {alone:.2f} s, -j 1 {first:.2f} s, "
                f"-j 2 {second:.2f} s; ratio {ratios[-1]:.2f}, {costs[-1]:.0f} ms a cell"
            )
    print(
        f"{len(cells)} cells of {arguments.kimg:g} kimg: "
        f"-j 2 is {statistics.median(ratios):.2f} times as fast as -j 1 "
        f"({min(ratios):.2f} to {max(ratios):.2f}); scheduling costs "
        f"{statistics.median(costs):.0f} ms a cell ({min(costs):.0f} to {max(costs):.0f})"
    )
    if arguments.json:
        document = {"ratios": ratios, "milliseconds_a_cell": costs, "seconds": seconds}
        Path(arguments.json).write_text(json.dumps(document, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
