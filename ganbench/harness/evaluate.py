# SPDX-License-Identifier: MIT
"""Samples from anywhere against real ones from anywhere: what ``ganbench eval`` does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganbench.data.dataset import Dataset, to_uint8
from ganbench.errors import ConfigError
from ganbench.evaluation import reference_statistics
from ganbench.evaluation.metric import Evidence
from ganbench.evaluation.precision_deviation import deviations
from ganbench.evaluation.reference import Reference
from ganbench.evaluation.reference_statistics import ReferenceStatistics
from ganbench.harness.plan import RunPlan, plan_of
from ganbench.harness.run import load_state
from ganbench.harness.run_metrics import default_samples
from ganbench.harness.trained_run import TrainedRun
from ganbench.progress import SILENT, Progress
from ganbench.records.environment import describe_environment
from ganbench.records.measurement import Measurement
from ganbench.records.run_folder import RunFolder, open_run
from ganbench.runtime.device import choose_device, device_facts
from ganbench.runtime.inference import Compute
from ganbench.samples import open_samples
from ganbench.samples.sample_set import CHUNK, Chunk, Facts, Samples, check_finite
from ganbench.sampling.draw import DRAW_BATCH, sampler_name, stream
from ganbench.state import State
from ganbench.training.trainer import evaluating

SamplesLike = (
    str
    | Path
    | Tensor
    | Samples
    | Dataset
    | ReferenceStatistics
    | TrainedRun
    | Callable[..., Any]
    | np.ndarray
)
"""What can be measured, as ``ganbench.samples.open_samples`` reads it, or the folder of a run."""

DEFAULT_METRICS = ("fid", "kid", "precision", "recall", "density", "coverage")
"""What images of which no classifier is known are measured by."""


def measure_samples(
    *,
    fake: SamplesLike,
    real: SamplesLike | None = None,
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
    save_statistics: Path | None = None,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Measure ``fake`` against ``real``; both are given by name, because they are not alike.

    A source is a folder, archive or array of images, points as csv, npy or npz, a dataset's
    name (``fashion-mnist:test``), the folder of a run, a Python callable, a TorchScript or ONNX
    generator, or a tensor. Without ``real`` a run is measured against the data it was trained
    on. ``samples`` is how many are drawn from a generator; of another source a random part of
    that size is measured. ``metrics`` None means those that suit the real data, else
    ``DEFAULT_METRICS``. ``strict`` refuses images that cannot be read, which are else left out
    and counted. ``save_statistics`` is a file for the real set's mean and covariance.

    The result holds ``metrics`` by name, ``fake`` and ``real`` (name, count, version, skipped
    files), ``compute`` and ``environment``.

    Raises:
        GanbenchError: sources that cannot be read, metrics that do not suit them, weights that
            are not on this machine.
    """
    device = choose_device(compute.device)
    compute = replace(compute, device=str(device))
    how = _Reading(seed, strict, device, data_root, latent_dim, classes)
    fakes = _open(fake, samples, how)
    if real is None:
        if not isinstance(fakes, RunSamples):
            raise ConfigError(
                "Real samples are needed to measure against.",
                "Name them: --real fashion-mnist, or --real FOLDER",
            )
        real = fakes.trained_on
    reals = _open(real, None, how)
    reference = Reference(
        reals,
        metrics=_chosen(metrics, network, reals.facts),
        network=network,
        compute=compute,
        cache=cache,
        floors=floors,
        progress=progress,
    )
    measured = reference.evaluate(fakes, seed=seed)
    if save_statistics is not None:
        reference_statistics.write_statistics(save_statistics, _with_moments(reference))
    return {
        "metrics": _records(reference, measured, fakes, compute),
        "fake": _facts(fakes),
        "real": _facts(reals),
        "seed": seed,
        "compute": {
            "device": compute.device,
            "engine": compute.engine,
            "precision": compute.precision,
            "tf32": False,
        },
        "environment": describe_environment(
            threads=torch.get_num_threads(), device=str(device), torch_facts=device_facts(device)
        ),
    }


@dataclass(frozen=True)
class _Reading:
    """How sources are opened."""

    seed: int
    strict: bool
    device: torch.device
    data_root: Path | None
    latent_dim: int | None
    classes: int | None


def _records(
    reference: Reference,
    measured: Mapping[str, Measurement],
    fakes: Samples | ReferenceStatistics,
    compute: Compute,
) -> dict[str, dict[str, Any]]:
    """Return measurements as they are recorded, with what a run and a faster format add."""
    records = {name: one.record() for name, one in measured.items()}
    if isinstance(fakes, RunSamples):
        records = {name: {**one, "sampler": fakes.sampler} for name, one in records.items()}
    if compute.precision != "fp32":
        for name, moved in deviations(reference, fakes, compute).items():
            records[name]["precision_deviation"] = moved
    return records


def _open(source: SamplesLike, count: int | None, how: _Reading) -> Samples | ReferenceStatistics:
    if isinstance(source, ReferenceStatistics):
        return source
    if isinstance(source, TrainedRun):
        return RunSamples(source.plan, open_run(source.path), count, how.seed, how.device)
    if isinstance(source, str | Path):
        path = Path(source).expanduser()
        if (path / "config.json").is_file():
            folder = open_run(path)
            plan = plan_of(folder.description(), data_root=how.data_root)
            return RunSamples(plan, folder, count, how.seed, how.device)
        if reference_statistics.is_statistics(path):
            return reference_statistics.read_statistics(path)
    return open_samples(
        source,
        count=count,
        seed=how.seed,
        strict=how.strict,
        device=how.device,
        data_root=how.data_root,
        latent_dim=how.latent_dim,
        classes=how.classes,
    )


def _chosen(
    metrics: Sequence[str] | None, network: str | None, real: Facts
) -> Sequence[str] | None:
    """Return the metrics asked for, or for images without a classifier the usual ones."""
    if metrics is not None or real.kind == "points":
        return metrics
    return None if network or real.network else DEFAULT_METRICS


def _facts(samples: Samples | ReferenceStatistics) -> dict[str, Any]:
    """Return what is to be known of a set of samples, for the record."""
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
    }


def _with_moments(reference: Reference) -> Evidence:
    """Return the evidence of the real set that holds moments, if any metric needed them."""
    for request in reference.requests:
        evidence = reference.real_evidence(request.name)
        if evidence.moments is not None:
            return evidence
    raise ConfigError(
        "Statistics are the mean and covariance of features, and no metric here needs them.",
        "Measure fid, too: --metrics fid",
    )


class RunSamples(Samples):
    """What a trained run draws: the same samples for the same seed."""

    def __init__(
        self, plan: RunPlan, folder: RunFolder, count: int | None, seed: int, device: torch.device
    ) -> None:
        self._state: State = load_state(plan, folder, device)
        self._seed = seed
        spec = self._state.data
        self._count = count or default_samples(spec)
        self._plan = plan
        self.sampler = sampler_name(self._state)
        self.skipped = {}
        self.facts = Facts(
            folder.path.name, "", "images" if spec.is_image else "points", shape=spec.shape
        )

    @property
    def trained_on(self) -> str | Dataset:
        """The data that the run was trained on, by name where they have one."""
        source = self._plan.source
        return source.load(source.splits[0]) if self._plan.in_memory else self._plan.config.dataset

    def __len__(self) -> int:
        return self._count

    def chunks(self, size: int = CHUNK) -> Iterator[Chunk]:
        """Draw as training's own measurements do, in batches that do not depend on ``size``."""
        random = stream(self._state, self._seed, "metrics")
        for start in range(0, self._count, DRAW_BATCH):
            with evaluating(self._state):
                values = self._state.sampler()(min(DRAW_BATCH, self._count - start), random).cpu()
            check_finite(values)
            values = to_uint8(values) if self._state.data.is_image else values.float()
            for at in range(0, len(values), size):
                part = values[at : at + size]
                yield Chunk(part, np.arange(start + at, start + at + len(part)))
