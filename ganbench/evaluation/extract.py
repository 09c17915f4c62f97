# SPDX-License-Identifier: MIT
"""One pass over a set of samples that gathers what all metrics need of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ganbench.errors import InputError
from ganbench.evaluation.feature_network import FeatureNetwork, Network, PairNetwork
from ganbench.evaluation.feature_rows import FeatureRows
from ganbench.evaluation.math.moments import Gathering, merged
from ganbench.evaluation.metric import PROBED, Evidence, Need, of_features, split
from ganbench.evaluation.pairing import Pairing, class_pairs, random_pairs
from ganbench.gan import Mixture
from ganbench.progress import SILENT, Progress
from ganbench.runtime.inference import Compute
from ganbench.samples.paired import counterparts
from ganbench.samples.sample_set import CHUNK, Chunk, Samples


@dataclass(frozen=True)
class Want:
    """What is needed of one network; ``network`` None means of the points themselves."""

    network: Network | None
    needs: frozenset[Need]
    channelwise: bool = False


def extract(
    samples: Samples,
    wants: Mapping[str, Want],
    *,
    compute: Compute,
    progress: Progress = SILENT,
    mixture: Mixture | None = None,
    in_memory_bytes: int | None = None,
) -> dict[str, Evidence]:
    """Read samples once and return the evidence for each of ``wants``, under its key.

    ``mixture`` is the density that points should follow. Where only moments are wanted, memory
    does not grow with the number of samples.

    Raises:
        InputError: samples that cannot be read, of which there are none, or not finite.
    """
    if samples.facts.kind == "points":
        return _of_points(samples, wants, mixture)
    bound = {} if in_memory_bytes is None else {"in_memory_bytes": in_memory_bytes}
    gatherers = [_gatherer(samples, key, want, compute, bound) for key, want in wants.items()]
    total, done, alike = len(samples), 0, _Alike()
    progress.advance(samples.facts.name, 0, total)
    for chunk in samples.chunks(_chunk_size(wants.values(), compute)):
        alike.look(chunk)
        for gatherer in gatherers:
            gatherer.add(chunk)
        done = int(chunk.indices[-1]) + 1
        progress.advance(samples.facts.name, done, total)
    progress.advance(samples.facts.name, total, total)
    return {one.key: replace(one.evidence(), alike=alike.holds) for one in gatherers}


def _chunk_size(wants: Iterable[Want], compute: Compute) -> int:
    """Return how many images are read at once: as many as the slowest network takes."""
    sizes = [want.network.batch_size for want in wants if isinstance(want.network, FeatureNetwork)]
    return compute.batch_size or min(sizes, default=CHUNK)


def extract_counterparts(
    real: Samples, fake: Samples, network: PairNetwork, *, compute: Compute, progress: Progress
) -> Evidence:
    """Return the distance of each sample from the real one of the same name.

    Raises:
        InputError: names that do not match one to one, or a pair that differs in shape.
    """
    pairing = Pairing(network, compute)
    total, done = len(fake), 0
    for reals, fakes in counterparts(real, fake):
        for first, second in zip(_images(reals), _images(fakes), strict=True):
            pairing.add(first, second)
        done += len(fakes)
        progress.advance(f"{fake.facts.name} beside {real.facts.name}", done, total)
    distances = pairing.distances()
    return Evidence(count=len(distances), distances=distances)


def _gatherer(
    samples: Samples, key: str, want: Want, compute: Compute, bound: dict[str, int]
) -> _Features | _Pairs:
    if isinstance(want.network, PairNetwork):
        return _Pairs(samples, key, want.network, want.needs, compute)
    assert want.network is not None
    return _Features(samples, key, want, want.network, compute, bound)


class _Alike:
    """Whether all samples are identical; nothing is compared once two of them differ."""

    def __init__(self) -> None:
        self._first: Tensor | None = None
        self._count = 0
        self._differ = False

    @property
    def holds(self) -> bool:
        return self._count > 1 and not self._differ

    def look(self, chunk: Chunk) -> None:
        if self._differ or not len(chunk):
            return
        if self._first is None:
            self._first = chunk.values[0].clone()
        self._count += len(chunk)
        self._differ = not all(torch.equal(one, self._first) for one in chunk.values)


class _Features:
    """Gathers what a feature network says: sums always, rows where they are needed."""

    def __init__(
        self,
        samples: Samples,
        key: str,
        want: Want,
        network: FeatureNetwork,
        compute: Compute,
        bound: dict[str, int],
    ) -> None:
        count = len(samples)
        self.key = key
        self._want = want
        self._network = network
        self._compute = compute
        self._half = split(count)
        self._sums = (Gathering(), Gathering())
        self._kept = np.zeros(count, dtype=bool)
        self._probed = np.zeros(count, dtype=bool)
        self._probed[np.random.default_rng(0).permutation(count)[:PROBED]] = True
        # One block: thousands of small ones between the large ones of each chunk split the heap.
        self._probe = FeatureRows(min(count, PROBED), **bound)
        self._features = FeatureRows(count, **bound) if "features" in want.needs else None
        self._probabilities = FeatureRows(count, **bound) if "probabilities" in want.needs else None

    def add(self, chunk: Chunk) -> None:
        extracted = self._network.extract(
            chunk.values, compute=self._compute, channelwise=self._want.channelwise
        )
        features = extracted.features.numpy()  # (B, d)
        if not np.isfinite(features).all():
            raise InputError(f"{self._network.facts.name} gave features that are not finite.")
        self._kept[chunk.indices] = True
        if "moments" in self._want.needs:
            second = self._half[chunk.indices]
            self._sums[0].add(features[~second])
            self._sums[1].add(features[second])
            self._probe.add(features[self._probed[chunk.indices]])
        if self._features is not None:
            self._features.add(features)
        if self._probabilities is not None:
            assert extracted.probabilities is not None
            self._probabilities.add(extracted.probabilities.numpy())

    def evidence(self) -> Evidence:
        halves, whole, probe = None, None, self._probe.filled()
        if min(self._sums[0].count, self._sums[1].count) >= 2:
            halves = (self._sums[0].moments(), self._sums[1].moments())
            whole = merged(*halves)
        elif probe is not None:
            whole = of_features(probe).moments  # so few are all in the probe
        return Evidence(
            count=int(self._kept.sum()),
            moments=whole,
            probe=probe,
            features=None if self._features is None else self._features.filled(),
            probabilities=None if self._probabilities is None else self._probabilities.filled(),
            half=self._half[self._kept],
            half_moments=halves,
        )


class _Pairs:
    """Gathers the distances of pairs that are chosen before the first image is read."""

    def __init__(
        self,
        samples: Samples,
        key: str,
        network: PairNetwork,
        needs: frozenset[Need],
        compute: Compute,
    ) -> None:
        self.key = key
        self._count = 0
        chosen = class_pairs(samples) if "class-pairs" in needs else random_pairs(len(samples))
        self._partner = {int(a): int(b) for pair in chosen for a, b in (pair, pair[::-1])}
        self._waiting: dict[int, Tensor] = {}
        self._pairing = Pairing(network, compute)

    def add(self, chunk: Chunk) -> None:
        self._count += len(chunk)
        for index, image in zip(chunk.indices.tolist(), _images(chunk), strict=True):
            partner = self._partner.get(index)
            if partner is None:
                continue
            if partner in self._waiting:
                self._pairing.add(self._waiting.pop(partner), image)
            else:
                self._waiting[index] = image.clone()

    def evidence(self) -> Evidence:
        return Evidence(count=self._count, distances=self._pairing.distances())


def _images(chunk: Chunk) -> Iterable[Tensor]:
    return chunk.values


def _of_points(
    samples: Samples, wants: Mapping[str, Want], mixture: Mixture | None
) -> dict[str, Evidence]:
    """Return points as evidence: they are their own features."""
    alike, values = _Alike(), []
    for chunk in samples.chunks(4096):
        alike.look(chunk)
        values.append(chunk.values)
    points = torch.cat([part for part in values if isinstance(part, Tensor)]).double().cpu().numpy()
    described = of_features(points)
    evidence = Evidence(
        count=len(points),
        moments=described.moments,
        probe=described.probe,
        features=points,
        points=points,
        mixture=mixture,
        half=described.half,
        half_moments=described.half_moments,
        alike=alike.holds,
    )
    return dict.fromkeys(wants, evidence)
