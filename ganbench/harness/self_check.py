# SPDX-License-Identifier: MIT
"""Do the metrics notice what they should? Real images with known damage against real images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ganbench.data import open_dataset
from ganbench.data.dataset import Dataset
from ganbench.errors import ConfigError, InputError
from ganbench.evaluation.reference import Reference
from ganbench.harness.damage import Held, damages
from ganbench.progress import SILENT, Progress
from ganbench.records.environment import describe_environment
from ganbench.runtime.device import choose_device, device_facts
from ganbench.runtime.inference import Compute

METRICS = ("fid", "kid", "precision", "recall", "density", "coverage", "mind", "vendi", "authpct")
"""What is checked where nothing is named, with the dataset's own network if it has one."""

CLEAN = "none"


def self_check(
    dataset: str,
    *,
    metrics: Sequence[str] | None = None,
    samples: int = 1000,
    compute: Compute = Compute(),  # noqa: B008 - frozen
    data_root: Path | None = None,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Measure damaged test images of a dataset against as many of its training images.

    A row of the result is a kind and an amount of damage with every metric's value and its
    ``response``: ``worse``, ``better`` or ``unmoved`` against undamaged test images. A value has
    moved if the difference is beyond 1.96 standard errors of both, read off their intervals; one
    without interval if it differs at all.

    Raises:
        GanbenchError: a dataset, metric or network that is not there, or too few images.
    """
    device = choose_device(compute.device)
    held = _held(dataset, samples, data_root)
    spec = held.pool.spec
    names = metrics or (
        METRICS if spec.network is None else [f"{m}@{spec.network}" for m in METRICS]
    )
    reference = Reference(
        held.training,
        metrics=names,
        compute=replace(compute, device=str(device)),
        floors=False,
        progress=progress,
    )
    planned = damages(held)
    rows: list[dict[str, Any]] = []
    for index, one in enumerate([None, *planned]):
        progress.advance("damage", index, len(planned) + 1)
        values = held.clean if one is None else one.apply(held)
        measured = {name: m.record() for name, m in reference.evaluate(values).items()}
        clean = rows[0]["metrics"] if rows else measured
        rows.append(
            {
                "damage": one.kind if one else CLEAN,
                "amount": one.amount if one else "",
                "metrics": {
                    name: {**m, "response": response(clean[name], m)}
                    for name, m in measured.items()
                },
            }
        )
    progress.advance("damage", len(planned) + 1, len(planned) + 1)
    return {
        "kind": "self-check",
        "dataset": spec.name,
        "samples": held.count,
        "real": len(held.training),
        "rows": rows,
        "environment": describe_environment(
            threads=torch.get_num_threads(), device=str(device), torch_facts=device_facts(device)
        ),
    }


def response(clean: Mapping[str, Any], damaged: Mapping[str, Any]) -> str:
    """Tell whether a measurement is ``worse`` or ``better`` than the clean one, or ``unmoved``."""
    if clean["value"] is None or damaged["value"] is None:
        return "unmoved" if clean["value"] == damaged["value"] else "worse"
    difference = damaged["value"] - clean["value"]
    error = math.hypot(_error(clean), _error(damaged))
    if abs(difference) <= max(1.96 * error, 1e-12 * abs(clean["value"])):
        return "unmoved"
    higher = damaged["better"] == "higher"
    return "better" if (difference > 0) == higher else "worse"


def _error(record: Mapping[str, Any]) -> float:
    """Return the standard error that a 95 % interval stands for; 0 without one."""
    if record["low"] is None or record["high"] is None:
        return 0.0
    return float(record["high"] - record["low"]) / (2 * 1.96)


def _held(name: str, samples: int, root: Path | None) -> Held:
    source = open_dataset(name, root)
    if not source.spec.is_image:
        raise ConfigError(f"The self-check damages images, and {name} holds points.")
    training, pool = (_mixed(source.load(split)) for split in source.splits[:2])
    # Half of the pool, so that half of the classes can be dropped and the rest make up for it.
    count = min(samples, len(pool) // 2, len(training))
    if count < 2:
        raise InputError(f"The self-check needs at least two images a split, not {count}.")
    return Held(pool, training.take(torch.arange(count)), count)


def _mixed(dataset: Dataset) -> Dataset:
    """Return a split in a fixed random order: some files are sorted by class."""
    random = torch.Generator().manual_seed(0)
    return dataset.take(torch.randperm(len(dataset), generator=random))
