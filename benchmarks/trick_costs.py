# SPDX-License-Identifier: MIT
"""What each set of tricks of a suite costs in time and memory, as a table in Markdown.

    python benchmarks/trick_costs.py atlas-toys [--dataset ring8] [--rounds 5] [--seconds 0.6]
        [--json FILE]

Every set is trained as in the suite, on its threads, in turns with the model alone: five at a time
and the model with each five, in processes of their own and in an order that rotates. So a machine
that slows down slows both. Figures are medians of the ratios within rounds:

- *training*: the time for a real image, as a multiple of that of the model alone;
- *sampling*: the time for a sample, the same way. The networks have trained for seconds by then:
  a trick that rejects samples may take another time once they have learned;
- *memory*: by how many MiB the peak of resident memory in training is higher.

``--json`` keeps every round.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ganbench.harness.matrix import Cell
from ganbench.harness.suite import SuiteFile, find_suite
from ganbench.records.environment import describe_environment
from ganbench.speed.bench import BenchProcess, CaseFailedError, Workload

TOGETHER = 5
"""How many sets take turns with the model alone; each holds a process with torch in it."""
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
    memory: float = 0.0
    """MiB more than the model alone."""
    problem: str = ""

    @property
    def row(self) -> str:
        """The costs as a row of the table."""
        if self.problem:
            return f"| `{self.tricks}` | {self.problem} | | | |"
        lowest, highest = min(self.training), max(self.training)
        figures = [
            factor(statistics.median(self.training)),
            f"{factor(highest)}, {factor(lowest)}",
            factor(statistics.median(self.sampling)),
            f"{self.memory:+,.0f}",
        ]
        return f"| `{self.tricks}` | {' | '.join(figures)} |"


def factor(value: float) -> str:
    """Return a ratio with as many digits as its noise allows."""
    return f"{value:,.2f}" if value < 10 else f"{value:,.0f}"


class Contestant:
    """A set of tricks in a process of its own."""

    def __init__(self, cell: Cell, threads: int) -> None:
        self.costs = Costs(cell.arm.tricks)
        self.rates = (0.0, 0.0)
        self.growth = 0.0
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
            self.growth = self.growth or self.process.ask("memory")["growth"]
            self.rates = (training, self.process.ask("sample", seconds / 2))
        except CaseFailedError as error:
            self.costs.problem = str(error)


def measure(cells: Sequence[Cell], threads: int, rounds: int, seconds: float) -> list[Costs]:
    """Measure sets of tricks that take turns with the model alone, which comes first."""
    contestants: list[Contestant] = []
    try:
        for cell in cells:
            contestants.append(Contestant(cell, threads))
            contestants[-1].ready(seconds)
        plain, *others = contestants
        for turn in range(rounds):
            for place in range(len(contestants)):
                contestants[(place + turn) % len(contestants)].turn(seconds)
            if plain.costs.problem:
                raise SystemExit(f"The model alone: {plain.costs.problem}")
            for other in others:
                if not other.costs.problem:
                    other.costs.training.append(plain.rates[0] / other.rates[0])
                    other.costs.sampling.append(plain.rates[1] / other.rates[1])
        for other in others:
            other.costs.memory = other.growth - plain.growth
        return [other.costs for other in others]
    finally:
        for contestant in contestants:
            contestant.process.close()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("suite")
    parser.add_argument("--dataset", help="one of the suite's; by default its first")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.6)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    file = SuiteFile(find_suite(arguments.suite))
    suite = file.read()
    dataset = arguments.dataset or suite.datasets[0]
    suite = suite.model_copy(update={"datasets": (dataset,), "seeds": suite.seeds[:1]})
    cells = file.cells(suite)
    plain = next(cell for cell in cells if cell.arm.tricks == suite.baseline)
    others = [cell for cell in cells if cell is not plain]
    threads = suite.threads or 1
    costs: list[Costs] = []
    for first in range(0, len(others), TOGETHER):
        group = [plain, *others[first : first + TOGETHER]]
        costs += measure(group, threads, arguments.rounds, arguments.seconds)
        print(f"{len(costs)} of {len(others)}", flush=True)
    environment = describe_environment(threads, "cpu", {})
    print(f"\n{environment['processor']}, {threads} thread(s); {suite.models[0]} on {dataset}\n")
    print(HEADER)
    for each in sorted(costs, key=lambda each: -statistics.median(each.training or [0.0])):
        print(each.row)
    if arguments.json:
        rounds = {"suite": arguments.suite, "dataset": dataset, "environment": environment}
        rounds["costs"] = [asdict(each) for each in costs]
        arguments.json.write_text(json.dumps(rounds, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
