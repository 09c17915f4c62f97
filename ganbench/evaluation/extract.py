# SPDX-License-Identifier: MIT
"""One pass over a set of samples that gathers the evidence for all metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ganbench.errors import ConfigError, GanbenchError, InputError
from ganbench.evaluation.evidence import (
    PROBE_SIZE,
    Evidence,
    of_features,
    random_half,
    random_probe,
)
from ganbench.evaluation.feature_network import Extracted, FeatureNetwork
from ganbench.evaluation.feature_rows import IN_MEMORY_BYTES, FeatureRows
from ganbench.evaluation.math.arrays import Indices
from ganbench.evaluation.math.moments import RunningMoments, merged
from ganbench.evaluation.metric import Need
from ganbench.evaluation.pair_network import Network, PairNetwork
from ganbench.evaluation.pairing import Pairing, class_pairs, random_pairs
from ganbench.gan import Mixture
from ganbench.progress import SILENT, Progress
from ganbench.runtime.inference import Compute
from ganbench.samples.paired import counterparts
from ganbench.samples.sample_set import CHUNK, Chunk, Samples

_POINTS_AT_ONCE = 4096


@dataclass(frozen=True)
class NetworkNeeds:
    """The needs that one network answers; ``network`` None means that points are the answer."""

    network: Network | None
    needs: frozenset[Need]
    channelwise: bool = False


def extract(
    samples: Samples,
    needs: Mapping[str, NetworkNeeds],
    *,
    compute: Compute,
    progress: Progress = SILENT,
    mixture: Mixture | None = None,
    in_memory_bytes: int = IN_MEMORY_BYTES,
    failures: dict[str, GanbenchError] | None = None,
) -> dict[str, Evidence]:
    """Read samples once, and return the evidence that answers each of ``needs``, under its key.

    Where only moments are needed, memory does not grow with the number of samples.

    Args:
        samples: Images or points.
        needs: The needs that each network answers, under keys of the caller's choice.
        compute: Where and how networks compute.
        progress: Hears how many samples have been read.
        mixture: The density that points should follow.
        in_memory_bytes: The size from which on rows of one kind go to a temporary file.
        failures: Gets the error of each key whose evidence cannot be had, and the other keys have
            theirs; without it, the first error is raised.

    Raises:
        InputError: Samples cannot be read or are not finite, or there are none.
    """
    if samples.facts.kind == "points":
        return dict.fromkeys(needs, _of_points(samples, mixture))
    gatherers: dict[str, _FeatureGatherer | _PairGatherer] = {}
    for key, need in needs.items():
        with _failing(key, failures):
            gatherers[key] = _gatherer(samples, need, compute, in_memory_bytes)
    total, done, equality = len(samples), 0, _Equality()
    progress.advance(samples.facts.name, 0, total)
    for chunk in samples.chunks(_chunk_size(needs.values(), compute)) if gatherers else ():
        equality.add(chunk)
        for key in [key for key in gatherers if key not in (failures or ())]:
            with _failing(key, failures):
                gatherers[key].add(chunk)
        done = int(chunk.indices[-1]) + 1
        progress.advance(samples.facts.name, done, total)
    progress.advance(samples.facts.name, total, total)
    evidence: dict[str, Evidence] = {}
    for key in [key for key in gatherers if key not in (failures or ())]:
        with _failing(key, failures):
            evidence[key] = replace(gatherers[key].evidence(), identical=equality.holds)
    return evidence


@contextmanager
def _failing(key: str, failures: dict[str, GanbenchError] | None) -> Iterator[None]:
    """Note what makes the evidence under a key impossible, or raise it if nobody takes note."""
    try:
        yield
    except (InputError, ConfigError) as error:
        if failures is None:
            raise
        failures[key] = error


def extract_counterparts(
    real: Samples, fake: Samples, network: PairNetwork, *, compute: Compute, progress: Progress
) -> Evidence:
    """Return the distance of each sample from the real one of the same name.

    Raises:
        InputError: The names do not match one to one, or a pair differs in size.
    """
    pairing = Pairing(network, compute)
    total, done = len(fake), 0
    for reals, fakes in counterparts(real, fake):
        for real_image, fake_image in zip(reals.values, fakes.values, strict=True):
            pairing.add(real_image, fake_image)
        done += len(fakes)
        progress.advance(f"{fake.facts.name} compared with {real.facts.name}", done, total)
    distances = pairing.distances()
    return Evidence(count=len(distances), distances=distances)


def _chunk_size(needs: Iterable[NetworkNeeds], compute: Compute) -> int:
    """Return how many images are read at once: as many as the slowest network takes."""
    networks = (need.network for need in needs)
    sizes = [network.rows(compute) for network in networks if isinstance(network, FeatureNetwork)]
    return compute.batch_size or min(sizes, default=CHUNK)


def _gatherer(
    samples: Samples, need: NetworkNeeds, compute: Compute, in_memory_bytes: int
) -> _FeatureGatherer | _PairGatherer:
    if isinstance(need.network, PairNetwork):
        return _PairGatherer(samples, need.network, need.needs, compute)
    assert need.network is not None
    return _FeatureGatherer(len(samples), need, need.network, compute, in_memory_bytes)


class _Equality:
    """Whether all samples are equal; nothing is compared once two of them differ."""

    def __init__(self) -> None:
        self._first: Tensor | None = None
        self._count = 0
        self._differ = False

    @property
    def holds(self) -> bool:
        return self._count > 1 and not self._differ

    def add(self, chunk: Chunk) -> None:
        if self._differ or not len(chunk):
            return
        if self._first is None:
            self._first = chunk.values[0].clone()
        self._count += len(chunk)
        self._differ = not all(torch.equal(sample, self._first) for sample in chunk.values)


class _FeatureGatherer:
    """Gathers the numbers of a feature network: moments always, rows where they are needed."""

    def __init__(
        self,
        count: int,
        need: NetworkNeeds,
        network: FeatureNetwork,
        compute: Compute,
        in_memory_bytes: int,
    ) -> None:
        self._needs = need.needs
        self._channelwise = need.channelwise
        self._network = network
        self._compute = compute
        self._half = random_half(count)
        # One sum for each half, so that recorded values keep their last bits.
        self._moments = (RunningMoments(), RunningMoments())
        self._read = np.zeros(count, dtype=bool)
        self._in_probe = np.zeros(count, dtype=bool)
        self._in_probe[random_probe(count)] = True

        def rows(count: int) -> FeatureRows:
            return FeatureRows(count, in_memory_bytes=in_memory_bytes)

        # One block: thousands of small ones between the large ones of each chunk split the heap.
        self._probe = rows(min(count, PROBE_SIZE))
        self._features = rows(count) if "features" in self._needs else None
        self._probabilities = rows(count) if "probabilities" in self._needs else None
        self._computed: tuple[Indices, Callable[[], Extracted]] | None = None

    def add(self, chunk: Chunk) -> None:
        """Begin to describe a chunk, and take the numbers of the chunk before it.

        So a CUDA device has work while numbers are summed up and images decoded.
        """
        numbers = self._network.begin(
            chunk.values, compute=self._compute, channelwise=self._channelwise
        )
        before, self._computed = self._computed, (chunk.indices, numbers)
        if before is not None:
            self._take(*before)

    def _take(self, indices: Indices, numbers: Callable[[], Extracted]) -> None:
        extracted = numbers()
        features = extracted.features.numpy()  # (B, d)
        if not np.isfinite(features).all():
            raise InputError(f"{self._network.facts.name} gave features that are not finite.")
        self._read[indices] = True
        if "moments" in self._needs:
            second = self._half[indices]  # (B,)
            self._moments[0].add(features[~second])
            self._moments[1].add(features[second])
            self._probe.add(features[self._in_probe[indices]])
        if self._features is not None:
            self._features.add(features)
        if self._probabilities is not None:
            assert extracted.probabilities is not None
            self._probabilities.add(extracted.probabilities.numpy())

    def evidence(self) -> Evidence:
        if self._computed is not None:
            self._take(*self._computed)
            self._computed = None
        whole, probe = None, self._probe.filled()
        if min(half.count for half in self._moments) >= 2:
            whole = merged(*(half.moments() for half in self._moments))
        elif probe is not None:
            whole = of_features(probe).moments  # so few samples are all in the probe
        return Evidence(
            count=int(self._read.sum()),
            moments=whole,
            probe=probe,
            features=None if self._features is None else self._features.filled(),
            probabilities=None if self._probabilities is None else self._probabilities.filled(),
            half=self._half[self._read],
            device=self._compute.device,
        )


class _PairGatherer:
    """Gathers the distances of pairs that are chosen before the first image is read."""

    def __init__(
        self, samples: Samples, network: PairNetwork, needs: frozenset[Need], compute: Compute
    ) -> None:
        self._count = 0
        pairs = class_pairs(samples) if "class-pairs" in needs else random_pairs(len(samples))
        self._partner = {int(a): int(b) for pair in pairs for a, b in (pair, pair[::-1])}
        self._waiting: dict[int, Tensor] = {}
        self._pairing = Pairing(network, compute)

    def add(self, chunk: Chunk) -> None:
        self._count += len(chunk)
        for index, image in zip(chunk.indices.tolist(), chunk.values, strict=True):
            partner = self._partner.get(index)
            if partner is None:
                continue
            if partner in self._waiting:
                self._pairing.add(self._waiting.pop(partner), image)
            else:
                self._waiting[index] = image.clone()

    def evidence(self) -> Evidence:
        return Evidence(count=self._count, distances=self._pairing.distances())


def _of_points(samples: Samples, mixture: Mixture | None) -> Evidence:
    """Return points as evidence: they are their own features."""
    equality, parts = _Equality(), []
    for chunk in samples.chunks(_POINTS_AT_ONCE):
        equality.add(chunk)
        parts.append(chunk.values)
    points = torch.cat([part for part in parts if isinstance(part, Tensor)]).double().cpu().numpy()
    return replace(of_features(points), points=points, mixture=mixture, identical=equality.holds)
