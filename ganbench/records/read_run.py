# SPDX-License-Identifier: MIT
"""Read a run folder into a record, whatever state the folder is in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from ganbench.errors import DamagedRunError
from ganbench.records.atomic_files import LARGEST_DOCUMENT, opened
from ganbench.records.environment import environment_id
from ganbench.records.json_values import as_mapping, as_number, as_text, parse_json
from ganbench.records.measurement import Measurement
from ganbench.records.run_folder import STATUSES, RunFolder, read_failure
from ganbench.records.run_record import Curve, Json, RunRecord, read_sources
from ganbench.records.strip_paths import strip_paths, strip_paths_in

_UNREADABLE_ROWS = "stats.jsonl or metrics.jsonl cannot be read."
_UNREADABLE_FAILURE = "failure.json cannot be read, or holds no known status."


def read_run(folder: RunFolder, *, curves: bool = True) -> RunRecord:
    """Read a run folder, whatever state it is in.

    Without ``curves`` the long files stay closed: ``complete`` reads curves, losses and grids.
    """
    try:
        return _read(folder, folder.config(), curves=curves)
    except DamagedRunError:
        return RunRecord(_name(folder), "damaged", problem="config.json cannot be read.")


def read_if_run(folder: RunFolder, *, curves: bool = True) -> RunRecord | None:
    """Read a run, even a damaged one; None for another program's folder with a config.json."""
    try:
        document = folder.config()
    except DamagedRunError:
        own_files = (folder.stats_file, folder.result_file, folder.checkpoint_file)
        return read_run(folder) if any(file.exists() for file in own_files) else None
    return _read(folder, document, curves=curves) if "identity" in document else None


def complete(run: RunRecord) -> RunRecord:
    """Return a run with the curves, losses and grids that are still unread in its folder."""
    if run.unread_folder is None:
        return run
    try:
        parts = _long_parts(RunFolder(run.unread_folder))
    except DamagedRunError:
        parts = {"status": "damaged", "problem": _UNREADABLE_ROWS}
    return replace(run, **parts, unread_folder=None)


def _read(folder: RunFolder, document: Json, *, curves: bool) -> RunRecord:
    """Read a run whose config.json is ``document``."""
    config = strip_paths_in(as_mapping(document.get("config")))
    environment, environment_id = _environment(folder)
    result = _result(folder)
    facts = read_sources(
        {
            "config.json": document,
            "config": config,
            "result.json": _without_paths(result or {}),
            "env.json": environment,
        }
    )
    record = RunRecord(
        name=_name(folder),
        status="running",
        **facts,
        config=config,
        metrics=_metrics(result or {}),
        environment=environment,
        environment_id=environment_id,
        unread_folder=folder.path,
    )
    if result is not None:
        record = _with_status(record, result)
    elif folder.finished:
        record = replace(record, status="damaged", problem="result.json cannot be read.")
    else:
        record = _without_result(record, folder)
    return complete(record) if curves else record


def _without_paths(result: Json) -> Json:
    """Return a result whose nested facts name no place on this machine."""
    nested = {key: strip_paths_in(as_mapping(result.get(key))) for key in ("health", "best")}
    return {**result, **nested}


def _name(folder: RunFolder) -> str:
    """Return the folder's own name, even if it was given as ``.``; following links is slow."""
    name = folder.path.name
    return folder.path.resolve().name if name in {"", ".."} else name


def _long_parts(folder: RunFolder) -> dict[str, Any]:
    """Return the fields that take long to read and are shown for a few runs only."""
    return {
        "curves": _metric_curves(folder),
        "losses": _loss_curves(folder),
        "grids": tuple(folder.sample_grids()),
        "recording": folder.recording_file if folder.recording_file.is_file() else None,
    }


def _result(folder: RunFolder) -> dict[str, Any] | None:
    """Return result.json; None where it is missing or cannot be read."""
    try:
        return folder.result()
    except DamagedRunError:
        return None


def _metrics(result: Json) -> dict[str, Measurement]:
    """Return the final measurements of a run by metric."""
    return {
        strip_paths(str(metric)): Measurement.read(measurement)
        for metric, measurement in as_mapping(result.get("metrics")).items()
    }


def _with_status(record: RunRecord, result: Json) -> RunRecord:
    """Add the status that result.json states."""
    status = as_text(result.get("status"))
    if status in STATUSES:
        return replace(record, status=status)
    return replace(record, status="damaged", problem="result.json holds no known status.")


def _without_result(record: RunRecord, folder: RunFolder) -> RunRecord:
    """Add how far a run without result.json got, and why it ended if failure.json says so."""
    try:
        rows = folder.stats()
    except DamagedRunError:
        return replace(record, status="damaged", problem=_UNREADABLE_ROWS)
    seconds = [as_number(row.get("seconds")) for row in rows]
    reached = replace(
        record,
        kimg=max((float(row["kimg"]) for row in rows), default=None),
        seconds=max((number for number in seconds if number is not None), default=None),
    )
    if not folder.failure_file.is_file():
        return reached
    try:
        failure = read_failure(folder.failure_file)
    except DamagedRunError:
        return replace(reached, status="damaged", problem=_UNREADABLE_FAILURE)
    return replace(reached, status=failure.status, problem=failure.reason)


def _environment(folder: RunFolder) -> tuple[Json, str]:
    """Return the environment of a run and its id; both are empty if env.json cannot be read."""
    try:
        with opened(folder.environment_file, LARGEST_DOCUMENT) as file:
            return _parse_environment(file.read())
    except (DamagedRunError, ValueError):
        return {}, ""


@lru_cache(maxsize=64)
def _parse_environment(text: bytes) -> tuple[Json, str]:
    """Return an environment and its id; thousands of runs share a few environments."""
    environment = strip_paths_in(parse_json(text))
    if not isinstance(environment, Mapping):
        raise ValueError("A JSON object was expected.")
    return environment, environment_id(environment)


def _metric_curves(folder: RunFolder) -> tuple[Curve, ...]:
    """Return metrics.jsonl by metric and protocol; of two rows at one kimg the later counts."""
    points: dict[tuple[str, str], dict[float, tuple[float, Measurement]]] = {}
    for row in folder.measurements():
        kimg, seconds = as_number(row.get("kimg")), as_number(row.get("seconds"))
        if kimg is None or seconds is None:
            continue
        for name, value in as_mapping(row.get("metrics")).items():
            measurement = Measurement.read(value)
            if measurement.value is not None:
                by_kimg = points.setdefault((strip_paths(str(name)), measurement.protocol), {})
                by_kimg[kimg] = (seconds, measurement)
    return tuple(_metric_curve(name, by_kimg) for (name, _), by_kimg in points.items())


def _metric_curve(name: str, by_kimg: Mapping[float, tuple[float, Measurement]]) -> Curve:
    """Return the measurements of a metric by one protocol as a curve, in the order of kimg."""
    rows = [(kimg, *by_kimg[kimg]) for kimg in sorted(by_kimg)]
    _, _, last = rows[-1]
    return Curve(
        name=name,
        kimg=tuple(kimg for kimg, _, _ in rows),
        seconds=tuple(seconds for _, seconds, _ in rows),
        values=tuple(measurement.value or 0.0 for _, _, measurement in rows),
        protocol=last.protocol,
        better=last.better,
        unit=last.unit,
    )


def _loss_curves(folder: RunFolder) -> tuple[Curve, ...]:
    """Return the losses and logits of stats.jsonl, each at the rows where it is a number."""
    points: dict[str, list[tuple[float, float, float]]] = {}
    for row in folder.stats():
        kimg, seconds = as_number(row.get("kimg")), as_number(row.get("seconds"))
        if kimg is None or seconds is None:
            continue
        for name, entry in row.items():
            value = as_number(entry)
            if name.startswith(("loss/", "logits/")) and value is not None:
                points.setdefault(strip_paths(name), []).append((kimg, seconds, value))
    curves = []
    for name, rows in points.items():
        kimgs, times, values = zip(*rows, strict=True)
        curves.append(Curve(name, kimgs, times, values))
    return tuple(curves)
