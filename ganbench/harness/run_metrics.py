# SPDX-License-Identifier: MIT
"""Measuring a trained pair: at the end of a run, along the way, and long after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganbench.data.dataset import Dataset
from ganbench.evaluation.reference import Reference
from ganbench.evaluation.requests import Request, resolve_requests
from ganbench.gan import DataSpec
from ganbench.progress import Progress
from ganbench.records.run_folder import RunFolder
from ganbench.runtime.inference import Compute
from ganbench.samples.sample_set import facts_of
from ganbench.sampling.draw import draw, sampler_name
from ganbench.state import State
from ganbench.training.trainer import evaluating


def default_samples(data: DataSpec) -> int:
    """Return how many samples are measured: PacGAN's 2,500 points, VEEGAN's 26,000 stacks."""
    if not data.is_image:
        return 2500
    return 26_000 if data.classes >= 1000 else 5000


class RunMetrics:
    """Metrics of whatever state it is called with, always of the same latents of a seed."""

    def __init__(
        self,
        dataset: Dataset,
        *,
        seed: int,
        device: str,
        metrics: Sequence[str] | None,
        samples: int | None,
        progress: Progress,
    ) -> None:
        self.reference = Reference(
            dataset, metrics=metrics, compute=Compute(device=device), progress=progress
        )
        self._seed = seed
        self._count = samples or default_samples(dataset.spec)

    @property
    def wanted(self) -> bool:
        """Whether there is anything to measure."""
        return bool(self.reference.requests)

    def __call__(self, state: State) -> dict[str, Any]:
        """Return the measurements by name; none of samples that are not finite."""
        if not self.wanted:
            return {}
        fakes = draw(state, self._count, seed=self._seed, purpose="metrics")
        if not bool(fakes.isfinite().all()):
            return {}  # diverged: no number would mean anything
        measured = self.reference.evaluate(fakes, seed=self._seed)
        sampler = sampler_name(state)
        return {name: {**one.record(), "sampler": sampler} for name, one in measured.items()}


def wanted_metrics(data: DataSpec, metrics: Sequence[str] | None) -> list[Request]:
    """Return what is to be measured of runs on some data.

    Raises:
        GanbenchError: a metric or network that is unknown, lacks weights, or does not suit data.
    """
    return resolve_requests(facts_of(data, "train"), metrics, None)


def lacking(result: dict[str, Any], requests: Sequence[Request]) -> list[str]:
    """Return the metrics that a stored result lacks, or has by an older version.

    A run that diverged has none, and is not measured again.
    """
    if result.get("status") == "diverged":
        return []
    there = result.get("metrics") or {}
    return [
        one.name
        for one in requests
        if not str((there.get(one.name) or {}).get("protocol", "")).startswith(one.protocol)
    ]


def add_metrics(folder: RunFolder, state: State, measure: RunMetrics) -> dict[str, Any]:
    """Measure a finished run anew, and put what comes out into its record.

    The samples are those that were measured at its end, so a metric that is added later has the
    value that it would have had then.
    """
    result = folder.outcome()
    with evaluating(state):
        measured = measure(state)
    kept = {key: value for key, value in result.items() if key != "schema"}
    whole = {**kept, "metrics": {**kept["metrics"], **measured}}
    folder.write_result(whole)
    row = {"kimg": kept["kimg"], "seconds": kept["seconds"], "metrics": whole["metrics"]}
    folder.append_measurements(row)
    return {"schema": 1, **whole}
