# SPDX-License-Identifier: MIT
"""Read runs from folders and reports, ready to be compared.

What a single run lacks does not stop the reading. An unfinished run is ``running``; a run whose
files cannot be read is ``damaged``, and its record says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ganbench.errors import InputError
from ganbench.records.archive import is_archive, read_archive
from ganbench.records.labels import by_numbers, label_variants
from ganbench.records.primary_metric import RecordedChoices
from ganbench.records.read_run import read_if_run
from ganbench.records.run_folder import find_runs
from ganbench.records.run_record import RunRecord


def load_runs(
    paths: Iterable[Path], *, curves: bool = True, may_be_empty: bool = False
) -> list[RunRecord]:
    """Read every run at or below the given folders.

    Runs of one identity are one run: the one that got furthest is kept. They come in the order
    of dataset, model, setting, tricks and seed.

    Args:
        paths: folders of runs, or of reports, whose runs are read back.
        curves: whether to read curves, losses and grids of run folders; ``complete`` does it
            later, for single runs.
        may_be_empty: whether folders without a single run are fine.

    Raises:
        InputError: a path is no folder, or there is no run and ``may_be_empty`` is false.
    """
    folders = list(paths)
    runs = [run for folder in folders for run in _read_folder(folder, curves=curves)]
    if not runs and not may_be_empty:
        listed = ", ".join(str(folder) for folder in folders) or "no folder"
        raise InputError(f"There is no run in {listed}.", "Train a model with ganbench run.")
    return sorted(label_variants(_with_distinct_names(_distinct(runs))), key=_sort_key)


def _read_folder(folder: Path, *, curves: bool) -> list[RunRecord]:
    """Read the runs at or below a folder, and those of a report in it that are not there."""
    if not folder.is_dir():
        raise InputError(
            f"There is no folder {folder} to read runs from.", "Train a model with ganbench run."
        )
    choices = RecordedChoices()
    runs = []
    for run_folder in find_runs(folder):
        if run := read_if_run(run_folder, curves=curves):
            choice = choices.on(run.dataset, run_folder.path.parent)
            runs.append(replace(run, **vars(choice)))
    if is_archive(folder):  # which may have been written into the folder of the runs themselves
        known = {key for run in runs for key in (run.identity, run.name) if key}
        runs += [run for run in read_archive(folder) if not known & {run.identity, run.name}]
    return runs


def _sort_key(run: RunRecord) -> tuple[Any, ...]:
    """Return the place of a run among others: a model without tricks comes before those with."""
    variant = (run.model, *map(by_numbers, (run.setting, run.tricks, run.variant)))
    return (run.dataset, *variant, run.seed or 0, run.name)


def _distinct(runs: Iterable[RunRecord]) -> list[RunRecord]:
    """Keep one run of each identity: two would look like two seeds."""
    by_identity: dict[str, RunRecord] = {}
    for index, run in enumerate(runs):
        key = run.identity or f"without identity {index}"
        other = by_identity.get(key)
        if other is None:
            by_identity[key] = run
            continue
        furthest = max(other, run, key=lambda repeat: (repeat.counted, repeat.kimg or 0.0))
        by_identity[key] = replace(furthest, repeats=other.repeats + run.repeats + 1)
    return list(by_identity.values())


def _with_distinct_names(runs: Sequence[RunRecord]) -> list[RunRecord]:
    """Number runs whose folders share a name, so that a name means one run."""
    counts: dict[str, int] = {}
    named = []
    for run in sorted(runs, key=lambda run: (run.name, run.identity)):
        counts[run.name] = counts.get(run.name, 0) + 1
        count = counts[run.name]
        named.append(replace(run, name=f"{run.name}~{count}") if count > 1 else run)
    return named
