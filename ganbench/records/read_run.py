# SPDX-License-Identifier: MIT
"""From a run folder to a record, whatever state the folder is in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from ganbench.errors import DamagedRunError
from ganbench.records.atomic_files import read_json
from ganbench.records.environment import environment_id
from ganbench.records.json_values import as_counts, as_mapping, as_number, as_text, as_whole
from ganbench.records.measurement import Measurement
from ganbench.records.run_folder import FAILURES, STATUSES, RunFolder
from ganbench.records.run_record import Curve, RunRecord
from ganbench.records.strip_paths import strip_paths, strip_paths_in


def read_run(folder: RunFolder, *, courses: bool = True) -> RunRecord:
    """Read one run folder, whatever state it is in.

    Without ``courses`` the long files stay closed: ``complete`` reads curves, losses and grids.
    """
    try:
        return _read(folder, folder.config(), courses=courses)
    except DamagedRunError:
        return RunRecord(_name(folder), "damaged", problem="config.json cannot be read.")


def read_if_run(folder: RunFolder, *, courses: bool = True) -> RunRecord | None:
    """Read a run, even a damaged one; None for another program's folder with a config.json."""
    try:
        document = folder.config()
    except DamagedRunError:
        own = (folder.stats_file, folder.result_file, folder.checkpoint_file)
        return read_run(folder) if any(file.exists() for file in own) else None
    return _read(folder, document, courses=courses) if "identity" in document else None


def complete(run: RunRecord) -> RunRecord:
    """Return a run with the curves, losses and grids that reading has left in its folder."""
    return run if run.place is None else replace(run, **_courses(RunFolder(run.place)), place=None)


def _read(folder: RunFolder, document: Mapping[str, Any], *, courses: bool) -> RunRecord:
    config = strip_paths_in(as_mapping(document.get("config")))
    record = RunRecord(
        name=_name(folder),
        status="running",
        identity=as_text(document.get("identity")),
        model=as_text(config.get("model")),
        dataset=as_text(config.get("dataset")),
        variant=as_text(document.get("variant")),
        seed=as_whole(config.get("seed")),
        precision=as_text(config.get("precision")),
        command=as_text(document.get("command")),
        config=config,
        **(_courses(folder) if courses else {"place": folder.path}),
        **_environment(folder),
    )
    return _with_result(record, folder)


def _name(folder: RunFolder) -> str:
    """Return the folder's own name, also where it was given as ``.``; following links is slow."""
    name = folder.path.name
    return folder.path.resolve().name if name in {"", ".."} else name


def _courses(folder: RunFolder) -> dict[str, Any]:
    """Return what is long, and shown of a few runs only."""
    return {
        "curves": _metric_curves(folder),
        "losses": _loss_curves(folder),
        "grids": tuple(folder.sample_grids()),
    }


def _with_result(record: RunRecord, folder: RunFolder) -> RunRecord:
    """Add what result.json says; without it the run has failed, is still going, or was killed."""
    try:
        result = folder.result()
    except DamagedRunError:
        if folder.finished:
            return replace(record, status="damaged", problem="result.json cannot be read.")
        return _without_result(record, folder)
    status = as_text(result.get("status"))
    known = status in STATUSES
    return replace(
        record,
        status=status if known else "damaged",
        problem="" if known else "result.json holds no status that is known.",
        identity=record.identity or as_text(result.get("identity")),
        model=record.model or as_text(result.get("model")),
        dataset=record.dataset or as_text(result.get("dataset")),
        seed=record.seed if record.seed is not None else as_whole(result.get("seed")),
        kimg=as_number(result.get("kimg")),
        seconds=as_number(result.get("seconds")),
        images_per_second=as_number(result.get("images_per_second")),
        device=as_text(result.get("device")),
        precision=as_text(result.get("precision")) or record.precision,
        parameters=as_counts(result.get("parameters")),
        metrics={
            strip_paths(str(metric)): Measurement.read(measured)
            for metric, measured in as_mapping(result.get("metrics")).items()
        },
    )


def _without_result(record: RunRecord, folder: RunFolder) -> RunRecord:
    """Add how far a run without result.json came, and what failure.json says of its end."""
    rows = [(as_number(row.get("kimg")), as_number(row.get("seconds"))) for row in folder.stats()]
    reached = replace(
        record,
        kimg=max((kimg for kimg, _ in rows if kimg is not None), default=None),
        seconds=max((seconds for _, seconds in rows if seconds is not None), default=None),
    )
    if not folder.failure_file.is_file():
        return reached
    try:
        failure = read_json(folder.failure_file)
    except DamagedRunError:
        return replace(reached, status="damaged", problem="failure.json cannot be read.")
    status = as_text(failure.get("status"))
    problem = as_text(failure.get("error")) or "failure.json does not say why."
    return replace(reached, status=status if status in FAILURES else "failed", problem=problem)


def _environment(folder: RunFolder) -> dict[str, Any]:
    try:
        found, identifier = _described(folder.environment_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    threads = as_whole(found.get("threads"))
    return {"environment": found, "environment_id": identifier, "threads": threads}


@lru_cache(maxsize=64)
def _described(document: str) -> tuple[Mapping[str, Any], str]:
    """Return an environment and its id; thousands of runs share a few of them."""
    found = strip_paths_in(json.loads(document))
    if not isinstance(found, Mapping):
        raise ValueError("A JSON object was expected.")
    return found, environment_id(found)


def _metric_curves(folder: RunFolder) -> tuple[Curve, ...]:
    """Return metrics.jsonl by metric and protocol; of two rows at one kimg the later counts."""
    points: dict[tuple[str, str], dict[float, tuple[float, Measurement]]] = {}
    for row in folder.measurements():
        kimg, seconds = as_number(row.get("kimg")), as_number(row.get("seconds"))
        if kimg is None or seconds is None:
            continue
        for name, given in as_mapping(row.get("metrics")).items():
            measured = Measurement.read(given)
            if measured.value is not None:
                at = points.setdefault((strip_paths(str(name)), measured.protocol), {})
                at[kimg] = (seconds, measured)
    curves = []
    for (name, protocol), at in points.items():
        kimgs = sorted(at)
        last = at[kimgs[-1]][1]
        curves.append(
            Curve(
                name=name,
                kimg=tuple(kimgs),
                seconds=tuple(at[kimg][0] for kimg in kimgs),
                values=tuple(at[kimg][1].value or 0.0 for kimg in kimgs),
                protocol=protocol,
                better=last.better,
                unit=last.unit,
            )
        )
    return tuple(curves)


def _loss_curves(folder: RunFolder) -> tuple[Curve, ...]:
    """Return the losses and logits of stats.jsonl, each where it is a number."""
    points: dict[str, list[tuple[float, float, float]]] = {}
    for row in folder.stats():
        kimg, seconds = as_number(row.get("kimg")), as_number(row.get("seconds"))
        if kimg is None or seconds is None:
            continue
        for name, given in row.items():
            value = as_number(given)
            if name.startswith(("loss/", "logits/")) and value is not None:
                points.setdefault(strip_paths(name), []).append((kimg, seconds, value))
    curves = []
    for name, rows in points.items():
        kimgs, times, values = zip(*rows, strict=True)
        curves.append(Curve(name, kimgs, times, values))
    return tuple(curves)
