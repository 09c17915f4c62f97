# SPDX-License-Identifier: MIT
"""Measure samples from any source against real ones from any source, as ``ganbench eval`` does."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from ganbench.data.dataset import Dataset
from ganbench.data.value_range import ValueRange
from ganbench.errors import ConfigError, GanbenchError, InputError, MissingDataError
from ganbench.evaluation import reference_statistics
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.precision_deviation import deviations
from ganbench.evaluation.reference import Reference
from ganbench.evaluation.reference_statistics import ReferenceStatistics, statistics_of_points
from ganbench.evaluation.requests import Request, check_names
from ganbench.evaluation.unmeasured import joined, remedy
from ganbench.harness.class_metrics import common_classes, measured_by_class
from ganbench.harness.run_samples import RunSamples
from ganbench.harness.stored_run import plan_of_run
from ganbench.harness.trained_run import TrainedRun
from ganbench.paths import expand
from ganbench.progress import SILENT, Progress
from ganbench.records.environment import describe_environment, environment_id
from ganbench.records.exported_run import find_exported
from ganbench.records.measurement import Measurement
from ganbench.records.run_folder import is_run, open_run
from ganbench.runtime.device import choose_device, device_facts
from ganbench.runtime.inference import Compute
from ganbench.samples import open_samples
from ganbench.samples.differences import file_differences
from ganbench.samples.generator_samples import GeneratedSamples
from ganbench.samples.sample_set import Facts, Samples
from ganbench.sampling.draw import (
    sampler_conditions,
)

SamplesLike = object
"""Samples to measure: anything that ``open_samples`` reads, the folder of a run, or a run."""

DEFAULT_METRICS = ("fid", "kid", "precision", "recall", "density", "coverage")
"""The metrics for images for which no classifier is known."""


def measure_samples(
    *,
    fake: SamplesLike,
    real: SamplesLike | None = None,
    held_out: SamplesLike | None = None,
    metrics: Sequence[str] | None = None,
    network: str | None = None,
    samples: int | None = None,
    seed: int = 0,
    compute: Compute = Compute(),  # noqa: B008 - frozen
    strict: bool = False,
    cache: bool = True,
    floors: bool = True,
    data_root: Path | None = None,
    latent_dim: int | None = None,
    classes: int | None = None,
    value_range: ValueRange | None = None,
    save_statistics: Path | None = None,
    per_class: bool = False,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Measure ``fake`` against ``real``, and return the result as plain data.

    ``ganbench.evaluate`` has the same arguments and documents them. In addition, ``compute`` says
    where and how networks are computed, ``cache`` lets features of the real set be cached on disk,
    and ``save_statistics`` is a file to write the real set's mean and covariance to.

    Returns:
        The ``metrics`` by name, ``unmeasured`` with the reason by the name of each metric that
        cannot be had, facts about ``fake`` and ``real`` (name, count, version, skipped files,
        what was passed over), ``classes`` with the metrics of each class if ``per_class``,
        ``notes`` on how the sets were read and how their files differ, ``seed``, ``compute`` and
        ``environment``.

    Raises:
        GanbenchError: A source cannot be read, a metric does not suit it, or nothing can be
            measured, as weights are not on this machine or samples are too few.
    """
    check_names(metrics, network)
    device = choose_device(compute.device)
    compute = replace(compute, device=str(device))
    reading = _Reading(seed, strict, device, data_root, latent_dim, classes, value_range, progress)
    fakes = _open(fake, samples, reading)
    reals = _open(_trained_on(fakes) if real is None else real, None, reading)
    fakes, reals = _of_one_kind(fakes, reals, metrics)
    held = _open_held_out(held_out, reading)
    against = partial(
        Reference,
        metrics=_metrics_for(reals.facts, metrics, network),
        network=network,
        compute=compute,
        cache=cache,
        floors=floors,
        partial=True,
        progress=progress,
    )
    reference = against(reals, held_out=held)
    if reference.missing:
        progress.say(f"{joined(reference.missing).message} The other metrics are measured.")
    environment = _environment(device)
    machine = environment_id(environment) if cache else ""
    conditions = sampler_conditions(fakes.sampler) if isinstance(fakes, RunSamples) else ()
    labels = common_classes(fakes, reals) if per_class else []
    holders = [] if save_statistics is None else _holders_of_moments(reference)
    outcome = reference.measure(fakes, seed=seed, conditions=conditions)
    if outcome.failed and not outcome.measured:
        raise joined(outcome.failed)
    failed = dict(outcome.failed)
    by_class = measured_by_class(labels, fakes, reals, held, against, seed, conditions, failed)
    if save_statistics is not None:
        reference_statistics.write_statistics(save_statistics, _moments(reference, holders))
    return {
        "metrics": _records(reference, outcome.measured, fakes, compute, machine),
        "unmeasured": _reasons(failed),
        **({"classes": by_class} if per_class else {}),
        "fake": _describe_samples(fakes),
        "real": _describe_samples(reals),
        "notes": _notes((fakes, reals, held), reading, metrics, network, reference, compute),
        "seed": seed,
        "compute": _describe_compute(compute),
        "environment": environment,
    }


def _of_one_kind(
    fakes: Samples | ReferenceStatistics,
    reals: Samples | ReferenceStatistics,
    metrics: Sequence[str] | None,
) -> tuple[Samples | ReferenceStatistics, Samples | ReferenceStatistics]:
    """Return both sides, files of statistics taken for points where the other side holds points."""
    sides = (fakes, reals)
    held = {side.facts.kind for side in sides if isinstance(side, Samples)}
    named = not held and any(name.endswith("@points") for name in metrics or ())
    if held != {"points"} and not named:
        return sides
    first, second = (
        statistics_of_points(side) if isinstance(side, ReferenceStatistics) else side
        for side in sides
    )
    return first, second


def _trained_on(fakes: Samples | ReferenceStatistics) -> str | Dataset:
    """Return the data that a run was trained on, for samples of a run."""
    if not isinstance(fakes, RunSamples):
        raise ConfigError(
            "Real samples are needed to measure against.",
            "Name them: --real fashion-mnist, or --real FOLDER",
        )
    return fakes.trained_on


def _open_held_out(source: SamplesLike | None, reading: _Reading) -> Samples | None:
    """Open the real samples that were not trained on, if any are named."""
    held_out = None if source is None else _open(source, None, reading)
    if isinstance(held_out, ReferenceStatistics):
        raise ConfigError(
            f"{held_out.facts.name} holds statistics alone, and held-out samples are compared one "
            "by one.",
            "Name the samples themselves: --held-out mnist5k:test",
        )
    return held_out


def _environment(device: torch.device) -> dict[str, Any]:
    return describe_environment(
        threads=torch.get_num_threads(), device=str(device), torch_facts=device_facts(device)
    )


def _describe_compute(compute: Compute) -> dict[str, Any]:
    return {
        "device": compute.device,
        "engine": compute.engine,
        "precision": compute.precision,
        "tf32": False,
    }


@dataclass(frozen=True)
class _Reading:
    """How sources are read."""

    seed: int
    strict: bool
    device: torch.device
    data_root: Path | None
    latent_dim: int | None
    classes: int | None
    value_range: ValueRange | None
    progress: Progress


def _reasons(failed: Mapping[str, GanbenchError]) -> dict[str, dict[str, str]]:
    """Return why metrics cannot be had; the hint is one command that gets all that is missing."""
    command = remedy(failed)
    return {
        name: {
            "kind": error.kind,
            "message": error.message,
            "hint": command if isinstance(error, MissingDataError) else error.hint,
        }
        for name, error in failed.items()
    }


def _records(
    reference: Reference,
    measured: Mapping[str, Measurement],
    fakes: Samples | ReferenceStatistics,
    compute: Compute,
    machine: str,
) -> dict[str, dict[str, Any]]:
    """Return measurements as they are recorded.

    The sampler of a run is added, and the deviation from fp32 of another precision.
    """
    records = {name: measurement.record() for name, measurement in measured.items()}
    if isinstance(fakes, RunSamples):
        records = {name: fakes.described(record) for name, record in records.items()}
    if compute.precision != "fp32":
        moved = deviations(reference, fakes, compute, metrics=list(records), machine=machine)
        for name, deviation in moved.items():
            records[name]["precision_deviation"] = deviation.value
            records[name]["precision_checked_on"] = deviation.sets
    return records


def _open(
    source: SamplesLike, count: int | None, reading: _Reading
) -> Samples | ReferenceStatistics:
    """Open samples of any kind: statistics, a run, or anything that ``open_samples`` reads."""
    if isinstance(source, ReferenceStatistics):
        return source
    if isinstance(source, TrainedRun):
        return RunSamples(source.plan, source.folder, count, reading.seed, reading.device)
    if isinstance(source, str | Path):
        exported = find_exported(source)
        if exported is not None:
            plan = plan_of_run(exported, data_root=reading.data_root)
            return RunSamples(plan, exported, count, reading.seed, reading.device)
        path = expand(source)
        if is_run(path):
            folder = open_run(path)
            plan = plan_of_run(folder, data_root=reading.data_root)
            return RunSamples(plan, folder, count, reading.seed, reading.device)
        if reference_statistics.is_statistics(path):
            return reference_statistics.read_statistics(path)
    return open_samples(
        source,
        count=count,
        seed=reading.seed,
        strict=reading.strict,
        device=reading.device,
        data_root=reading.data_root,
        latent_dim=reading.latent_dim,
        classes=reading.classes,
        value_range=reading.value_range,
        progress=reading.progress,
    )


def _metrics_for(
    real: Facts, metrics: Sequence[str] | None, network: str | None
) -> Sequence[str] | None:
    """Return the requested metrics, or the default ones where the data have none of their own."""
    if metrics is not None or real.kind == "points":
        return metrics
    own = real.kind == "images" and (network or real.network)
    return None if own else DEFAULT_METRICS  # which refuse sequences and videos


def _describe_samples(samples: Samples | ReferenceStatistics) -> dict[str, Any]:
    """Return the facts about a set of samples that the result holds."""
    facts = samples.facts
    skipped = samples.skipped if isinstance(samples, Samples) else {}
    count = len(samples) if isinstance(samples, Samples) else samples.evidence.count
    return {
        "name": facts.name,
        "kind": facts.kind,
        "split": facts.split,
        "version": facts.version,
        "shape": facts.shape,
        "count": count - len(skipped),
        "skipped": dict(skipped),
        "passed_over": dict(samples.passed_over) if isinstance(samples, Samples) else {},
    }


_Sets = tuple[Samples | ReferenceStatistics, Samples | ReferenceStatistics, Samples | None]
"""The fake samples, the real ones, and those that were not trained on."""


def _notes(
    sets: _Sets,
    reading: _Reading,
    metrics: Sequence[str] | None,
    network: str | None,
    reference: Reference,
    compute: Compute,
) -> list[str]:
    """Return sentences on how the sets were read, on their files, and on idle options."""
    fakes, reals, held = sets
    read = [each for each in sets if isinstance(each, Samples)]
    notes = list(dict.fromkeys(notice for each in read for notice in each.notices))
    if isinstance(fakes, Samples) and isinstance(reals, Samples):
        notes += file_differences(fakes, reals)
    notes += _without_effect(sets, reading, metrics, network)
    return notes + _unused(reference.requests, compute, held)


def _without_effect(
    sets: _Sets, reading: _Reading, metrics: Sequence[str] | None, network: str | None
) -> list[str]:
    """Return a sentence for each option that found nothing to act on."""
    drawn = any(isinstance(each, GeneratedSamples) for each in sets)
    floats = any(isinstance(each, Samples) and each.takes_range for each in sets)
    idle = {
        "latent size": reading.latent_dim and not drawn,
        "number of classes": reading.classes and not drawn,
        "range of values": reading.value_range and not floats,
        "network": network and metrics and all("@" in name for name in metrics),
    }
    reasons = {
        "latent size": "no set comes from a generator that takes latents",
        "number of classes": "no set comes from a generator that takes labels",
        "range of values": "no set holds floating-point images",
        "network": "every metric names its own",
    }
    return [f"The {name} changed nothing: {reasons[name]}." for name in idle if idle[name]]


def _unused(requests: Sequence[Request], compute: Compute, held: Samples | None) -> list[str]:
    """Return a sentence for each option that no metric makes use of.

    Networks that are exact give the same however they are computed.
    """
    computing = any(request.network and not request.network.facts.exact for request in requests)
    notes = [
        f"The {name} changed nothing: no metric here computes a network."
        for name, chosen in (
            ("number format", compute.precision != "fp32"),
            ("engine", compute.engine != "torch"),
        )
        if chosen and not computing
    ]
    if held is not None and not any(request.metric.holds_out for request in requests):
        notes.append(
            "The held-out samples changed nothing: no metric here compares with them. "
            "fid-gap and data-copying do."
        )
    return notes


def _holders_of_moments(reference: Reference) -> list[str]:
    """Return the metrics whose real evidence will hold the mean and covariance of features.

    Raises:
        ConfigError: There are none.
    """
    holders = [request.name for request in reference.requests if reference.holds_moments(request)]
    if not holders:
        raise ConfigError(
            "Statistics are the mean and covariance of features, and no metric here needs them.",
            "Measure fid as well: --metrics fid",
        )
    return holders


def _moments(reference: Reference, names: Sequence[str]) -> Evidence:
    """Return the real evidence of the first metric that holds a mean and a covariance.

    Raises:
        InputError: None does, as the real samples are too few or cannot be read.
    """
    for name in names:
        with contextlib.suppress(ConfigError, InputError):  # the metric is among the unmeasured
            evidence = reference.real_evidence(name)
            if evidence.moments is not None:
                return evidence
    raise InputError(
        f"{reference.real.facts.name} has no mean and covariance of features to save.",
        "Leave --save-statistics out.",
    )
