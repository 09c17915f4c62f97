# SPDX-License-Identifier: MIT
"""Measurements of a run's generator: during training, at its end, and long after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ganbench.data.dataset import Dataset, Source
from ganbench.errors import ConfigError, GanbenchError, UnknownNameError, suggest
from ganbench.evaluation.protocol import full_protocol
from ganbench.evaluation.reference import Reference
from ganbench.evaluation.requests import Request, resolve_requests, without_held_out
from ganbench.evaluation.unmeasured import joined
from ganbench.gan import DataSpec
from ganbench.harness.state_paths import StatePaths
from ganbench.kinds import kind_of
from ganbench.progress import Progress
from ganbench.records.comparable_protocol import comparable
from ganbench.records.json_values import as_mapping
from ganbench.records.run_folder import RunFolder
from ganbench.records.strip_paths import strip_paths_in
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

    def settled(self, source: Source) -> Measuring:
        """Return the same with its defaults named, so that recorded protocols compare with it."""
        samples = default_samples(source.spec) if self.samples is None else self.samples
        return Measuring(samples, self.real_split or source.splits[0])

    def made(self, record: Mapping[str, Any], request: Request) -> bool:
        """Tell whether a record was made so, as far as its value depends on it."""
        parts = str(record.get("protocol", "")).split("/")
        stated = dict(part.split("=", 1) for part in parts if "=" in part)
        asked: dict[str, int | str | None] = {"n_fake": self.samples}
        if request.uses == "samples":  # earlier versions named a split for the others as well
            asked["split"] = self.real_split
        return all(
            value is None or stated.get(key, str(value)) == str(value)
            for key, value in asked.items()
        )


AS_USUAL = Measuring()
"""As many samples as published protocols have, against those that the run is trained on."""


@dataclass(frozen=True)
class WantedMetrics:
    """The metrics that a result must have, and the samples that they must be measured of.

    Args:
        requests: The metrics.
        measuring: How many samples, and against which real ones, with the defaults named.
    """

    requests: tuple[Request, ...] = ()
    measuring: Measuring = AS_USUAL

    @property
    def names(self) -> list[str]:
        """The names of the metrics."""
        return [request.name for request in self.requests]


@dataclass(frozen=True)
class MeasuredMetrics:
    """What was measured of some samples.

    Args:
        metrics: The measurements as they are recorded, by name.
        unmeasured: Why a metric cannot be had of these samples, by its name: ``kind``,
            ``message``, ``hint``, and the ``protocol`` that its number would have had.
    """

    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)
    unmeasured: dict[str, dict[str, Any]] = field(default_factory=dict)


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
        return self.final(state).metrics

    def final(self, state: State, *, least: int = 1) -> MeasuredMetrics:
        """Return the measurements and why others cannot be had; none if samples are not finite.

        Args:
            state: The trained pair.
            least: The number of metrics that must be computed.

        Raises:
            GanbenchError: Fewer metrics can be computed.
        """
        return self._measured(state, "metrics", least)

    def apart(self, state: State) -> dict[str, Any]:
        """Return the measurements of other samples, by which no generator is chosen.

        Raises:
            GanbenchError: No metric can be computed.
        """
        return self._measured(state, "best", 1).metrics

    def _measured(self, state: State, purpose: str, least: int) -> MeasuredMetrics:
        """Return what is measured of samples that are drawn for a purpose."""
        if not self.any_requested:
            return MeasuredMetrics()
        fakes = draw(state, self._count, seed=self._seed, purpose=purpose).samples
        if not bool(kind_of(state.data).valid(fakes, state.data).all()):
            return MeasuredMetrics()  # diverged: no number would mean anything
        sampler = sampler_name(state)
        samples = of_tensor(fakes)
        samples.paths = StatePaths(state, self._seed)
        outcome = self.reference.measure(
            samples, seed=self._seed, conditions=sampler_conditions(sampler)
        )
        if len(outcome.measured) < least:
            raise joined(outcome.failed)
        for name, error in outcome.failed.items():
            self._progress.say(f"{name} is not measured: {error.message}")
        return MeasuredMetrics(
            {
                name: {**measurement.record(), "sampler": sampler}
                for name, measurement in outcome.measured.items()
            },
            {name: self._reason(name, error) for name, error in outcome.failed.items()},
        )

    def _reason(self, name: str, error: GanbenchError) -> dict[str, Any]:
        """Return why a metric cannot be had, as it is recorded."""
        request = next(request for request in self.reference.requests if request.name == name)
        protocol = full_protocol(
            request.protocol,
            self.reference.real.facts,
            n_real=0,
            n_fake=self._count,
            uses=request.uses,
        )
        reason = {"kind": error.kind, "message": error.message, "hint": error.hint}
        return {**strip_paths_in(reason), "protocol": protocol}


def wanted_metrics(
    source: Source, metrics: Sequence[str] | None, measuring: Measuring = AS_USUAL
) -> WantedMetrics:
    """Return the metrics to measure for runs on some data.

    Args:
        source: The data of the runs.
        metrics: The metrics by name; None selects those that suit the data.
        measuring: How many samples are measured, and against which real ones.

    Raises:
        GanbenchError: A metric or network is unknown, lacks weights, or does not suit the data or
            the real samples; or the data have no such split.
    """
    measuring.check(source)
    settled = measuring.settled(source)
    requests = resolve_requests(facts_of(source.spec, "train"), metrics, None)
    for request in requests:
        if request.metric.holds_out:
            raise without_held_out(request)
        if request.metric.about_training and settled.real_split != source.splits[0]:
            raise ConfigError(
                f"{request.name} compares with the examples that were trained on, and they are "
                f"not in the split '{settled.real_split}'.",
                f"Leave out --real-split {settled.real_split}, or {request.name}.",
            )
    return WantedMetrics(tuple(requests), settled)


def missing_metrics(result: Mapping[str, Any], wanted: WantedMetrics) -> list[str]:
    """Return the names of metrics that a stored result lacks, or has of other samples.

    A metric that was measured by an older version counts as missing, too. One that cannot be had
    of these samples does not: the result says why.

    A run that diverged has no metrics, and is not measured again.
    """
    if result.get("status") == "diverged":
        return []
    tried = (as_mapping(result.get("metrics")), as_mapping(result.get("unmeasured")))
    return [
        request.name
        for request in wanted.requests
        if not any(
            _measured_by(request, as_mapping(records.get(request.name)), wanted.measuring)
            for records in tried
        )
    ]


def _measured_by(request: Request, record: Mapping[str, Any], measuring: Measuring) -> bool:
    protocol = str(record.get("protocol", ""))
    return protocol.startswith(request.protocol) and measuring.made(record, request)


def add_metrics(folder: RunFolder, state: State, measure: RunMetrics) -> dict[str, Any]:
    """Measure a finished run again, and add the measurements to its record.

    The samples are the ones that were measured at its end, so a metric that is added later has the
    value that it would have had then. Why a metric cannot be had is recorded as well. The best
    evaluation stays as long as its number compares with the last one.

    Args:
        folder: The run's folder.
        state: The trained state.
        measure: The metrics to add.

    Returns:
        The run's result with all its metrics.
    """
    result = {key: value for key, value in folder.outcome().items() if key != "schema"}
    with evaluating(state):
        measured = measure.final(state, least=0)
    metrics = {**result["metrics"], **measured.metrics}
    unmeasured = {**as_mapping(result.get("unmeasured")), **measured.unmeasured}
    unmeasured = {name: why for name, why in unmeasured.items() if name not in measured.metrics}
    result |= {"metrics": metrics, "unmeasured": unmeasured}
    if not unmeasured:
        del result["unmeasured"]
    if not _compares(as_mapping(result.get("best")), metrics):
        result.pop("best", None)
    folder.write_result(result)
    last = next((row for row in folder.measurements() if row["kimg"] == result["kimg"]), {})
    folder.append_measurements(
        {**last, **{key: result[key] for key in ("kimg", "seconds", "metrics")}}
    )
    return {"schema": 1, **result}


def _compares(best: Mapping[str, Any], metrics: Mapping[str, Any]) -> bool:
    """Tell whether the best evaluation was measured by the protocol of the last one."""
    name = str(best.get("metric"))
    protocols = {
        comparable(str(as_mapping(records.get(name)).get("protocol", "")))
        for records in (as_mapping(best.get("metrics")), metrics)
    }
    return len(protocols) == 1
