# SPDX-License-Identifier: MIT
"""Real data to measure against: many metrics in one pass, each with its floor and its protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from ganbench.data.dataset import Dataset
from ganbench.errors import ConfigError, GanbenchError, InputError
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.floors import Floors
from ganbench.evaluation.gather import FakeEvidence, RealEvidence
from ganbench.evaluation.metric import Floor, Value
from ganbench.evaluation.out_of_range import numbers_of
from ganbench.evaluation.protocol import full_protocol, how_computed
from ganbench.evaluation.reference_statistics import ReferenceStatistics
from ganbench.evaluation.requests import Request, resolve_available, without_held_out
from ganbench.evaluation.unmeasured import joined
from ganbench.progress import SILENT, Progress
from ganbench.records.measurement import Measurement
from ganbench.runtime.inference import Compute
from ganbench.samples.sample_set import Facts, Samples, expect, of_dataset, of_tensor


@dataclass(frozen=True)
class Evaluation:
    """What came of measuring: a measurement, or the reason why there is none, by metric."""

    measured: Mapping[str, Measurement]
    failed: Mapping[str, GanbenchError]


class Reference:
    """Real data to measure against. Everything computed from them is computed once and kept.

    Metrics and networks are resolved here, so that a wrong name, or weights that are missing,
    are known before anything is trained.

    Args:
        real: Samples, a loaded split of a dataset, or a file of statistics.
        metrics: Names of metrics. A plain ``fid`` is with the network of its paper, Inception;
            ``fid@fashion-cnn`` is with the network named. None means the metrics that suit the
            data: for images with a classifier of their own, ``fid``, ``is``, ``modes``, and
            ``reverse-kl`` by that classifier; for a mixture ``modes``, ``high-quality``, and
            ``reverse-kl``; for other points ``mind``, ``precision``, ``recall``, and
            ``coverage``; for other images none.
        network: The network of every metric that names none and can use it.
        compute: Where and how networks compute.
        cache: Whether the results of slow networks for real data are kept on disk, for later
            processes.
        floors: Whether values get a floor; see ``Floors``.
        partial: Whether the others are measured where some cannot be had, for want of weights or
            of held-out samples.
        held_out: Real samples that were not trained on, for metrics that compare with both.
        progress: Hears how far a pass over samples is.

    Raises:
        UnknownNameError: There is no such metric or network; the nearest is suggested.
        ConfigError: A metric cannot be computed of such data.
        MissingDataError: Weights are not on this machine; all that are missing are named. With
            ``partial``, nothing can be measured without them.
    """

    def __init__(
        self,
        real: Samples | Dataset | ReferenceStatistics,
        *,
        metrics: Sequence[str] | None = None,
        network: str | None = None,
        compute: Compute = Compute(),  # noqa: B008 - frozen
        cache: bool = True,
        floors: bool = True,
        partial: bool = False,
        held_out: Samples | None = None,
        progress: Progress = SILENT,
    ) -> None:
        self.real = of_dataset(real) if isinstance(real, Dataset) else real
        self.requests, self.missing = resolve_available(self.real.facts, metrics, network)
        if held_out is None:
            self._leave_out([request for request in self.requests if request.metric.holds_out])
        if self.missing and not (partial and self.requests):
            raise joined(self.missing)
        self._dataset = real if isinstance(real, Dataset) else None
        self._compute = compute
        self._progress = progress
        asking = [request for request in self.requests if request.metric.compares or floors]
        self._held_out: RealEvidence | None = None
        if held_out is not None:
            self._refuse_other_kind(held_out.facts)
            self._held_out_facts = held_out.facts
            both = [request for request in self.requests if request.metric.holds_out]
            self._held_out = RealEvidence(
                held_out, both, compute=compute, cache=cache, progress=progress
            )
        self._evidence = RealEvidence(
            self.real,
            asking,
            compute=compute,
            cache=cache,
            progress=progress,
            held_out=self._held_out,
        )
        self._floors = Floors(self._evidence) if floors else None

    def _leave_out(self, requests: Sequence[Request]) -> None:
        """Leave out metrics that compare with held-out samples."""
        self.missing |= {request.name: without_held_out(request) for request in requests}
        self.requests = [request for request in self.requests if request not in requests]

    def evaluate(
        self,
        fake: Tensor | Samples | ReferenceStatistics,
        *,
        seed: int = 0,
        conditions: Sequence[str] = (),
    ) -> dict[str, Measurement]:
        """Measure generated samples, and return the measurements by the names of the metrics.

        The arguments are those of ``measure``.

        Raises:
            ConfigError: A file of statistics lacks what a metric needs.
            InputError: The samples have another shape or type, are too few, or are not finite.
        """
        outcome = self.measure(fake, seed=seed, conditions=conditions)
        if outcome.failed:
            raise joined(outcome.failed)
        return dict(outcome.measured)

    def measure(
        self,
        fake: Tensor | Samples | ReferenceStatistics,
        *,
        seed: int = 0,
        conditions: Sequence[str] = (),
    ) -> Evaluation:
        """Measure generated samples by every metric that can be had.

        Args:
            fake: Images (N, C, H, W), uint8 or float in [-1, 1]; points (N, D); samples; or a
                file of statistics.
            seed: Seeds resampling. It moves the intervals, but never a value.
            conditions: Further words of the protocol, such as ``sampler=ema``.

        Raises:
            InputError: The samples have another shape or type, or are not finite.
        """
        samples = self._opened(fake)
        fakes = FakeEvidence(
            samples, self.real, self.requests, compute=self._compute, progress=self._progress
        )
        measured: dict[str, Measurement] = {}
        failed: dict[str, GanbenchError] = dict(self.missing)
        for request in self.requests:
            try:
                evidence = fakes.of(request)
                real = self._evidence.of(request) if request.metric.compares else evidence
                with numbers_of(request.name, samples.facts.name):
                    value = request.metric.compute(real, evidence, seed=seed)
                    found = self._measurement(request, value, evidence, conditions)
            except (InputError, ConfigError) as error:
                failed[request.name] = error
            else:
                measured[request.name] = found
        return Evaluation(measured, failed)

    @property
    def slow(self) -> bool:
        """Whether a network takes so long that it is better to measure only at the end."""
        return any(request.network and request.network.facts.slow for request in self.requests)

    def real_evidence(self, name: str) -> Evidence:
        """Return the evidence of the real samples for the metric of that name."""
        return self._evidence.of(next(request for request in self.requests if request.name == name))

    def holds_moments(self, request: Request) -> bool:
        """Tell whether real evidence for a request will have a mean and a covariance.

        Nothing is read for it.
        """
        return self._evidence.holds_moments(request)

    def _opened(
        self, fake: Tensor | Samples | ReferenceStatistics
    ) -> Samples | ReferenceStatistics:
        """Return generated samples that may be compared with the real ones."""
        samples = of_tensor(fake) if isinstance(fake, Tensor) else fake
        if self._dataset is not None and isinstance(samples, Samples):
            expect(samples, self._dataset.spec)
        self._refuse_other_kind(samples.facts)
        return samples

    def _refuse_other_kind(self, facts: Facts) -> None:
        """Refuse samples that cannot be compared with the real ones.

        Raises:
            InputError: They are of another kind, or points of another dimension.
        """
        real = self.real.facts
        if facts.kind != real.kind:
            raise InputError(
                f"{facts.name} holds {facts.kind}, and the real samples are {real.kind}."
            )
        if real.kind == "points" and facts.shape != real.shape:
            raise InputError(
                f"{facts.name} holds points {facts.shape}, and the real ones are {real.shape}."
            )

    def _measurement(
        self, request: Request, value: Value, fake: Evidence, conditions: Sequence[str]
    ) -> Measurement:
        identical = "all samples are identical" if fake.identical else ""
        n_real = self._evidence.count(request)
        floor = self._floors.of(request, fake.count) if self._floors else Floor(None, "")
        protocol = full_protocol(
            request.protocol,
            self.real.facts,
            computed=how_computed(
                request.network.facts if request.network else None, self._compute
            ),
            n_real=n_real,
            n_fake=fake.count,
            conditions=[*self._held_out_words(request), *conditions],
            uses=request.uses,
        )
        return Measurement(
            value=value.value,
            low=value.low,
            high=value.high,
            n=fake.count,
            n_real=n_real,
            floor=floor.value,
            floor_note=floor.note,
            protocol=protocol,
            better=request.metric.better,
            unit=request.metric.unit,
            note="; ".join(filter(None, [identical, value.note])),
            bias=value.bias,
            warning="; ".join(filter(None, [identical, value.warning])),
        )

    def _held_out_words(self, request: Request) -> list[str]:
        """Return the words of a protocol that name the held-out samples, if they are compared."""
        if self._held_out is None or not request.metric.holds_out:
            return []
        facts = self._held_out_facts
        count = self._held_out.count(request)
        return [f"held-out={facts.name}:v{facts.version}:{facts.split or 'all'}", f"n_held={count}"]
