# SPDX-License-Identifier: MIT
"""Runs from folders and reports, ready to be compared.

Nothing that a single run lacks stops the reading: an unfinished run is ``running``, one whose
files cannot be read is ``damaged`` and says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ganbench.errors import InputError
from ganbench.records.archive import is_archive, read_archive
from ganbench.records.labels import label_variants
from ganbench.records.read_run import read_if_run
from ganbench.records.run_folder import find_runs
from ganbench.records.run_record import RunRecord


def load_runs(
    paths: Iterable[Path], *, courses: bool = True, may_be_empty: bool = False
) -> list[RunRecord]:
    """Read every run at or below the given folders; a report's folder gives back its runs.

    Without ``courses`` the curves, losses and grids of run folders are left for ``complete``.

    Runs of one identity are one run: the one that got furthest is kept. They come in the order
    of dataset, model, setting, tricks and seed.

    Raises:
        InputError: a path that is no folder, or, unless they ``may_be_empty``, folders without a
            single run.
    """
    places = list(paths)
    found: list[RunRecord] = []
    for place in places:
        if not place.is_dir():
            raise InputError(
                f"There is no folder {place} to read runs from.", "Train one with ganbench run."
            )
        if is_archive(place):
            found += read_archive(place)
        else:
            read = (read_if_run(folder, courses=courses) for folder in find_runs(place))
            found += [run for run in read if run is not None]
    if not found and not may_be_empty:
        listed = ", ".join(str(place) for place in places) or "no folder"
        raise InputError(f"There is no run in {listed}.", "Train one with ganbench run.")
    runs = label_variants(_named_apart(_distinct(found)))
    return sorted(runs, key=_place)


def _place(run: RunRecord) -> tuple[str, str, str, str, str, int, str]:
    """Return where a run stands among others: a model without tricks before those with them."""
    variant = (run.model, run.setting, run.tricks, run.variant)
    return (run.dataset, *variant, run.seed or 0, run.name)


def _distinct(runs: Iterable[RunRecord]) -> list[RunRecord]:
    """Keep one run of each identity: two of them would look like two seeds."""
    kept: dict[str, RunRecord] = {}
    for index, run in enumerate(runs):
        key = run.identity or f"without identity {index}"
        other = kept.get(key)
        if other is None:
            kept[key] = run
            continue
        best = max(other, run, key=lambda one: (one.counted, one.kimg or 0.0))
        kept[key] = replace(best, repeats=other.repeats + run.repeats + 1)
    return list(kept.values())


def _named_apart(runs: Sequence[RunRecord]) -> list[RunRecord]:
    """Number runs whose folders have one name, so that a name means one run."""
    seen: dict[str, int] = {}
    named = []
    for run in sorted(runs, key=lambda run: (run.name, run.identity)):
        seen[run.name] = seen.get(run.name, 0) + 1
        count = seen[run.name]
        named.append(replace(run, name=f"{run.name}~{count}") if count > 1 else run)
    return named
