# SPDX-License-Identifier: MIT
"""Runs as a few files of text, from which a report is made and can be made again.

    results.jsonl.gz   one line for each run and metric: the run, the value, the protocol
    runs.jsonl.gz      one line for each run: its settings, and its curves, thinned
    env/ID.json        the environments that the lines name

They are packed, since lines that say the same of every run take ten times as much. They hold no
path of the machine that wrote them. Earlier reports have both without ``.gz``.
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
from ganbench.records.json_values import as_mapping, as_text, as_whole
from ganbench.records.measurement import Measurement
from ganbench.records.run_record import Curve, RunRecord, read_facts

MOST_POINTS = 40
"""The most points that a thinned curve has; each is the mean of the points it stands for."""

RESULT_ROWS = "results.jsonl.gz"
RUN_ROWS = "runs.jsonl.gz"
_DIGITS = 6
_STEPS = ("kimg", "seconds")


def is_archive(folder: Path) -> bool:
    """Tell whether a folder holds what ``write_archive`` writes."""
    return any((folder / name).is_file() for name in (RESULT_ROWS, _unpacked(RESULT_ROWS)))


def condense(run: RunRecord) -> RunRecord:
    """Thin the curves of a run; condensing it again changes nothing."""
    return replace(
        run,
        curves=tuple(_thin(curve) for curve in run.curves),
        losses=tuple(_thin(curve) for curve in run.losses),
    )


def result_rows(runs: Iterable[RunRecord]) -> list[dict[str, Any]]:
    """Return one row for each run and metric; a run without metrics has one empty row."""
    return [
        {
            **run.facts("before"),
            "metric": metric,
            **measurement.record(),
            **run.facts("after"),
            "env": run.environment_id,
            "run": run.name,
        }
        for run in runs
        for metric, measurement in run.metrics.items() or [(None, Measurement(None))]
    ]


def write_archive(
    folder: Path, runs: Sequence[RunRecord], grids: Mapping[str, str] | None = None
) -> None:
    """Write condensed runs to a folder.

    Args:
        folder: the folder of a report.
        runs: the runs, which ``condense`` has returned.
        grids: the pictures of the runs by name, as paths below ``folder``.

    Raises:
        StorageError: the folder cannot be written.
    """
    environments = {run.environment_id: run.environment for run in runs if run.environment_id}
    for identifier, environment in environments.items():
        write_json(folder / "env" / f"{identifier}.json", lasting(environment))
    write_lines(folder / RUN_ROWS, [_run_row(run, (grids or {}).get(run.name)) for run in runs])
    write_lines(folder / RESULT_ROWS, result_rows(runs))


def read_archive(folder: Path) -> list[RunRecord]:
    """Read the runs that ``write_archive`` wrote; the results alone have them without curves."""
    metrics: dict[str, dict[str, Measurement]] = {}
    runs: dict[str, RunRecord] = {}
    environments: dict[str, dict[str, Any]] = {}
    for row in _rows(folder, RESULT_ROWS):
        name = as_text(row.get("run"))
        if name not in runs:
            runs[name] = _record(row, name, folder, environments)
        if row.get("metric"):
            metrics.setdefault(name, {})[as_text(row["metric"])] = Measurement.read(row)
    for row in _rows(folder, RUN_ROWS):
        if name := as_text(row.get("name")):
            runs[name] = _record(row, name, folder, environments)
    return [replace(run, metrics=metrics.get(name, {})) for name, run in runs.items()]


def _unpacked(name: str) -> str:
    """Return the name that a file of rows has in earlier reports."""
    return name.removesuffix(".gz")


def _rows(folder: Path, name: str) -> list[dict[str, Any]]:
    """Read a file of rows, or what earlier reports have in its place."""
    return read_lines(folder / name) or read_lines(folder / _unpacked(name))


def _run_row(run: RunRecord, grid: str | None) -> dict[str, Any]:
    """Return the row of a run in runs.jsonl.gz; its final metrics are rows of results."""
    return {
        **run.facts(),
        "env": run.environment_id,
        "kernel": run.environment.get("kernel"),
        "checkout": run.environment.get("checkout"),
        "grid": grid,
        "curves": _curve_rows(run.curves),
        "losses": _curve_rows(run.losses),
    }


def _record(
    row: Mapping[str, Any], name: str, folder: Path, environments: dict[str, dict[str, Any]]
) -> RunRecord:
    """Read a run from a row of runs.jsonl.gz, or the part of it that a row of results has."""
    grid = as_text(row.get("grid"))
    environment = _environment(folder, row, environments)
    facts = read_facts(row)
    if facts["threads"] is None:  # the rows of older reports do not state it
        facts["threads"] = as_whole(environment.get("threads"))
    return RunRecord(
        **{**facts, "name": name, "status": facts["status"] or "damaged"},
        curves=_curves(row.get("curves")),
        losses=_curves(row.get("losses")),
        grids=(folder / "samples" / Path(grid).name,) if grid else (),
        environment=environment,
        environment_id=as_text(row.get("env")),
    )


def _environment(
    folder: Path, row: Mapping[str, Any], environments: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """Return the environment of a run: the file that its row names, and the row's own facts.

    ``environments`` keeps the files that have been read: thousands of runs share a few of them.
    """
    identifier = as_text(row.get("env"))
    if identifier not in environments:
        try:
            environments[identifier] = read_json(folder / "env" / f"{Path(identifier).name}.json")
        except DamagedRunError:
            environments[identifier] = {}
    lasting_facts = environments[identifier]
    if not lasting_facts:
        return {}
    passing_facts = {key: row[key] for key in ("kernel", "checkout") if row.get(key) is not None}
    return {**lasting_facts, **passing_facts}


def _curve_rows(curves: Iterable[Curve]) -> list[dict[str, Any]]:
    """Return curves as plain data; one with the steps of the curve before it leaves them out.

    All losses of a run have the same steps, which would be half of a report's bytes.
    """
    rows: list[dict[str, Any]] = []
    steps: dict[str, Any] = {}
    for curve in curves:
        row = curve.record()
        own_steps = {key: row[key] for key in _STEPS}
        rows.append({key: row[key] for key in row if own_steps != steps or key not in _STEPS})
        steps = own_steps
    return rows


def _curves(rows: object) -> tuple[Curve, ...]:
    """Read what ``_curve_rows`` returns, leaving out those that are damaged."""
    curves: list[Curve | None] = []
    steps: dict[str, Any] = {}
    for row in map(as_mapping, rows if isinstance(rows, list) else ()):
        steps = {key: row.get(key, steps.get(key)) for key in _STEPS}
        curves.append(Curve.read({**row, **steps}))
    return tuple(curve for curve in curves if curve is not None)


def _thin(curve: Curve) -> Curve:
    """Average neighboring points until few enough are left; the last kimg and seconds stay."""
    count = len(curve.values)
    parts = min(count, MOST_POINTS)
    edges = [round(index * count / parts) for index in range(parts + 1)] if parts else [0]
    spans = list(itertools.pairwise(edges))
    return replace(
        curve,
        kimg=tuple(_rounded(curve.kimg[end - 1]) for _, end in spans),
        seconds=tuple(_rounded(curve.seconds[end - 1]) for _, end in spans),
        values=tuple(
            _rounded(math.fsum(curve.values[start:end]) / (end - start)) for start, end in spans
        ),
    )


def _rounded(value: float) -> float:
    """Round to as many digits as a picture can show."""
    return float(f"{value:.{_DIGITS}g}")
