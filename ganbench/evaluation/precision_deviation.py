# SPDX-License-Identifier: MIT
"""By how much a faster number format moves the metrics themselves: measured, not assumed."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import torch
from torch import Tensor

from ganbench.errors import InputError
from ganbench.evaluation.evidence import Evidence, of_features
from ganbench.evaluation.feature_network import FeatureNetwork
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
    """Return by metric its value in ``compute.precision`` minus its value in fp32.

    Both values are of the first 256 images of each side; statistics in a file stay as they are.
    Metrics of pairs have no deviation, nor have samples that are a file of statistics.
    """
    if isinstance(fake, ReferenceStatistics):
        return {}
    real = reference.real
    real_images = None if isinstance(real, ReferenceStatistics) else _first_images(real)
    fake_images = _first_images(fake)
    moved = {}
    for request in reference.requests:
        if not isinstance(request.network, FeatureNetwork):
            continue
        try:
            rough, exact = (
                _value(reference, request, real_images, fake_images, setting)
                for setting in (compute, replace(compute, precision="fp32"))
            )
        except InputError:
            continue  # too few samples
        moved[request.name] = rough - exact
    return moved


def _value(
    reference: Reference,
    request: Request,
    real_images: list[Tensor] | None,
    fake_images: list[Tensor],
    compute: Compute,
) -> float:
    fake = _evidence(request, fake_images, compute)
    if real_images:
        real = _evidence(request, real_images, compute)
    else:
        real = reference.real_evidence(request.name)
    return request.metric.compute(real, fake, seed=0).value


def _first_images(samples: Samples) -> list[Tensor]:
    images: list[Tensor] = []
    for chunk in islice(samples.chunks(CHUNK), -(-IMAGES // CHUNK)):
        images += list(chunk.values)
    return images[:IMAGES]


def _evidence(request: Request, images: list[Tensor], compute: Compute) -> Evidence:
    network = request.network
    assert isinstance(network, FeatureNetwork)
    features, probabilities = [], []
    for start in range(0, len(images), network.batch_size):
        batch = images[start : start + network.batch_size]
        extracted = network.extract(
            torch.stack(batch) if request.channelwise else batch,
            compute=compute,
            channelwise=request.channelwise,
        )
        features.append(extracted.features)
        if extracted.probabilities is not None:
            probabilities.append(extracted.probabilities)
    evidence = of_features(torch.cat(features).numpy())
    if "probabilities" not in request.metric.needs:
        return evidence
    return replace(evidence, probabilities=torch.cat(probabilities).numpy())
