# SPDX-License-Identifier: MIT
"""Do the metrics notice damage? Real images with known damage against real images."""

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
from ganbench.harness.damage import CheckImages, Damage, damages
from ganbench.progress import SILENT, Progress
from ganbench.records.environment import describe_environment
from ganbench.runtime.device import choose_device, device_facts
from ganbench.runtime.inference import Compute

METRICS = ("fid", "kid", "precision", "recall", "density", "coverage", "mind", "vendi", "authpct")
"""Metrics that are checked by default, with the dataset's own network if it has one."""

CLEAN = "none"
"""The kind of damage in the row of undamaged images."""


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
    ``response``: ``worse``, ``better`` or ``unmoved`` compared with undamaged test images. A
    value has moved if the difference exceeds 1.96 standard errors of both, read off their
    intervals. A value without interval has moved if it differs at all.

    Args:
        dataset: name, folder or file of images.
        metrics: to check; ``METRICS`` by default.
        samples: the most images of each side.
        compute: how feature networks are computed, and where.
        data_root: folder with downloaded datasets.
        progress: hears how much damage is measured.

    Raises:
        GanbenchError: a dataset, metric or network that is not there, or too few images.
    """
    device = choose_device(compute.device)
    images = _check_images(dataset, samples, data_root)
    spec = images.pool.spec
    network = f"@{spec.network}" if spec.network is not None else ""
    reference = Reference(
        images.training,
        metrics=metrics or [f"{name}{network}" for name in METRICS],
        compute=replace(compute, device=str(device)),
        floors=False,
        progress=progress,
    )
    planned = [Damage(CLEAN, "", lambda images: images.clean), *damages(images)]
    rows: list[dict[str, Any]] = []
    for index, damage in enumerate(planned):
        progress.advance("damage", index, len(planned))
        measurements = reference.evaluate(damage.apply(images))
        records = {name: measurement.record() for name, measurement in measurements.items()}
        clean = rows[0]["metrics"] if rows else records
        responses = {
            name: {**record, "response": response(clean[name], record)}
            for name, record in records.items()
        }
        rows.append({"damage": damage.kind, "amount": damage.amount, "metrics": responses})
    progress.advance("damage", len(planned), len(planned))
    return {
        "kind": "self-check",
        "dataset": spec.name,
        "samples": images.count,
        "real": len(images.training),
        "rows": rows,
        "environment": describe_environment(
            threads=torch.get_num_threads(), device=str(device), torch_facts=device_facts(device)
        ),
    }


def response(clean: Mapping[str, Any], damaged: Mapping[str, Any]) -> str:
    """Return whether a measurement is ``worse``, ``better`` or ``unmoved``.

    Args:
        clean: the measurement of undamaged images, as a record.
        damaged: the same metric of damaged images.
    """
    if clean["value"] is None or damaged["value"] is None:
        return "unmoved" if clean["value"] == damaged["value"] else "worse"
    difference = damaged["value"] - clean["value"]
    error = math.hypot(_error(clean), _error(damaged))
    if abs(difference) <= max(1.96 * error, 1e-12 * abs(clean["value"])):
        return "unmoved"
    higher_is_better = damaged["better"] == "higher"
    return "better" if (difference > 0) == higher_is_better else "worse"


def _error(record: Mapping[str, Any]) -> float:
    """Return the standard error that a 95 % interval stands for; 0 without an interval."""
    if record["low"] is None or record["high"] is None:
        return 0.0
    return float(record["high"] - record["low"]) / (2 * 1.96)


def _check_images(name: str, samples: int, data_root: Path | None) -> CheckImages:
    """Load both splits of a dataset."""
    source = open_dataset(name, data_root)
    if not source.spec.is_image:
        raise ConfigError(f"The self-check damages images, and {name} holds {source.spec.plural}.")
    first, *others = source.splits
    if not others:
        raise ConfigError(f"The self-check compares two splits, and {name} has only {first}.")
    held_out = "test" if "test" in others else others[0]
    training, pool = (_mixed(source.load(split)) for split in (first, held_out))
    # Half of the pool, so that half of the classes can be dropped and the others replace them.
    count = min(samples, len(pool) // 2, len(training))
    if count < 2:
        raise InputError(f"The self-check needs at least two images in a split, not {count}.")
    return CheckImages(pool, training.take(torch.arange(count)), count)


def _mixed(dataset: Dataset) -> Dataset:
    """Return a split in a fixed random order, because some files are sorted by class."""
    random = torch.Generator().manual_seed(0)
    return dataset.take(torch.randperm(len(dataset), generator=random))
