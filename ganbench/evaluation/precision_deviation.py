# SPDX-License-Identifier: MIT
"""By how much a faster number format moves the metrics themselves: measured, not assumed."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import torch
from torch import Tensor

from ganbench.errors import InputError
from ganbench.evaluation.feature_network import FeatureNetwork
from ganbench.evaluation.metric import Evidence, of_features
from ganbench.evaluation.reference import Reference
from ganbench.evaluation.reference_statistics import ReferenceStatistics
from ganbench.evaluation.requests import Request
from ganbench.runtime.inference import Compute
from ganbench.samples.sample_set import CHUNK, Samples

IMAGES = 256
"""Images of each side that are described in both formats."""


def deviations(
    reference: Reference, fake: Samples | ReferenceStatistics, compute: Compute
) -> dict[str, float]:
    """Return by metric its value in ``compute.precision`` minus that in fp32.

    Both are of the first 256 images of each side; statistics in a file stay as they are. Metrics
    of pairs, and of samples that are a file of statistics, have none.
    """
    if isinstance(fake, ReferenceStatistics):
        return {}
    given = None if isinstance(reference.real, ReferenceStatistics) else _first(reference.real)
    images = _first(fake)
    exact = replace(compute, precision="fp32")
    found = {}
    for request in reference.requests:
        if not isinstance(request.network, FeatureNetwork):
            continue
        try:
            values = []
            for one in (compute, exact):
                drawn = _evidence(request, images, one)
                real = _evidence(request, given, one) if given else None
                against = real or reference.real_evidence(request.name)
                values.append(request.metric.compute(against, drawn, seed=0).value)
        except InputError:
            continue  # too few samples
        found[request.name] = values[0] - values[1]
    return found


def _first(samples: Samples) -> list[Tensor]:
    images: list[Tensor] = []
    for chunk in islice(samples.chunks(CHUNK), -(-IMAGES // CHUNK)):
        images += list(chunk.values)
    return images[:IMAGES]


def _evidence(request: Request, images: list[Tensor], compute: Compute) -> Evidence:
    network = request.network
    assert isinstance(network, FeatureNetwork)
    size = network.batch_size
    found = [
        network.extract(
            torch.stack(images[at : at + size]) if request.channelwise else images[at : at + size],
            compute=compute,
            channelwise=request.channelwise,
        )
        for at in range(0, len(images), size)
    ]
    evidence = of_features(torch.cat([one.features for one in found]).numpy())
    if "probabilities" not in request.metric.needs:
        return evidence
    probabilities = [one.probabilities for one in found if one.probabilities is not None]
    return replace(evidence, probabilities=torch.cat(probabilities).numpy())
