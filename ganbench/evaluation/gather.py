# SPDX-License-Identifier: MIT
"""The evidence of real and generated samples for many metrics: read once, kept, and cached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeGuard

from ganbench.errors import ConfigError, GanbenchError, InputError
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.extract import NetworkNeeds, extract, extract_counterparts
from ganbench.evaluation.feature_network import FeatureNetwork
from ganbench.evaluation.metric import ROW_NEEDS
from ganbench.evaluation.pair_network import Network, PairNetwork
from ganbench.evaluation.path_distances import extract_path_distances
from ganbench.evaluation.protocol import network_protocol
from ganbench.evaluation.reference_statistics import (
    ReferenceStatistics,
    cache_files,
    read_cached,
    write_statistics,
)
from ganbench.evaluation.requests import Request
from ganbench.progress import Progress
from ganbench.runtime.inference import Compute
from ganbench.samples.sample_set import Samples


class RealEvidence:
    """The evidence of the real set, gathered when it is first needed and then kept.

    Args:
        real: The real samples, or a file of statistics of them.
        requests: The requests that are expected to ask for evidence. One pass over the samples
            gathers it for all of them.
        compute: Where and how networks compute.
        cache: Whether the results of slow networks are kept on disk, for later processes.
        progress: Hears how far the pass is.
        held_out: The evidence of real samples that were not trained on, for metrics that compare
            with them as well.
    """

    def __init__(
        self,
        real: Samples | ReferenceStatistics,
        requests: Sequence[Request],
        *,
        compute: Compute,
        cache: bool,
        progress: Progress,
        held_out: RealEvidence | None = None,
    ) -> None:
        self._real = real
        self._requests = requests
        self._compute = compute
        self._cache = cache
        self._progress = progress
        self._held_out = held_out
        self._evidence: dict[str, Evidence] = {}
        self._failures: dict[str, GanbenchError] = {}

    def of(self, request: Request) -> Evidence:
        """Return the evidence that a request needs, with that of held-out samples if it asks.

        Raises:
            ConfigError: A file of statistics does not hold it.
            InputError: The samples cannot be read, or a file holds features of another network.
        """
        evidence = self.of_own(request)
        if request.metric.holds_out and self._held_out is not None:
            return replace(evidence, held_out=self._held_out.of_own(request))
        return evidence

    def of_own(self, request: Request) -> Evidence:
        """Return the evidence of this set alone; the errors are those of ``of``."""
        key = request.evidence_key
        if key in self._failures:
            raise self._failures[key]
        if key not in self._evidence:
            if isinstance(self._real, ReferenceStatistics):
                self._evidence[key] = evidence_of_file(self._real, request)
            else:
                self._gather(self._real, request)
        if key in self._failures:
            raise self._failures[key]
        return self._evidence[key]

    def count(self, request: Request) -> int:
        """Return the number of real samples for a request, 0 where a file does not say."""
        if isinstance(self._real, ReferenceStatistics):
            return self._real.evidence.count
        gathered = self._evidence.get(request.evidence_key)
        return gathered.count if gathered else len(self._real)

    def holds_moments(self, request: Request) -> bool:
        """Tell, before anything is read, whether evidence for a request will have moments."""
        if isinstance(self._real, ReferenceStatistics) or self._real.facts.kind == "points":
            return True
        return "moments" in request.metric.needs or self._is_kept(request.network)

    def _is_kept(self, network: Network | None) -> TypeGuard[FeatureNetwork]:
        """Tell whether the results of a network are kept on disk."""
        return self._cache and isinstance(network, FeatureNetwork) and network.facts.slow

    def _gather(self, real: Samples, first: Request) -> None:
        """Gather evidence for all requests that will ask, from the cache or in one pass."""
        needs = needs_of([first, *self._requests])
        files: dict[str, Path] = {}
        for key, need in list(needs.items()):
            network = need.network
            if self._is_kept(network):
                # Moments are always kept, so that a later metric of the same rows finds them.
                needs[key] = replace(need, needs=need.needs | {"moments"})
                protocol = network_protocol(network.facts, self._compute)
                candidates = cache_files(real.facts, protocol, need.needs)
                cached = next(filter(None, map(read_cached, candidates)), None)
                if cached is not None:
                    self._evidence[key] = replace(cached, device=self._compute.device)
                    del needs[key]
                elif candidates:
                    files[key] = candidates[0]
        if not needs:
            return
        gathered = extract(
            real,
            needs,
            compute=self._compute,
            progress=self._progress,
            mixture=real.facts.mixture,
            failures=self._failures,
        )
        self._evidence |= gathered
        for key, file in files.items():
            if key in gathered and gathered[key].moments is not None:
                write_statistics(file, gathered[key])


class FakeEvidence:
    """The evidence of generated samples, gathered in one pass for all requests.

    Args:
        fake: The generated samples, or a file of statistics of them.
        real: The real samples, with which some metrics pair them.
        requests: The requests that will ask.
        compute: Where and how networks compute.
        progress: Hears how far the pass is.

    Raises:
        InputError: The samples cannot be read.
    """

    def __init__(
        self,
        fake: Samples | ReferenceStatistics,
        real: Samples | ReferenceStatistics,
        requests: Sequence[Request],
        *,
        compute: Compute,
        progress: Progress,
    ) -> None:
        self._fake = fake
        self._real = real
        self._compute = compute
        self._progress = progress
        self._evidence: dict[str, Evidence] = {}
        self._failures: dict[str, GanbenchError] = {}
        if not isinstance(fake, ReferenceStatistics):
            self._evidence = extract(
                fake,
                needs_of(requests),
                compute=compute,
                progress=progress,
                mixture=real.facts.mixture,
                failures=self._failures,
            )

    def of(self, request: Request) -> Evidence:
        """Return the evidence that a request needs.

        Raises:
            ConfigError: A file of statistics does not hold it, or does not hold the images with
                which samples are to be paired, or no generator is known that paths could lead
                through.
            InputError: A file holds features of another network, or no counterparts are found.
        """
        key = request.evidence_key
        if isinstance(self._fake, ReferenceStatistics):
            return evidence_of_file(self._fake, request)
        if key in self._failures:
            raise self._failures[key]
        if key not in self._evidence:
            gather = self._path_distances if request.path_need else self._counterparts
            self._evidence[key] = gather(self._fake, request)
        return self._evidence[key]

    def _path_distances(self, fake: Samples, request: Request) -> Evidence:
        """Compare images along paths through the latents of the generator."""
        assert isinstance(request.network, PairNetwork)
        assert request.path_need is not None
        return extract_path_distances(
            fake,
            request.path_need,
            request.network,
            compute=self._compute,
            progress=self._progress,
        )

    def _counterparts(self, fake: Samples, request: Request) -> Evidence:
        """Compare each sample with the real one of the same name."""
        assert isinstance(request.network, PairNetwork)
        if isinstance(self._real, ReferenceStatistics):
            raise _needs_images(request, self._real)
        return extract_counterparts(
            self._real, fake, request.network, compute=self._compute, progress=self._progress
        )


def needs_of(requests: Sequence[Request]) -> dict[str, NetworkNeeds]:
    """Return the needs of requests, joined for those that share the key of their evidence."""
    needs: dict[str, NetworkNeeds] = {}
    for request in requests:
        if request.of_counterparts or request.path_need:  # which need more than one set's images
            continue
        key = request.evidence_key
        joined = frozenset(request.metric.needs)
        if key in needs:
            joined |= needs[key].needs
        needs[key] = NetworkNeeds(request.network, joined, request.channelwise)
    return needs


def evidence_of_file(statistics: ReferenceStatistics, request: Request) -> Evidence:
    """Return the evidence in a file of statistics, if it is enough for a request.

    Raises:
        ConfigError: The file lacks evidence that the metric needs.
        InputError: The file holds features of another network.
    """
    evidence = statistics.evidence
    answered = {"moments", *(need for need in ROW_NEEDS if getattr(evidence, need) is not None)}
    if not set(request.metric.needs) <= answered:
        raise _needs_images(request, statistics)
    assert evidence.moments is not None
    size = len(evidence.moments.mean)
    expected = request.network.facts.feature_size if request.network else 0
    if expected and size != expected:
        raise InputError(
            f"{statistics.facts.name} holds statistics of {size} features, and "
            f"{request.network_name} has {expected}.",
            "Name the network that they were made with: --network NAME",
        )
    return evidence


def _needs_images(request: Request, statistics: ReferenceStatistics) -> ConfigError:
    return ConfigError(
        f"{request.name} needs {' and '.join(request.metric.needs)}, and {statistics.facts.name} "
        "holds a mean and a covariance.",
        "Give the images, or measure fid alone.",
    )
