# SPDX-License-Identifier: MIT
"""Measurements of a run's generator: during training, at its end, and long after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganbench.data.dataset import Dataset, Source
from ganbench.errors import UnknownNameError, suggest
from ganbench.evaluation.reference import Reference
from ganbench.evaluation.requests import Request, resolve_requests, without_held_out
from ganbench.evaluation.unmeasured import joined
from ganbench.gan import DataSpec
from ganbench.harness.state_paths import StatePaths
from ganbench.kinds import kind_of
from ganbench.progress import Progress
from ganbench.records.run_folder import RunFolder
from ganbench.runtime.inference import Compute
from ganbench.samples.sample_set import facts_of, of_tensor
from ganbench.sampling.draw import draw, sampler_conditions, sampler_name
from ganbench.state import State
from ganbench.training.trainer import evaluating


def default_samples(data: DataSpec) -> int:
    """Return how many samples to measure: PacGAN's 2,500 points, VEEGAN's 26,000 stacks."""
    return kind_of(data).measured(data)


@dataclass(frozen=True)
class Measuring:
    """How many samples of a generator are measured, and against which real ones.

    Args:
        samples: The number of samples; None means ``default_samples``.
        real_split: The split of the data that metrics compare with; None means the one that is
            trained on.
    """

    samples: int | None = None
    real_split: str | None = None

    def check(self, source: Source) -> None:
        """Raise an UnknownNameError if the data have no such split."""
        if self.real_split is not None and self.real_split not in source.splits:
            raise UnknownNameError(
                f"{source.spec.name} has no split '{self.real_split}'. "
                f"{suggest(self.real_split, source.splits)}".strip(),
                f"There are: {', '.join(source.splits)}.",
            )

    def real(self, source: Source, trained: Dataset | None = None) -> Dataset:
        """Return the real samples that metrics compare with.

        Args:
            source: The data of the run.
            trained: The split that is trained on, if it has been loaded.

        Raises:
            UnknownNameError: The data have no such split.
            GanbenchError: It cannot be read.
        """
        self.check(source)
        split = self.real_split or source.splits[0]
        return trained if trained is not None and trained.split == split else source.load(split)

    def made(self, record: Mapping[str, Any]) -> bool:
        """Tell whether a stored measurement was made so, as far as anything is asked for."""
        parts = str(record.get("protocol", "")).split("/")
        stated = dict(part.split("=", 1) for part in parts if "=" in part)
        asked = {"n_fake": self.samples, "split": self.real_split}
        return all(
            value is None or stated.get(key, str(value)) == str(value)
            for key, value in asked.items()
        )


AS_USUAL = Measuring()
"""As many samples as published protocols have, against those that the run is trained on."""


class RunMetrics:
    """Measures the state that it is called with, always on samples from the same latents.

    Args:
        dataset: The real samples that metrics compare with.
        seed: The run's seed, which fixes the latents.
        device: Where features are computed: ``cpu``, ``cuda:0``.
        metrics: The metrics by name; None selects those that suit the data.
        samples: The number of samples; None means ``default_samples``.
        progress: Is told how far a measurement is.

    Raises:
        GanbenchError: A metric or network is unknown, lacks weights, or does not suit the data.
    """

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
        self._progress = progress
        self._seed = seed
        self._count = samples or default_samples(dataset.spec)

    @property
    def any_requested(self) -> bool:
        """Whether there is anything to measure."""
        return bool(self.reference.requests)

    def __call__(self, state: State) -> dict[str, Any]:
        """Return the measurements as they are recorded, by name; none if samples are not finite.

        A metric that cannot be computed of these samples is left out, and the reason is told.

        Raises:
            GanbenchError: No metric can be computed.
        """
        return self._measured(state, "metrics")

    def apart(self, state: State) -> dict[str, Any]:
        """Return the measurements of other samples, by which no generator is chosen.

        Raises:
            GanbenchError: No metric can be computed.
        """
        return self._measured(state, "best")

    def _measured(self, state: State, purpose: str) -> dict[str, Any]:
        """Return the measurements of samples that are drawn for a purpose."""
        if not self.any_requested:
            return {}
        fakes = draw(state, self._count, seed=self._seed, purpose=purpose).samples
        if not bool(kind_of(state.data).valid(fakes, state.data).all()):
            return {}  # diverged: no number would mean anything
        sampler = sampler_name(state)
        samples = of_tensor(fakes)
        samples.paths = StatePaths(state, self._seed)
        outcome = self.reference.measure(
            samples, seed=self._seed, conditions=sampler_conditions(sampler)
        )
        if not outcome.measured:
            raise joined(outcome.failed)
        for name, error in outcome.failed.items():
            self._progress.say(f"{name} is not measured: {error.message}")
        return {
            name: {**measurement.record(), "sampler": sampler}
            for name, measurement in outcome.measured.items()
        }


def wanted_metrics(data: DataSpec, metrics: Sequence[str] | None) -> list[Request]:
    """Return the metrics to measure for runs on some data.

    Args:
        data: What is known of the data.
        metrics: The metrics by name; None selects those that suit the data.

    Raises:
        GanbenchError: A metric or network is unknown, lacks weights, or does not suit the data.
    """
    requests = resolve_requests(facts_of(data, "train"), metrics, None)
    for request in requests:
        if request.metric.holds_out:
            raise without_held_out(request)
    return requests


def missing_metrics(
    result: dict[str, Any], requests: Sequence[Request], measuring: Measuring = AS_USUAL
) -> list[str]:
    """Return the names of metrics that a stored result lacks, or has of other samples.

    A metric that was measured by an older version counts as missing, too.

    A run that diverged has no metrics, and is not measured again.
    """
    if result.get("status") == "diverged":
        return []
    records = result.get("metrics") or {}
    return [
        request.name
        for request in requests
        if not _measured_by(request, records.get(request.name) or {}, measuring)
    ]


def _measured_by(request: Request, record: Mapping[str, Any], measuring: Measuring) -> bool:
    protocol = str(record.get("protocol", ""))
    return protocol.startswith(request.protocol) and measuring.made(record)


def add_metrics(folder: RunFolder, state: State, measure: RunMetrics) -> dict[str, Any]:
    """Measure a finished run again, and add the measurements to its record.

    The samples are the ones that were measured at its end, so a metric that is added later has the
    value that it would have had then.

    Args:
        folder: The run's folder.
        state: The trained state.
        measure: The metrics to add.

    Returns:
        The run's result with all its metrics.
    """
    result = {key: value for key, value in folder.outcome().items() if key != "schema"}
    with evaluating(state):
        result["metrics"] = {**result["metrics"], **measure(state)}
    folder.write_result(result)
    folder.append_measurements({key: result[key] for key in ("kimg", "seconds", "metrics")})
    return {"schema": 1, **result}
