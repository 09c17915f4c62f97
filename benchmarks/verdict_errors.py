# SPDX-License-Identifier: MIT
"""How often verdicts are wrong, and how often they find what is there.

    python benchmarks/verdict_errors.py [--matrices 1000] [--seed 0] [--json FILE]

Every matrix is made up: records with values, as a comparison would leave them, are judged by the
code that judges real ones. A value is 40 times exp(shared + own): ``shared`` is what runs of one
seed have in common, ``own`` belongs to the run, both are normal with a deviation of 0.12. The
columns of a matrix are independent, which gives the most false verdicts. A run that collapses has
eight times its value.

*Before* is the rule without a primary metric: every column is corrected alone, over its own
treatments, a difference is tested over all pairs, and only lost pairs can make a failure.

- *false verdicts*: nothing has an effect. Four treatments, five seeds, four metrics, three
  datasets. A page is one dataset with its four columns.
- *power*: one metric, one dataset, four treatments, of which one scales all values.
- *failing*, and failing less: exact, by adding up binomial probabilities; nothing is drawn.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats as scipy_stats

from ganbench.analysis.comparison import ALPHA, Comparison, compare_to
from ganbench.analysis.failures import Trouble, failure_p_value
from ganbench.analysis.significance import holm
from ganbench.analysis.stats import exact_interval
from ganbench.analysis.tables import metric_table
from ganbench.analysis.verdicts import JudgedMatrix, judge_matrix
from ganbench.records.measurement import Measurement
from ganbench.records.run_record import RunRecord

SEEDS, TREATMENTS = 5, 4
SPREAD = 0.12
COLLAPSED = 8.0
"""How many times its value a run has that collapsed."""

Rates = dict[str, float]


@dataclass(frozen=True)
class Design:
    """A matrix: its size, the factor of its first treatment, and which runs collapse."""

    metrics: int
    datasets: int
    factor: float = 1.0
    failure_rate: float = 0.0
    failed_baseline_seed: bool = False


def made_up_runs(design: Design, dataset: str, random: np.random.Generator) -> list[RunRecord]:
    """Return the runs of a baseline and four treatments on a dataset."""
    shape = (TREATMENTS + 1, SEEDS, design.metrics)
    logarithms = random.normal(0, SPREAD, shape) + random.normal(0, SPREAD, shape[1:])
    values = 40 * np.exp(logarithms)
    values[1] *= design.factor
    failed = random.random(shape[:2]) < design.failure_rate
    if design.failed_baseline_seed:
        failed[0, random.integers(SEEDS)] = True
    values[failed] *= COLLAPSED
    return [
        RunRecord(
            name=f"{dataset} {arm} {seed}",
            status="collapsed" if failed[arm, seed] else "done",
            model="gan",
            dataset=dataset,
            variant=f"gan + t{arm}" if arm else "gan",
            tricks=f"t{arm}" if arm else "",
            seed=seed,
            metrics={
                f"metric{metric}": Measurement(
                    float(values[arm, seed, metric]), n=1, protocol="p", better="lower"
                )
                for metric in range(design.metrics)
            },
        )
        for arm in range(TREATMENTS + 1)
        for seed in range(SEEDS)
    ]


def judged(
    design: Design, random: np.random.Generator
) -> tuple[list[list[Comparison]], JudgedMatrix]:
    """Return the comparisons of each dataset, corrected by column, and the verdicts on them."""
    tables = []
    for index in range(design.datasets):
        dataset = f"d{index}"
        tables.append(metric_table(made_up_runs(design, dataset, random), dataset))
    compared = [compare_to(table) for table in tables]
    return compared, judge_matrix(list(zip(tables, compared, strict=True)), "metric0")


def old_claims(compared: Sequence[Comparison]) -> list[Comparison]:
    """Return the comparisons of a dataset that show a difference over all pairs, by column."""
    columns: dict[str, list[Comparison]] = {}
    for comparison in compared:
        columns.setdefault(comparison.column.name, []).append(comparison)
    return [
        comparison
        for column in columns.values()
        for comparison, p_value in zip(
            column, holm([comparison.t_p_value or 1.0 for comparison in column]), strict=True
        )
        if p_value < ALPHA
    ]


def false_verdicts(design: Design, matrices: int, seed: int) -> dict[str, float]:
    """Return how often a verdict claims an effect where there is none."""
    random = np.random.default_rng(seed)
    counts: dict[str, list[float]] = {}
    for _ in range(matrices):
        compared, matrix = judged(design, random)
        old = [{comparison.column.name for comparison in old_claims(here)} for here in compared]
        shown = [
            [verdict for verdict in here.verdicts if verdict.kind in {"helps", "hurts"}]
            for here in matrix.datasets
        ]
        sure = [[verdict for verdict in here if verdict.primary] for here in shown]
        tested = [verdict.comparison for here in matrix.datasets for verdict in here.on_main]
        more = [comparison.fails for comparison in tested]
        fewer = [comparison.fails_less for comparison in tested]
        outcome = {
            "before, column": float(np.mean([len(names) for names in old])) / design.metrics,
            "before, page": float(np.mean([bool(names) for names in old])),
            "before, matrix": float(any(old)),
            "after, primary column": float(np.mean([bool(here) for here in sure])),
            "after, page": float(np.mean([bool(here) for here in sure])),
            "after, matrix": float(any(sure)),
            "may help or hurt, page": float(np.mean([bool(here) for here in shown])),
            "may help or hurt, matrix": float(any(shown)),
            "fails, matrix": float(any(more)),
            "fails less, matrix": float(any(fewer)),
            "fails or fails less, matrix": float(any(more + fewer)),
            "any of these or helps or hurts, matrix": float(any(more + fewer) or any(sure)),
        }
        for name, value in outcome.items():
            counts.setdefault(name, []).append(value)
    return {name: float(np.mean(values)) for name, values in counts.items()}


def power(design: Design, matrices: int, seed: int) -> dict[str, float]:
    """Return how often an effect is found: before, after, and by the log ratio."""
    random = np.random.default_rng(seed)
    found = {"before": 0, "after": 0, "after, log ratio": 0}
    for _ in range(matrices):
        (compared,), matrix = judged(design, random)
        verdict = next(row for row in matrix.datasets[0].verdicts if row.subject == "t1")
        ratio = verdict.comparison.ratio_corrected
        found["before"] += any(row.tricks == "t1" for row in old_claims(compared))
        found["after"] += verdict.kind == "helps"
        found["after, log ratio"] += ratio is not None and ratio < ALPHA
    return {name: count / matrices for name, count in found.items()}


def told_apart(count: int, runs: int, rate: float) -> float:
    """Return how likely ``count`` of ``runs`` are told from as many runs that fail at a rate."""
    weights = scipy_stats.binom.pmf(range(runs + 1), runs, rate)
    return float(
        sum(
            weight
            for other, weight in enumerate(weights)
            if failure_p_value(Trouble(count, runs), Trouble(other, runs)) < ALPHA
        )
    )


def least_coverage(runs: int) -> dict[str, float]:
    """Return the least coverage of 95 % intervals of a share of runs, over all shares."""
    shares = np.linspace(0.0005, 0.9995, 1999)
    weights = scipy_stats.binom.pmf(np.arange(runs + 1)[:, None], runs, shares)
    bounds: dict[str, list[tuple[float, float]]] = {"Clopper-Pearson": [], "Wilson": []}
    for count in range(runs + 1):
        exact = exact_interval(count, runs)
        wilson = scipy_stats.binomtest(count, runs).proportion_ci(method="wilson")
        bounds["Clopper-Pearson"].append(
            (exact.low or 0.0, 1.0 if exact.high is None else exact.high)
        )
        bounds["Wilson"].append((wilson.low, wilson.high))
    coverage = {}
    for name, intervals in bounds.items():
        low, high = np.array(intervals).T[:, :, None]
        coverage[name] = float((weights * ((low <= shares) & (shares <= high))).sum(axis=0).min())
    return coverage


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--matrices", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    matrices, seed = options.matrices, options.seed
    figures: dict[str, dict[str, float]] = {}

    def add(name: str, rates: Rates) -> None:
        figures[name] = rates
        print(name, *(f"  {key}: {100 * rate:.1f} %" for key, rate in rates.items()), sep="\n")
        sys.stdout.flush()

    for runs in (3, 5, 10):
        add(f"least coverage of {runs} runs", least_coverage(runs))
    for rate in (0.0, 0.1, 0.2):
        for count in range(1, SEEDS + 1):
            name = f"{count} of 5 collapsed, baseline's rate {rate:.0%}"
            add(name, {"fails": told_apart(count, SEEDS, rate)})
    for runs in (5, 8, 10):
        for rate in (0.3, 0.5, 0.7, 0.9):
            name = f"none of {runs} collapsed, baseline's rate {rate:.0%}"
            add(name, {"fails less": told_apart(0, runs, rate)})
    for failed in (False, True):
        for factor in (0.9, 0.7, 0.5, 0.3):
            design = Design(1, 1, factor=factor, failed_baseline_seed=failed)
            name = f"power, factor {factor}, {'one' if failed else 'no'} baseline seed collapsed"
            add(name, power(design, matrices, seed))
    for rate in (0.0, 0.1, 0.3):
        design = Design(4, 3, failure_rate=rate)
        add(f"no effect, {rate:.0%} of all runs collapse", false_verdicts(design, matrices, seed))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"matrices": matrices, "seed": seed, "figures": figures}, file, indent=2)


if __name__ == "__main__":
    main()
