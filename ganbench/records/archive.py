# SPDX-License-Identifier: MIT
"""Runs as a few text files that a report is made of, and can be made of again.

    results.jsonl   one line per run and metric: who, what, how much, by which protocol
    runs.jsonl      one line per run: its settings, and its curves, thinned
    env/ID.json     the environments that the lines name

Nothing in them is a path of the machine that wrote them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ganbench.errors import DamagedRunError
from ganbench.records.atomic_files import read_json, read_lines, write_json, write_lines
from ganbench.records.environment import lasting
from ganbench.records.json_values import as_counts, as_mapping, as_number, as_text, as_whole
from ganbench.records.measurement import Measurement
from ganbench.records.run_record import Curve, RunRecord
from ganbench.records.strip_paths import strip_paths

MOST_POINTS = 120
"""A curve keeps at most so many points; each is then the mean of those that it stands for."""

_DIGITS = 6

_ARCHIVED = (
    "name",
    "status",
    "identity",
    "model",
    "dataset",
    "variant",
    "tricks",
    "setting",
    "seed",
    "kimg",
    "seconds",
    "images_per_second",
    "device",
    "precision",
    "threads",
    "command",
    "problem",
    "repeats",
    "parameters",
    "config",
)


def is_archive(folder: Path) -> bool:
    """Tell whether a folder holds what ``write_archive`` writes."""
    return (folder / "results.jsonl").is_file()


def condense(run: RunRecord) -> RunRecord:
    """Thin the curves of a run; condensing twice changes nothing more."""
    return replace(
        run,
        curves=tuple(_thin(curve) for curve in run.curves),
        losses=tuple(_thin(curve) for curve in run.losses),
    )


def result_rows(runs: Iterable[RunRecord]) -> list[dict[str, Any]]:
    """Return one row per run and metric; a run without metrics has a row with none."""
    rows = []
    for run in runs:
        who = {
            "identity": run.identity,
            "model": run.model,
            "dataset": run.dataset,
            "variant": run.variant,
            "tricks": run.tricks,
            "setting": run.setting,
            "seed": run.seed,
            "kimg": run.kimg,
        }
        how = {
            "status": run.status,
            "seconds": run.seconds,
            "threads": run.threads,
            "env": run.environment_id,
            "run": run.name,
        }
        for metric, measured in run.metrics.items() or [(None, None)]:
            rows.append(
                {**who, "metric": metric, **(measured or Measurement(None)).record(), **how}
            )
    return rows


def write_archive(
    folder: Path, runs: Sequence[RunRecord], grids: Mapping[str, str] | None = None
) -> None:
    """Write runs that are condensed; ``grids`` are their pictures by name, below ``folder``."""
    environments = {run.environment_id: run.environment for run in runs if run.environment_id}
    for identifier, environment in environments.items():
        write_json(folder / "env" / f"{identifier}.json", lasting(environment))
    write_lines(folder / "runs.jsonl", [_run_row(run, (grids or {}).get(run.name)) for run in runs])
    write_lines(folder / "results.jsonl", result_rows(runs))


def read_archive(folder: Path) -> list[RunRecord]:
    """Read back what ``write_archive`` wrote; with results.jsonl alone there are no curves."""
    metrics: dict[str, dict[str, Measurement]] = {}
    bare: dict[str, RunRecord] = {}
    known: dict[str, dict[str, Any]] = {}
    for row in read_lines(folder / "results.jsonl"):
        name = as_text(row.get("run"))
        if name not in bare:
            bare[name] = _record(row, name, folder, known)
        if row.get("metric"):
            metrics.setdefault(name, {})[as_text(row["metric"])] = Measurement.read(row)
    whole_runs = {
        name: _record(row, name, folder, known)
        for row in read_lines(folder / "runs.jsonl")
        if (name := as_text(row.get("name")))
    }
    return [
        replace(run, metrics=metrics.get(name, {})) for name, run in {**bare, **whole_runs}.items()
    ]


def _run_row(run: RunRecord, grid: str | None) -> dict[str, Any]:
    """Return all of a run but its final metrics, which results.jsonl holds."""
    return {
        **{key: getattr(run, key) for key in _ARCHIVED},
        "env": run.environment_id,
        "kernel": run.environment.get("kernel"),
        "checkout": run.environment.get("checkout"),
        "grid": grid,
        "curves": [vars(curve) for curve in run.curves],
        "losses": [vars(curve) for curve in run.losses],
    }


def _record(
    row: Mapping[str, Any], name: str, folder: Path, known: dict[str, dict[str, Any]]
) -> RunRecord:
    """Read a run from a row of runs.jsonl, or the little of it that results.jsonl has."""
    identifier = as_text(row.get("env"))
    grid = as_text(row.get("grid"))
    environment = _environment(folder, row, known)
    threads = as_whole(row.get("threads"))
    return RunRecord(
        name=name,
        status=as_text(row.get("status")) or "damaged",
        identity=as_text(row.get("identity")),
        model=as_text(row.get("model")),
        dataset=as_text(row.get("dataset")),
        variant=as_text(row.get("variant")),
        tricks=as_text(row.get("tricks")),
        setting=as_text(row.get("setting")),
        seed=as_whole(row.get("seed")),
        kimg=as_number(row.get("kimg")),
        seconds=as_number(row.get("seconds")),
        images_per_second=as_number(row.get("images_per_second")),
        device=as_text(row.get("device")),
        precision=as_text(row.get("precision")),
        threads=as_whole(environment.get("threads")) if threads is None else threads,
        command=as_text(row.get("command")),
        problem=as_text(row.get("problem")),
        repeats=as_whole(row.get("repeats")) or 0,
        parameters=as_counts(row.get("parameters")),
        config=as_mapping(row.get("config")),
        curves=_curves(row.get("curves")),
        losses=_curves(row.get("losses")),
        grids=(folder / "samples" / Path(grid).name,) if grid else (),
        environment=environment,
        environment_id=identifier,
    )


def _environment(
    folder: Path, row: Mapping[str, Any], known: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """Return an environment as the run recorded it: what lasts, and what was so at the time.

    ``known`` keeps those that have been read: thousands of runs share a few.
    """
    identifier = as_text(row.get("env"))
    if identifier not in known:
        try:
            known[identifier] = read_json(folder / "env" / f"{Path(identifier).name}.json")
        except DamagedRunError:
            known[identifier] = {}
    lasting_facts = known[identifier]
    if not lasting_facts:
        return {}
    passing = {key: row[key] for key in ("kernel", "checkout") if row.get(key) is not None}
    return {**lasting_facts, **passing}


def _curves(rows: object) -> tuple[Curve, ...]:
    """Read curves; one whose columns differ in length or hold other than numbers is left out."""
    found = []
    for row in rows if isinstance(rows, list) else ():
        given = as_mapping(row)
        columns = [
            [as_number(value) for value in given.get(key) or ()]
            for key in ("kimg", "seconds", "values")
        ]
        if len({len(column) for column in columns}) != 1 or not columns[0]:
            continue
        if any(value is None for column in columns for value in column):
            continue
        kimg, seconds, values = (tuple(float(v or 0) for v in column) for column in columns)
        facts = {
            key: strip_paths(str(given.get(key, ""))) for key in ("protocol", "better", "unit")
        }
        found.append(Curve(as_text(given.get("name")), kimg, seconds, values, **facts))
    return tuple(found)


def _thin(curve: Curve) -> Curve:
    """Average neighbours until few enough points are left; the last kimg and seconds stay."""
    count = len(curve.values)
    parts = min(count, MOST_POINTS)
    edges = [round(index * count / parts) for index in range(parts + 1)] if parts else [0]
    spans = list(itertools.pairwise(edges))
    return replace(
        curve,
        kimg=tuple(_rounded(curve.kimg[end - 1]) for _, end in spans),
        seconds=tuple(_rounded(curve.seconds[end - 1]) for _, end in spans),
        values=tuple(_rounded(math.fsum(curve.values[a:b]) / (b - a)) for a, b in spans),
    )


def _rounded(value: float) -> float:
    """Round to as many digits as a picture can show."""
    return float(f"{value:.{_DIGITS}g}")
