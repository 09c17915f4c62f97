# SPDX-License-Identifier: MIT
"""What each set of tricks of a suite costs in time and memory, as a table in Markdown.

    python benchmarks/trick_costs.py atlas-toys [--dataset ring8] [--rounds 5] [--seconds 0.6]
        [--json FILE]

Every set of a suite with one model and no varied settings is trained with the suite's settings, on
its threads, in turns with the model alone: five at a time and the model with each five, in
processes of their own and in an order that rotates. So a machine that slows down slows both.

- *training*: the time for a real image, as a multiple of that of the model alone, the median over
  rounds of the ratio within a round. It is that of the first seconds of a training, on all data;
- *sampling*: the time for a sample, the same way, in stretches that each begin with a new sampler:
  what it does once before its first sample counts;
- *memory*: by how many MiB the peak of resident memory is higher after the first turn of training,
  before which two single samples were drawn. It is read once.

``--json`` keeps every round; it is written after each five sets.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ganbench.errors import ConfigError, GanbenchError
from ganbench.harness.matrix import Cell
from ganbench.harness.suite import Suite, SuiteFile, find_suite
from ganbench.records.environment import describe_environment
from ganbench.speed.bench import BenchProcess, CaseFailedError, Workload

TOGETHER = 5
"""How many sets take turns with the model alone; each holds a process with torch in it."""
PLAIN = "none"
"""The set of tricks that holds none."""
HEADER = (
    "| tricks | training, times | slowest and fastest round | sampling, times | memory, MiB |\n"
    "| --- | ---: | ---: | ---: | ---: |"
)


@dataclass
class Costs:
    """The figures of a set of tricks; lists have a value for each round."""

    tricks: str
    training: list[float] = field(default_factory=list)
    """The time of a real image over that of the model alone."""
    sampling: list[float] = field(default_factory=list)
    """The time of a sample over that of the model alone."""
    memory: float | None = None
    """MiB more than the model alone; None if it was not read."""
    problem: str = ""

    @property
    def row(self) -> str:
        """The costs as a row of the table."""
        if self.problem or self.memory is None:
            reason = self.problem.replace("|", "/")
            return f"| `{self.tricks}` | {reason} | | | |"
        lowest, highest = min(self.training), max(self.training)
        figures = [
            factor(statistics.median(self.training)),
            f"{factor(highest)}, {factor(lowest)}",
            factor(statistics.median(self.sampling)),
            f"{round(self.memory):+,}",
        ]
        return f"| `{self.tricks}` | {' | '.join(figures)} |"


def factor(value: float) -> str:
    """Return a ratio with as many digits as its noise allows."""
    return f"{value:,.2f}" if value < 10 else f"{value:,.0f}"


class TrickProcess:
    """A set of tricks in a process of its own; ``rates`` are those of its last turn.

    They are in real images and samples per second, ``growth`` is the peak of memory in MiB.
    """

    def __init__(self, cell: Cell, threads: int) -> None:
        self.costs = Costs(cell.arm.tricks)
        self.rates = (0.0, 0.0)
        self.growth: float | None = None
        self.process = BenchProcess(Workload(cell.config, (), "cpu", threads))

    def ready(self, seconds: float) -> None:
        """Build the networks, and warm up."""
        try:
            self.process.ask("start")
            self.process.ask("warm_up", seconds / 2)
        except CaseFailedError as error:
            self.costs.problem = str(error)

    def turn(self, seconds: float) -> None:
        """Train and sample for a while."""
        if self.costs.problem:
            return
        try:
            training = self.process.ask("train", seconds)
            if self.growth is None:
                self.growth = self.process.ask("memory")["growth"]
            self.rates = (training, self.process.ask("sample", seconds / 2))
        except CaseFailedError as error:
            self.costs.problem = str(error)


def measure(cells: Sequence[Cell], threads: int, rounds: int, seconds: float) -> list[Costs]:
    """Measure sets of tricks that take turns with the model alone, which comes first."""
    processes: list[TrickProcess] = []
    try:
        for cell in cells:
            processes.append(TrickProcess(cell, threads))
            processes[-1].ready(seconds)
            require_plain(processes[0])
        plain, *others = processes
        for number in range(rounds):
            for place in range(len(processes)):
                processes[(place + number) % len(processes)].turn(seconds)
            require_plain(plain)
            for other in others:
                if not other.costs.problem:
                    other.costs.training.append(plain.rates[0] / other.rates[0])
                    other.costs.sampling.append(plain.rates[1] / other.rates[1])
        for other in others:
            if other.growth is not None and plain.growth is not None:
                other.costs.memory = other.growth - plain.growth
        return [other.costs for other in others]
    finally:
        for each in processes:
            each.process.close()


def require_plain(plain: TrickProcess) -> None:
    """End with a sentence if the model alone has failed, without which nothing can be compared."""
    if plain.costs.problem:
        raise SystemExit(f"The model alone: {plain.costs.problem}")


def read_suite(name: str, dataset: str | None) -> tuple[Suite, list[Cell]]:
    """Return a suite on one dataset, and a cell of each set of tricks, that of none first.

    Raises:
        GanbenchError: There is no such suite or dataset, or it has several models or settings.
    """
    file = SuiteFile(find_suite(name))
    suite = file.read()
    if len(suite.models) > 1 or suite.vary or PLAIN not in suite.tricks:
        raise ConfigError(f"{name} must have one model, no [vary], and '{PLAIN}' among its tricks.")
    chosen = dataset or suite.datasets[0]
    suite = suite.model_copy(update={"datasets": (chosen,), "seeds": suite.seeds[:1]})
    return suite, sorted(file.cells(suite), key=lambda cell: cell.arm.tricks != PLAIN)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("suite")
    parser.add_argument("--dataset", help="by default the suite's first")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.6)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds must be 1 or more")
    try:
        suite, (plain, *others) = read_suite(arguments.suite, arguments.dataset)
    except GanbenchError as error:
        parser.error(str(error))
    threads = suite.threads or 1
    environment = describe_environment(threads, "cpu", {})
    document: dict[str, Any] = {"suite": arguments.suite, "dataset": suite.datasets[0]}
    costs: list[Costs] = []
    for first in range(0, len(others), TOGETHER):
        group = [plain, *others[first : first + TOGETHER]]
        costs += measure(group, threads, arguments.rounds, arguments.seconds)
        print(f"{len(costs)} of {len(others)}", file=sys.stderr, flush=True)
        if arguments.json:
            document |= {"environment": environment, "costs": [asdict(each) for each in costs]}
            arguments.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    model = f"{suite.models[0]} on {suite.datasets[0]}"
    print(f"{environment['processor']}, {threads} thread(s); {model}\n")
    print(HEADER)
    for each in sorted(costs, key=lambda each: -statistics.median(each.training or [0.0])):
        print(each.row)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
