# SPDX-License-Identifier: MIT
"""How often the rules on the health of a run are wrong, and how often they find what is there.

    python benchmarks/health_errors.py [--runs 400] [--seed 0] [--reports reports] [--json FILE]

A run has 100 ticks and ten evaluations. It counts as an alarm if the watch, which looks at every
tick as it does during training, finds the event at least once.

- *noise*: nothing is wrong. The series are made up: noise of several kinds, drift, the scatter of a
  strong discriminator, counts of modes and shares of copies of a generator that stays as it is.
- *power*: one series swings, drops or vanishes by a known amount, with noise.
- *reports*: the curves of runs under version control, as far as they were recorded: losses, logits
  and modes. Which of them are healthy is for the reader to judge.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ganbench.analysis.stats import exact_interval
from ganbench.health.history import RecordedRow
from ganbench.health.oscillation import ADVERSARIAL_LOSSES
from ganbench.health.watch import watch_over
from ganbench.records.archive import RESULT_ROWS, read_archive

TICKS = 100
EVALUATIONS = 10
SIGNALS = ("signal/discriminator", "signal/generator")

Series = np.ndarray
Made = tuple[list[RecordedRow], list[RecordedRow]]
"""The rows of ticks, and those of evaluations."""


@dataclass(frozen=True)
class Case:
    """One kind of made-up run, and the event that is counted."""

    event: str
    name: str
    make: Callable[[np.random.Generator], Made]


def tick_rows(**series: Series) -> Made:
    """Return rows of ticks that hold some series; two underscores stand for a slash."""
    names = [name.replace("__", "/") for name in series]
    columns = zip(*series.values(), strict=True)
    rows: list[RecordedRow] = [
        {"kimg": float(index), **dict(zip(names, map(float, values), strict=True))}
        for index, values in enumerate(columns, 1)
    ]
    return rows, []


def autoregressive(random: np.random.Generator, memory: float) -> Series:
    """Return noise each value of which remembers a share of the one before; 1 is a random walk."""
    values = random.standard_normal(TICKS)
    for index in range(1, TICKS):
        values[index] += memory * values[index - 1]
    return values


def losses(series: Series, other: Series | None = None) -> Made:
    """Return the rows of ticks whose two losses are these; by default both are the same."""
    both = zip(series, series if other is None else other, strict=True)
    return [
        {"kimg": float(index), **dict(zip(ADVERSARIAL_LOSSES, map(float, pair), strict=True))}
        for index, pair in enumerate(both, 1)
    ], []


def swinging(random: np.random.Generator, size: float, period: float) -> Made:
    """Return losses that swing, each with noise of its own of deviation 1."""
    angles = 2 * math.pi * np.arange(TICKS) / period
    own = random.standard_normal((2, TICKS))
    return losses(size * np.sin(angles) + own[0], size * np.sin(angles + 1) + own[1])


def scattered(random: np.random.Generator, middle: float | Series, name: str) -> Made:
    """Return a statistic that scatters by a factor of e around its median.

    The discriminator is sure: its own signal is 0.2 where it is not the statistic itself.
    """
    values = middle * np.exp(random.standard_normal(TICKS))
    series = {SIGNALS[0]: np.full(TICKS, 0.2), name: values}
    return tick_rows(**{key.replace("/", "__"): value for key, value in series.items()})


def modes_of(random: np.random.Generator, modes: int, samples: int, evenness: float) -> Made:
    """Return the modes that samples of one unchanging generator cover, at each evaluation.

    The shares of the modes are drawn from a Dirichlet distribution of that concentration.
    """
    shares = random.dirichlet(np.full(modes, evenness))
    counts = [np.count_nonzero(random.multinomial(samples, shares)) for _ in range(EVALUATIONS)]
    return [], evaluation_rows(
        [{"modes": {"value": float(count), "n": samples}} for count in counts]
    )


def authenticity(
    random: np.random.Generator, share: Callable[[int], float], samples: int, floor: float = 0.7
) -> Made:
    """Return authpct at each evaluation, with Wilson's interval and a floor of as much noise."""
    measured_floor = random.binomial(samples, floor) / samples
    records = []
    for index in range(EVALUATIONS):
        value = random.binomial(samples, share(index)) / samples
        middle = (value + 1.92 / samples) / (1 + 3.84 / samples)
        half = 1.96 * math.sqrt(value * (1 - value) / samples + 0.96 / samples**2)
        half /= 1 + 3.84 / samples
        record = {"value": value, "low": middle - half, "high": middle + half}
        records.append({"authpct": {**record, "floor": measured_floor}})
    return [], evaluation_rows(records)


def evaluation_rows(records: list[dict[str, dict[str, float]]]) -> list[RecordedRow]:
    """Return rows of evaluations with these metrics."""
    return [
        {"kimg": float(10 * index), "metrics": metrics} for index, metrics in enumerate(records, 1)
    ]


DECLINE = np.geomspace(1, 0.01, TICKS)
"""A gradient that falls a hundredfold over training, as by convergence."""

NOISE = (
    Case("oscillation", "white noise", lambda random: losses(random.standard_normal(TICKS))),
    Case(
        "oscillation", "noise with memory 0.5", lambda random: losses(autoregressive(random, 0.5))
    ),
    Case(
        "oscillation", "noise with memory 0.9", lambda random: losses(autoregressive(random, 0.9))
    ),
    Case("oscillation", "random walk", lambda random: losses(autoregressive(random, 1.0))),
    Case("saturation", "median 0.05", lambda random: scattered(random, 0.05, SIGNALS[0])),
    Case("saturation", "median 0.03", lambda random: scattered(random, 0.03, SIGNALS[0])),
    Case("saturation", "median 0.02", lambda random: scattered(random, 0.02, SIGNALS[0])),
    Case("vanishing-gradient", "slope 0.05", lambda random: scattered(random, 0.05, SIGNALS[1])),
    Case(
        "vanishing-gradient",
        "norm falls 100-fold",
        lambda random: scattered(random, DECLINE, "gradient/generator"),
    ),
    Case("mode-drop", "8 even modes, n = 2,500", lambda random: modes_of(random, 8, 2500, 10.0)),
    Case("mode-drop", "10 uneven modes, n = 200", lambda random: modes_of(random, 10, 200, 1.0)),
    Case(
        "mode-drop", "1,000 uneven, n = 26,000", lambda random: modes_of(random, 1000, 26000, 0.5)
    ),
    Case(
        "memorization",
        "as real data, n = 500",
        lambda random: authenticity(random, lambda index: 0.7, 500),
    ),
    Case(
        "memorization",
        "from noise to real data, n = 5,000",
        lambda random: authenticity(random, lambda index: 1.0 - 0.3 * index / 9, 5000),
    ),
)

POWER = (
    *(
        Case(
            "oscillation",
            f"swing of {size:g} deviations, {period:g} ticks",
            lambda random, size=size, period=period: swinging(random, size, period),  # type: ignore[misc]
        )
        for size in (1.5, 2.0, 3.0, 4.0)
        for period in (7.3,)
    ),
    Case("saturation", "median 0.005", lambda random: scattered(random, 0.005, SIGNALS[0])),
    Case("vanishing-gradient", "slope 0.005", lambda random: scattered(random, 0.005, SIGNALS[1])),
    Case(
        "vanishing-gradient",
        "norm falls 10,000-fold",
        lambda random: scattered(random, DECLINE**2, "gradient/generator"),
    ),
    Case(
        "memorization",
        "down to 0.6, n = 5,000",
        lambda random: authenticity(random, lambda index: 1.0 - 0.4 * index / 9, 5000),
    ),
)


def alarms(case: Case, runs: int, seed: int) -> int:
    """Return in how many made-up runs the event was found."""
    random = np.random.default_rng(seed)
    return sum(
        any(event.name == case.event for event in watch_over(*case.make(random), "done").events)
        for _ in range(runs)
    )


def recorded_runs(folder: Path) -> Iterator[tuple[str, Made]]:
    """Yield the runs of every report below a folder, each with the group that it belongs to."""
    for file in sorted(folder.rglob(RESULT_ROWS)):
        for run in read_archive(file.parent):
            rows: dict[float, dict[str, float]] = {}
            for curve in run.losses:
                for kimg, value in zip(curve.kimg, curve.values, strict=True):
                    rows.setdefault(kimg, {"kimg": kimg})[curve.name] = value
            measured: list[RecordedRow] = [
                {"kimg": kimg, "metrics": {curve.name: {"value": value}}}
                for curve in run.curves
                if curve.name.partition("@")[0] == "modes"
                for kimg, value in zip(curve.kimg, curve.values, strict=True)
            ]
            yield f"{run.dataset}, {run.model}", ([rows[kimg] for kimg in sorted(rows)], measured)


def of_reports(folder: Path) -> dict[str, dict[str, int]]:
    """Return by dataset and model how many runs were recorded, and how many had which event."""
    counts: dict[str, Counter[str]] = {}
    for group, made in recorded_runs(folder):
        counter = counts.setdefault(group, Counter())
        counter["runs"] += 1
        counter.update(event.name for event in watch_over(*made, "done").events)
    return {group: dict(counter) for group, counter in counts.items()}


def main() -> None:
    """Print the tables of docs/health.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reports", type=Path, default=Path("reports"))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    document: dict[str, object] = {"runs": arguments.runs, "seed": arguments.seed}
    for title, cases in (("noise", NOISE), ("power", POWER)):
        rows = []
        sys.stdout.write(
            f"\n| event | {title} | alarms | 95 % interval |\n| --- | --- | --- | --- |\n"
        )
        for case in cases:
            found = alarms(case, arguments.runs, arguments.seed)
            share = exact_interval(found, arguments.runs)
            rows.append({"event": case.event, "case": case.name, "alarms": found})
            interval = f"{100 * (share.low or 0):.1f} to {100 * (share.high or 0):.1f} %"
            sys.stdout.write(f"| {case.event} | {case.name} | {found} | {interval} |\n")
            sys.stdout.flush()
        document[title] = rows
    document["reports"] = reports = of_reports(arguments.reports)
    sys.stdout.write("\n| runs of reports | runs | events |\n| --- | --- | --- |\n")
    for group, counts in sorted(reports.items()):
        events = ", ".join(f"{name} {count}" for name, count in counts.items() if name != "runs")
        sys.stdout.write(f"| {group} | {counts['runs']} | {events or 'none'} |\n")
    if arguments.json:
        arguments.json.write_text(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
