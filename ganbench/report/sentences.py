# SPDX-License-Identifier: MIT
"""Short texts with numbers: counts, statuses, machines, and what a page leaves out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ganbench.analysis.costs import varied_times
from ganbench.analysis.equal_budgets import EqualBudgets
from ganbench.analysis.number_text import (
    NOTHING,
    amount,
    estimate_text,
    large,
    percent,
    signed_text,
)
from ganbench.analysis.selection import (
    MOST_NUMBERS,
    MOST_ROWS,
    MOST_RUNS,
    MOST_SEEDS,
    MOST_VARIANTS,
    Drawn,
)
from ganbench.analysis.stats import Estimate
from ganbench.analysis.tables import MetricTable, VariantRow
from ganbench.analysis.verdicts import Verdict
from ganbench.config import counted, join_words
from ganbench.records.measurement import Measurement
from ganbench.records.run_record import RunRecord

MOST_NAMED = 4
"""More variants or datasets than this are counted, not named."""


def lede(runs: Sequence[RunRecord]) -> str:
    """Return what there is to see, in one sentence."""
    readable = [run for run in runs if run.dataset]
    variants = list(dict.fromkeys(run.variant for run in readable))
    if not variants:
        return f"{counted(len(runs), 'run')}, none of which can be read."
    datasets = list(dict.fromkeys(run.dataset for run in readable))
    seeds = {run.seed for run in readable if run.seed is not None}
    over = f", over {counted(len(seeds), 'seed')}" if len(seeds) > 1 else ""
    they, their = ("it", "its") if len(runs) == 1 else ("they", "their")
    return (
        f"{named(variants, 'GAN variants')} on {named(datasets, 'datasets')}: "
        f"{counted(len(runs), 'run')}{over}, with what {they} reached, "
        f"how {they} got there, and what {their} samples look like."
    )


def named(names: Sequence[str], noun: str) -> str:
    """Return a few names, or how many there are.

    >>> named(["dcgan", "vanilla"], "GAN variants"), named("abcde", "GAN variants")
    ('dcgan and vanilla', '5 GAN variants')
    """
    return join_words(names) if len(names) <= MOST_NAMED else f"{len(names)} {noun}"


def change(verdict: Verdict) -> str:
    """Return what a verdict rests on: the runs that failed, or a difference.

    The difference is in percent of the baseline, or as it is where the baseline is zero.
    """
    treatment, baseline = verdict.comparison.troubles
    if verdict.kind == "fails":
        return f"{treatment.count} of {treatment.runs}"
    if verdict.kind == "fails-less":
        return (
            f"{treatment.count} of {treatment.runs}, baseline {baseline.count} of {baseline.runs}"
        )
    if verdict.pairs is None:
        return "no pair"
    if verdict.pairs.relative is not None:
        return percent(verdict.pairs.relative, signed=True)
    return signed_text(verdict.pairs.paired.difference)


def share_interval(share: Estimate) -> str:
    """Return the interval of a share in percent.

    >>> share_interval(Estimate(0.2, 0.00505, 0.716, 5, "Clopper-Pearson"))
    '[0.5 %, 72 %]'
    """
    return f"[{percent(share.low)}, {percent(share.high)}]"


def further(verdicts: Sequence[Verdict]) -> str:
    """Return how many further treatments have which verdict."""
    counts = dict.fromkeys((verdict.word for verdict in verdicts), 0)
    for verdict in verdicts:
        counts[verdict.word] += 1
    listed = join_words(f"{count:,} × {word}" for word, count in counts.items())
    return f"Further treatments: {listed}."


def first_of(count: int, most: int, noun: str) -> list[str]:
    """Return the sentence on a list that stops early; none where it is whole.

    >>> first_of(130, 120, "treatments"), first_of(3, 120, "treatments")
    (['The first 120 of 130 treatments are listed.'], [])
    """
    return [f"The first {most:,} of {count:,} {noun} are listed."] if count > most else []


def left_out(table: MetricTable, drawn: MetricTable, chosen: Drawn, *, courses: bool) -> list[str]:
    """Return sentences on what a page leaves out of many runs.

    Args:
        table: All variants.
        drawn: Those that are drawn.
        chosen: How they were chosen.
        courses: Whether metrics were measured more than once in training.
    """
    sentences = []
    if not chosen.whole:
        sentences.append(
            f"Of {len(table.rows):,} variants, {len(chosen.variants)} are drawn: of those that "
            "help, fail less, hurt or fail, the largest of each kind in turn, by the ratio to the "
            "baseline, then those of the lowest p values, and the baselines of all of them."
            f"{_shown(drawn, courses=courses)} The chart of effects on the primary metric has all "
            f"treatments, up to {MOST_ROWS}."
        )
        sentences.append(
            "What variants reach at the same time and at the same kimg is left out, as it is "
            f"wherever there are more than {MOST_RUNS} runs."
        )
    if len(drawn.rows) > MOST_VARIANTS:
        sentences.append(f"Settings are those of the first {MOST_VARIANTS} variants.")
    if len(table.rows) > MOST_ROWS:
        sentences.append(f"Tables stop after {MOST_ROWS} variants.")
    if sum(len(row.runs) for row in table.rows) > MOST_NUMBERS:
        sentences.append(f"The first {MOST_NUMBERS:,} runs are listed one by one.")
    return [*sentences, "All numbers are in results.jsonl.gz."] if sentences else []


def _shown(drawn: MetricTable, *, courses: bool) -> str:
    """Return what a page shows of the variants that are drawn."""
    shown = [f"the course of {MOST_SEEDS} seeds"] if courses else []
    if any(run.grids for row in drawn.rows for run in row.runs):
        shown.append("the samples of the first seed")
    return f" Each of them shows {join_words(shown)}." if shown else ""


def threads_warning(threads: Sequence[int]) -> str:
    """Return that runs of one dataset were trained with different numbers of threads."""
    return (
        "These runs were trained with different numbers of threads "
        f"({join_words(map(str, threads))}). The number changes the order of sums, so runs of one "
        "seed are not the same to the last bit even where nothing else differs."
    )


_STATUS_WORDS = {"running": "unfinished"}


def status_text(status: str) -> str:
    """Return the status of a run in words."""
    return _STATUS_WORDS.get(status, status)


def statuses(counts: Mapping[str, int]) -> str:
    """Return how many runs ended how.

    >>> statuses({"done": 4, "diverged": 1})
    '4 done, 1 diverged'
    """
    return ", ".join(f"{count:,} {status_text(status)}" for status, count in counts.items())


def machine(environment: Mapping[str, Any]) -> str:
    """Return an environment in one line: device, threads, processor, torch, Python."""
    packages = environment.get("packages")
    torch = packages.get("torch") if isinstance(packages, Mapping) else None
    facts = environment.get("torch")
    gpu = facts.get("gpu") if isinstance(facts, Mapping) else None
    device = str(environment.get("device") or "unknown device")
    threads = environment.get("threads")
    parts = [
        f"{device} ({gpu})" if gpu else device,
        counted(threads, "thread") if isinstance(threads, int) else "",
        str(environment.get("processor") or ""),
        f"torch {torch}" if torch else "",
        f"Python {environment['python']}" if environment.get("python") else "",
    ]
    return ", ".join(part for part in parts if part)


def budgets_note(budgets: Sequence[EqualBudgets]) -> str:
    """Return what the columns of the comparison at equal budgets mean."""
    first = budgets[0]
    return (
        f"At the same time: after {amount(first.time.limit)} s of training, the most that every "
        f"variant reached. At the same kimg: after {amount(first.kimg.limit)} thousand real images "
        "shown to the discriminator, again the most that every variant reached, give or take an "
        "iteration. Each run counts with its last measurement up to that point. A run that had "
        "diverged by then has none. Nothing is interpolated."
    )


def times_varied(rows: Sequence[VariantRow]) -> str:
    """Return that the load of the machine is in the seconds of these runs; empty if it is not."""
    varied = varied_times(rows)
    if not varied:
        return ""
    widest, times = next(iter(varied.items()))
    others = f", and so did those of {counted(len(varied) - 1, 'other variant')}"
    return (
        f"Times varied: of {widest}, runs of one length took up to {amount(times, 2)} times as "
        f"long as others{others if len(varied) > 1 else ''}. The load of the machine is in these "
        "seconds."
    )


def commits(runs: Iterable[RunRecord], environment: str) -> str:
    """Return the commits of ganbench at which runs were made in an environment."""
    distinct: dict[str, None] = {}
    for run in runs:
        checkout = run.environment.get("checkout")
        if run.environment_id == environment and isinstance(checkout, Mapping):
            commit = str(checkout.get("commit") or "no commit")[:12]
            distinct[f"{commit} with changes" if checkout.get("dirty") else commit] = None
    return ", ".join(distinct)


def paper_address(source: str) -> str:
    """Return the address of the paper whose arXiv id a source names; empty without an id.

    >>> paper_address("Lin et al., 2018, arXiv:1712.04086, table 1")
    'https://arxiv.org/abs/1712.04086'
    """
    match = re.search(r"arXiv:\s*(\d{4}\.\d{4,5})", source)
    return f"https://arxiv.org/abs/{match[1]}" if match else ""


def measured_text(measurement: Measurement | None) -> str:
    """Return one run's value with the interval of its measurement where it has one."""
    if measurement is None or measurement.value is None:
        return NOTHING
    return estimate_text(
        Estimate(measurement.value, measurement.low, measurement.high, measurement.n or 0, "")
    )


def parameters_text(row: VariantRow) -> str:
    """Return how many parameters generator and discriminator have, in millions or thousands."""
    for run in row.runs:
        if run.parameters:
            return " / ".join(
                large(run.parameters.get(role)) for role in ("generator", "discriminator")
            )
    return NOTHING
