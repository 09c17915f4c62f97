# SPDX-License-Identifier: MIT
"""From a run folder to a record, whatever state the folder is in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ganbench.errors import DamagedRunError
from ganbench.records.environment import environment_id
from ganbench.records.files import read_json
from ganbench.records.portable import portable, portable_value
from ganbench.records.record import (
    Curve,
    Measurement,
    RunRecord,
    counts,
    mapping,
    number,
    text,
    whole,
)
from ganbench.records.run import STATUSES, RunFolder


def read_run(folder: RunFolder) -> RunRecord:
    """Read one run folder, whatever state it is in."""
    name = folder.path.resolve().name
    try:
        document = folder.config()
    except DamagedRunError:
        return RunRecord(name, "damaged", problem="config.json cannot be read.")
    config = portable_value(mapping(document.get("config")))
    record = RunRecord(
        name=name,
        status="running",
        identity=text(document.get("identity")),
        model=text(config.get("model")),
        dataset=text(config.get("dataset")),
        variant=text(document.get("variant")),
        seed=whole(config.get("seed")),
        precision=text(config.get("precision")),
        command=text(document.get("command")),
        config=config,
        curves=_metric_curves(folder),
        losses=_loss_curves(folder),
        grids=tuple(folder.sample_grids()),
        **_environment(folder),
    )
    return _with_result(record, folder)


def _with_result(record: RunRecord, folder: RunFolder) -> RunRecord:
    """Add what result.json says; without it the run is still going, or was killed."""
    if not folder.finished:
        reached = [curve for curve in record.losses if curve.kimg]
        return replace(
            record,
            kimg=max((curve.kimg[-1] for curve in reached), default=None),
            seconds=max((curve.seconds[-1] for curve in reached), default=None),
        )
    try:
        result = folder.result()
    except DamagedRunError:
        return replace(record, status="damaged", problem="result.json cannot be read.")
    status = text(result.get("status"))
    known = status in STATUSES
    return replace(
        record,
        status=status if known else "damaged",
        problem="" if known else "result.json holds no status that is known.",
        identity=record.identity or text(result.get("identity")),
        model=record.model or text(result.get("model")),
        dataset=record.dataset or text(result.get("dataset")),
        seed=record.seed if record.seed is not None else whole(result.get("seed")),
        kimg=number(result.get("kimg")),
        seconds=number(result.get("seconds")),
        images_per_second=number(result.get("images_per_second")),
        device=text(result.get("device")),
        precision=text(result.get("precision")) or record.precision,
        parameters=counts(result.get("parameters")),
        metrics={
            portable(str(metric)): Measurement.read(measured)
            for metric, measured in mapping(result.get("metrics")).items()
        },
    )


def _environment(folder: RunFolder) -> dict[str, Any]:
    try:
        found = portable_value(read_json(folder.environment_file))
    except DamagedRunError:
        return {}
    return {"environment": found, "environment_id": environment_id(found)}


def _metric_curves(folder: RunFolder) -> tuple[Curve, ...]:
    """Return metrics.jsonl by metric and protocol; of two rows at one kimg the later counts."""
    points: dict[tuple[str, str], dict[float, tuple[float, Measurement]]] = {}
    for row in folder.measurements():
        kimg, seconds = number(row.get("kimg")), number(row.get("seconds"))
        if kimg is None or seconds is None:
            continue
        for name, given in mapping(row.get("metrics")).items():
            measured = Measurement.read(given)
            if measured.value is not None:
                at = points.setdefault((portable(str(name)), measured.protocol), {})
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
        kimg, seconds = number(row.get("kimg")), number(row.get("seconds"))
        if kimg is None or seconds is None:
            continue
        for name, given in row.items():
            value = number(given)
            if name.startswith(("loss/", "logits/")) and value is not None:
                points.setdefault(portable(name), []).append((kimg, seconds, value))
    curves = []
    for name, rows in points.items():
        kimgs, times, values = zip(*rows, strict=True)
        curves.append(Curve(name, kimgs, times, values))
    return tuple(curves)


def looks_like_run(folder: RunFolder) -> bool:
    """Tell a run, even a damaged one, from another program's folder with a config.json."""
    try:
        return "identity" in folder.config()
    except DamagedRunError:
        own = (folder.stats_file, folder.result_file, folder.checkpoint_file)
        return any(file.exists() for file in own)
