# SPDX-License-Identifier: MIT
"""Many metrics of one set of samples in one pass, each with its floor and its protocol."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import Tensor

from ganbench.data.dataset import Dataset
from ganbench.errors import ConfigError, InputError
from ganbench.evaluation import reference_statistics
from ganbench.evaluation.extract import Want, extract, extract_counterparts
from ganbench.evaluation.feature_network import FeatureNetwork, PairNetwork
from ganbench.evaluation.metric import Evidence, Need, Value
from ganbench.evaluation.reference_statistics import ReferenceStatistics
from ganbench.evaluation.requests import Request, resolve_requests
from ganbench.progress import SILENT, Progress
from ganbench.records.measurement import Measurement
from ganbench.runtime.inference import Compute
from ganbench.samples.sample_set import Samples, expect, of_dataset, of_tensor

FLOOR_SEED = 0
"""Floors are drawn from a seed of their own, so that they are the same beside every run."""

SLOW = 1e-3
"""Seconds an image from which on a network is slow: what it says of real data is cached."""

_ROWS: tuple[Need, ...] = ("features", "probabilities")


class Reference:
    """Real data to measure against; what is computed from them is computed once and kept.

    Metrics and networks are resolved here, so that a wrong name, or weights that are not there,
    are known before anything is trained. ``metrics`` None means those that suit the data: of
    images with a classifier of their own ``fid``, ``is``, ``modes`` and ``reverse-kl`` by that
    one; of a mixture ``modes``, ``high-quality`` and ``reverse-kl``; of other points ``mind``,
    ``precision``, ``recall`` and ``coverage``; of other images none. A plain ``fid`` is that of
    its paper, with Inception; ``fid@fashion-cnn`` is with the network named.

    The floor of a metric that compares with real samples is its value between two random halves
    of the real set. That of the others is their value for as many real samples as were
    measured, as far as there are: fresh ones where the density is known.

    ``cache`` keeps what slow networks say of real data on disk, for the next process.

    Raises:
        UnknownNameError: no such metric or network; the nearest is suggested.
        ConfigError: a metric that cannot be computed of such data.
        MissingDataError: the weights of a network are not on this machine.
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
        progress: Progress = SILENT,
    ) -> None:
        self.real = of_dataset(real) if isinstance(real, Dataset) else real
        self._dataset = real if isinstance(real, Dataset) else None
        self.requests = resolve_requests(self.real.facts, metrics, network)
        self._compute = compute
        self._cache = cache
        self._floors_wanted = floors
        self._progress = progress
        self._evidence: dict[str, Evidence] = {}
        self._floors: dict[tuple[str, int], float | None] = {}

    def evaluate(
        self,
        fake: Tensor | Samples | ReferenceStatistics,
        *,
        seed: int = 0,
        conditions: Sequence[str] = (),
    ) -> dict[str, Measurement]:
        """Measure samples: images (N, C, H, W), uint8 or float in [-1, 1], or points (N, D).

        ``seed`` is for resampling: it moves the intervals, never a value. ``conditions`` are
        further words of the protocol, such as ``weights=ema``.

        Raises:
            InputError: samples of another shape or type, too few, or not finite.
        """
        samples = self._opened(fake)
        described = self._describe_fake(samples)
        measured: dict[str, Measurement] = {}
        for request in self.requests:
            evidence = described[_key(request)]
            real = self._real(request) if request.metric.compares else evidence
            value = request.metric.compute(real, evidence, seed=seed)
            measured[request.name] = self._measurement(request, value, evidence, conditions)
        return measured

    @property
    def slow(self) -> bool:
        """Whether a network takes so long that one rather measures at the end only."""
        return any(one.network and one.network.facts.seconds > SLOW for one in self.requests)

    def real_evidence(self, name: str) -> Evidence:
        """Return what is known of the real samples for the metric of that name."""
        return self._real(next(one for one in self.requests if one.name == name))

    def _opened(
        self, fake: Tensor | Samples | ReferenceStatistics
    ) -> Samples | ReferenceStatistics:
        samples = of_tensor(fake) if isinstance(fake, Tensor) else fake
        if self._dataset is not None and isinstance(samples, Samples):
            expect(samples, self._dataset.spec)
        if samples.facts.kind != self.real.facts.kind:
            raise InputError(
                f"{samples.facts.name} holds {samples.facts.kind}, and the real samples are "
                f"{self.real.facts.kind}."
            )
        own, given = self.real.facts, samples.facts
        if own.kind == "points" and given.shape != own.shape:
            raise InputError(
                f"{given.name} holds points {given.shape}, and the real ones are {own.shape}."
            )
        return samples

    def _measurement(
        self,
        request: Request,
        value: Value,
        evidence: Evidence,
        conditions: Sequence[str],
    ) -> Measurement:
        alike_note = "all samples are identical" if evidence.alike else ""
        n_real = self._real_count(request)
        return Measurement(
            value=value.value,
            low=value.low,
            high=value.high,
            n=evidence.count,
            n_real=n_real,
            floor=self._floor(request, evidence.count),
            protocol=self._protocol(request, evidence.count, n_real, conditions),
            better=request.metric.better,
            unit=request.metric.unit,
            note="; ".join(filter(None, [alike_note, value.note])),
            bias=value.bias,
            warning="; ".join(filter(None, [alike_note, value.warning])),
        )

    def _describe_fake(self, samples: Samples | ReferenceStatistics) -> dict[str, Evidence]:
        """Return the evidence of the samples for every network that is asked for."""
        if isinstance(samples, ReferenceStatistics):
            return {_key(one): _given(samples, one) for one in self.requests}
        described = extract(
            samples,
            self._wants(self.requests),
            compute=self._compute,
            progress=self._progress,
            mixture=self.real.facts.mixture,
        )
        for request in self.requests:
            if "counterparts" in request.metric.needs:
                assert isinstance(request.network, PairNetwork)
                if isinstance(self.real, ReferenceStatistics):
                    raise _needs_images(request, self.real)
                described[_key(request)] = extract_counterparts(
                    self.real,
                    samples,
                    request.network,
                    compute=self._compute,
                    progress=self._progress,
                )
        return described

    def _wants(self, requests: Sequence[Request]) -> dict[str, Want]:
        """Return what is wanted of each network, that of all requests together."""
        wants: dict[str, Want] = {}
        for request in requests:
            if "counterparts" in request.metric.needs:
                continue
            key = _key(request)
            needs = frozenset(request.metric.needs)
            if key in wants:
                needs |= wants[key].needs
            wants[key] = Want(request.network, needs, request.channelwise)
        return wants

    def _real(self, request: Request) -> Evidence:
        """Return the evidence of the real set; when first needed it is gathered for all metrics."""
        key = _key(request)
        if key not in self._evidence:
            if isinstance(self.real, ReferenceStatistics):
                self._evidence[key] = _given(self.real, request)
            else:
                self._gather(self.real, request)
        return self._evidence[key]

    def _gather(self, real: Samples, first: Request) -> None:
        """Describe the real set for all metrics that will ask, from the cache or in one pass."""
        asking = [one for one in self.requests if one.metric.compares or self._floors_wanted]
        wants = self._wants([first, *asking])
        files: dict[str, Path] = {}
        for key, want in list(wants.items()):
            network = want.network
            if isinstance(network, FeatureNetwork) and network.facts.seconds > SLOW and self._cache:
                protocol = f"{network.facts.protocol}/{self._compute.precision}"
                # Moments are always kept, so that a later metric of the same rows finds them.
                wants[key] = replace(want, needs=want.needs | {"moments"})
                candidates = reference_statistics.cache_files(real.facts, protocol, want.needs)
                found = next(filter(None, map(reference_statistics.cached, candidates)), None)
                if found is not None:
                    self._evidence[key] = found
                    del wants[key]
                elif candidates:
                    files[key] = candidates[0]
        if wants:
            gathered = extract(
                real,
                wants,
                compute=self._compute,
                progress=self._progress,
                mixture=real.facts.mixture,
            )
            self._evidence |= gathered
            for key, file in files.items():
                if gathered[key].moments is not None:
                    reference_statistics.write_statistics(file, gathered[key])

    def _real_count(self, request: Request) -> int:
        if isinstance(self.real, ReferenceStatistics):
            return self.real.evidence.count
        known = self._evidence.get(_key(request))
        return known.count if known else len(self.real)

    def _floor(self, request: Request, count: int) -> float | None:
        """Return the floor beside a value of ``count`` samples; None with too few real ones."""
        if not self._floors_wanted or "counterparts" in request.metric.needs:
            return None
        halves = request.metric.compares
        key = (request.name, 0 if halves else count)
        if key not in self._floors:
            self._floors[key] = self._compute_floor(request, count)
        return self._floors[key]

    def _compute_floor(self, request: Request, count: int) -> float | None:
        try:
            real = self._real(request)
            sides = real.halves() if request.metric.compares else (real, _as_many(real, count))
            if sides is None:
                return None
            floor = request.metric.compute(*sides, seed=FLOOR_SEED).value
        except (InputError, ConfigError):
            return None  # too few real samples to split, or a file that does not hold them
        return floor if math.isfinite(floor) else None

    def _protocol(
        self, request: Request, count: int, n_real: int, conditions: Sequence[str]
    ) -> str:
        """Return the text that pins how a value was made, but for the samples themselves."""
        facts = self.real.facts
        bf16 = self._compute.precision != "fp32" and request.network is not None
        return "/".join(
            [
                request.protocol,
                *([self._compute.precision] if bf16 else []),
                f"{facts.name}:v{facts.version}",
                f"split={facts.split}",
                f"n_real={n_real or '?'}",
                f"n_fake={count or '?'}",
                *conditions,
            ]
        )


def evaluate_once(
    real: Samples | Dataset | ReferenceStatistics,
    fake: Tensor | Samples | ReferenceStatistics,
    *,
    metrics: Sequence[str] | None = None,
    network: str | None = None,
    seed: int = 0,
    compute: Compute = Compute(),  # noqa: B008 - frozen
) -> dict[str, Measurement]:
    """Measure samples against real data, once: ``Reference`` says of what kind and shape.

    Raises:
        GanbenchError: as ``Reference`` and ``Reference.evaluate`` do.
    """
    reference = Reference(real, metrics=metrics, network=network, compute=compute)
    return reference.evaluate(fake, seed=seed)


def _key(request: Request) -> str:
    """Return under which key the evidence for a request is kept.

    Metrics of one network share a pass, but those of pairs, whose pairs differ.
    """
    pairs = [one for one in request.metric.needs if one not in {"moments", *_ROWS}]
    return "/".join([request.network_name, *pairs])


def _given(given: ReferenceStatistics, request: Request) -> Evidence:
    """Return what a file of statistics holds, if that is enough for a request."""
    evidence = given.evidence
    there: set[Need] = {"moments"}
    there |= {need for need in _ROWS if getattr(evidence, need) is not None}
    size = request.network.facts.feature_size if request.network else 0
    assert evidence.moments is not None
    found = len(evidence.moments.mean)
    if not set(request.metric.needs) <= there:
        raise _needs_images(request, given)
    if size and found != size:
        raise InputError(
            f"{given.facts.name} holds statistics of {found} features, and those of "
            f"{request.network_name} are {size}.",
            "Name the network that they were made with: --network NAME",
        )
    return evidence


def _needs_images(request: Request, given: ReferenceStatistics) -> ConfigError:
    return ConfigError(
        f"{request.name} needs {' and '.join(request.metric.needs)}, and {given.facts.name} holds "
        "a mean and a covariance.",
        "Give the images, or measure fid alone.",
    )


def _as_many(real: Evidence, count: int) -> Evidence:
    """Return as many real samples as were measured: fresh ones where the density is known."""
    random = np.random.default_rng(FLOOR_SEED)
    if real.mixture is not None:
        centers = np.array(real.mixture.centers)
        modes = random.integers(len(centers), size=count)
        noise = random.standard_normal((count, centers.shape[1]))
        points = centers[modes] + real.mixture.sigma * noise
        return Evidence(count, points=points, mixture=real.mixture)
    rows = random.permutation(real.count)[:count]
    return Evidence(
        count=len(rows),
        features=None if real.features is None else real.features[rows],
        probabilities=None if real.probabilities is None else real.probabilities[rows],
        distances=real.distances,
    )
