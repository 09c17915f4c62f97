# SPDX-License-Identifier: MIT
"""What a treatment costs, compared with its baseline: time, parameters and memory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ganbench.analysis.paired_values import paired_values
from ganbench.analysis.stats import Estimate
from ganbench.analysis.tables import VariantRow
from ganbench.records.run_record import RunRecord
from ganbench.records.speed_record import SpeedCase

MOST_VARIED = 1.5
"""If seeds of a variant differ in seconds by more than this factor, the machine was busy."""


@dataclass(frozen=True)
class Cost:
    """The costs of a treatment next to those of its baseline; None is what is not known.

    ``time`` is the geometric mean over shared seeds of the time that training takes for as many
    images, divided by the baseline's, with a t interval of the logarithms. ``parameters`` are
    those of generator and discriminator, divided by the baseline's. ``memory`` holds the MiB of
    treatment and baseline, from measurements of speed: on a GPU what was allocated, otherwise what
    training added to the process.
    """

    time: Estimate | None = None
    parameters: float | None = None
    memory: tuple[float, float] | None = None


def cost(treatment: VariantRow, baseline: VariantRow, speeds: Sequence[SpeedCase] = ()) -> Cost:
    """Return the costs of a treatment.

    Times are compared only between runs of one environment with as many threads, and only of
    runs that trained to the end: those that diverged stopped early. They are by the images per
    second of both, a median along each run, where it is recorded. The seconds of a whole run hold
    whatever else the machine did meanwhile.

    Args:
        treatment: The treatment.
        baseline: What it is compared with.
        speeds: Measurements of speed, of any GANs.
    """
    pairs = {}
    before = _timed(baseline)
    for seed, run in _timed(treatment).items():
        base = before.get(seed)
        if base and (run.environment_id, run.threads) == (base.environment_id, base.threads):
            pairs[seed] = _times(run, base)
    ratio = paired_values(pairs, 0.95).ratio if pairs else None
    sizes = _parameters(treatment), _parameters(baseline)
    return Cost(
        time=ratio.ratio if ratio else None,
        parameters=sizes[0] / sizes[1] if all(sizes) else None,
        memory=_memory(treatment, baseline, speeds),
    )


def _timed(row: VariantRow) -> dict[int, RunRecord]:
    """Return the runs whose time is known, by seed."""
    return {
        run.seed: run
        for run in row.runs
        if run.counted and run.status != "diverged" and run.seed is not None
        if run.seconds and run.kimg
    }


def _times(run: RunRecord, base: RunRecord) -> tuple[float, float]:
    """Return the seconds for a thousand images of two runs, both from the same record."""
    if run.images_per_second and base.images_per_second:
        return 1000 / run.images_per_second, 1000 / base.images_per_second
    return _seconds_per_kimg(run), _seconds_per_kimg(base)


def _seconds_per_kimg(run: RunRecord) -> float:
    assert run.seconds is not None
    assert run.kimg is not None
    return run.seconds / run.kimg


def varied_times(rows: Sequence[VariantRow]) -> dict[str, float]:
    """Return the variants whose runs of one length took very different times, the widest first.

    Seeds do not change how long training takes, so the machine's load did.

    Returns:
        How many times as long as the fastest the slowest run took, by variant, where that is more
        than ``MOST_VARIED``. Runs of other lengths, environments or threads are apart.
    """
    widest: dict[str, float] = {}
    for row in rows:
        alike: dict[tuple[float | None, str, int | None], list[float]] = {}
        for run in row.runs:
            if run.counted and run.status != "diverged" and run.seconds:
                key = (run.kimg, run.environment_id, run.threads)
                alike.setdefault(key, []).append(run.seconds)
        times = max((max(seconds) / min(seconds) for seconds in alike.values()), default=1.0)
        if times > MOST_VARIED:
            widest[row.variant] = times
    return dict(sorted(widest.items(), key=lambda item: -item[1]))


def _parameters(row: VariantRow) -> int:
    """Return the number of parameters of generator and discriminator; 0 if it is not known."""
    return next((sum(run.parameters.values()) for run in row.runs if run.parameters), 0)


def _memory(
    treatment: VariantRow, baseline: VariantRow, speeds: Sequence[SpeedCase]
) -> tuple[float, float] | None:
    """Return the MiB of both, from the first pair of measurements that differ in tricks alone."""
    before = [case for case in speeds if _is_of(case, baseline)]
    for case in speeds:
        if not _is_of(case, treatment):
            continue
        for base in before:
            alike = base.key == (*case.key[:1], base.tricks, *case.key[2:])
            mib = _mib(case), _mib(base)
            if alike and mib[0] is not None and mib[1] is not None:
                return mib[0], mib[1]
    return None


def _is_of(case: SpeedCase, row: VariantRow) -> bool:
    """Tell whether a measurement is of a variant: the same model and tricks, on the same data."""
    run = row.runs[0]
    typed = sorted(_as_label(trick) for trick in case.tricks)
    named = sorted(filter(None, row.tricks.split(" + ")))
    same = case.model == row.model and case.dataset == run.dataset and not row.setting
    if not same or case.status != "ok" or len(typed) != len(named):
        return False
    # A label without parameters means those of every run with the trick, whatever they are.
    return all(
        label in {text, text.partition("(")[0]} for text, label in zip(typed, named, strict=True)
    )


def _as_label(typed: str) -> str:
    """Return a trick as labels write it.

    >>> _as_label("r1:weight=0.1"), _as_label("ema")
    ('r1(weight=0.1)', 'ema')
    """
    return re.sub(r"^([^:]+):(.+)$", r"\1(\2)", typed)


def _mib(case: SpeedCase) -> float | None:
    used = case.memory_mib or {}
    allocated = used.get("allocated")
    return used.get("growth") if allocated is None else allocated
