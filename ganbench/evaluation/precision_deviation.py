# SPDX-License-Identifier: MIT
"""By how much a faster number format moves the metrics themselves: measured, not assumed.

It is measured once for a network on a machine, and then remembered in the cache: on small sets the
check would take longer than the faster format saves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from ganbench import paths
from ganbench.config import digest
from ganbench.errors import ConfigError, DamagedRunError, InputError
from ganbench.evaluation.evidence import Evidence, of_features
from ganbench.evaluation.feature_network import FeatureNetwork
from ganbench.evaluation.protocol import network_protocol
from ganbench.evaluation.reference import Reference
from ganbench.evaluation.reference_statistics import ReferenceStatistics
from ganbench.evaluation.requests import Request
from ganbench.records.atomic_files import read_json, write_json
from ganbench.records.json_values import as_mapping, as_number
from ganbench.runtime.inference import Compute
from ganbench.samples.sample_set import CHUNK, Samples

IMAGES = 256
"""Images of each side that are described in both formats."""


@dataclass(frozen=True)
class Deviation:
    """A metric in a faster number format minus the same metric in fp32, and on which sets.

    ``value`` is None where the metric cannot be had of so few images.
    """

    value: float | None
    sets: str


def deviations(
    reference: Reference,
    fake: Samples | ReferenceStatistics,
    compute: Compute,
    *,
    metrics: Sequence[str],
    machine: str = "",
) -> dict[str, Deviation]:
    """Return by metric its value in ``compute.precision`` minus its value in fp32.

    Both values are of the first 256 images of each side; statistics in a file stay as they are.
    Metrics of pairs have no deviation, nor have samples that are a file of statistics.

    Args:
        reference: The real samples and the requests.
        fake: The generated samples.
        compute: How the metrics were measured.
        metrics: The names of the metrics that were measured.
        machine: What tells this machine from others, for remembering; empty to measure again.
    """
    moved: dict[str, Deviation] = {}
    if isinstance(fake, ReferenceStatistics):
        return moved
    groups: dict[str, list[Request]] = {}
    for request in reference.requests:
        network = request.network
        if (
            request.name in metrics
            and isinstance(network, FeatureNetwork)
            and not network.facts.exact
        ):
            groups.setdefault(request.evidence_key, []).append(request)
    for requests in groups.values():
        file = _file(requests[0], compute, machine) if machine else None
        known = _remembered(file) if file else {}
        unknown = [request for request in requests if request.protocol not in known]
        if unknown:
            measured = _measured(reference, fake, unknown, compute)
            known |= measured
            if file:
                sure = {
                    key: asdict(found) for key, found in known.items() if found.value is not None
                }
                write_json(file, sure)
        moved |= {
            request.name: known[request.protocol]
            for request in requests
            if known[request.protocol].value is not None
        }
    return moved


def _file(request: Request, compute: Compute, machine: str) -> Path:
    """Return the file that remembers the deviations of a network on a machine."""
    assert request.network is not None
    network = network_protocol(request.network.facts, compute)
    facts = {
        "network": network,
        "channelwise": request.channelwise,
        "device": compute.device,
        "machine": machine,
    }
    return paths.cache() / "precision" / f"{request.network_name}-{digest(facts)}.json"


def _remembered(file: Path) -> dict[str, Deviation]:
    """Return what a file remembers, by the metric's part of the protocol; nothing if damaged."""
    try:
        records = read_json(file)
    except DamagedRunError:
        return {}
    return {
        key: Deviation(as_number(as_mapping(record).get("value")), str(record["sets"]))
        for key, record in records.items()
        if "sets" in as_mapping(record)
    }


def _measured(
    reference: Reference, fake: Samples, requests: Sequence[Request], compute: Compute
) -> dict[str, Deviation]:
    """Return the deviations of metrics of one network, which describes every image twice."""
    real = reference.real
    real_images = None if isinstance(real, ReferenceStatistics) else _first_images(real)
    fake_images = _first_images(fake)
    sets = f"{fake.facts.name} against {real.facts.name}"
    values: list[Mapping[str, float]] = []
    for setting in (compute, replace(compute, precision="fp32")):
        fakes = _evidence(requests, fake_images, setting)
        reals = _evidence(requests, real_images, setting) if real_images else None
        values.append(
            {
                request.protocol: value
                for request in requests
                if (value := _value(reference, request, reals, fakes)) is not None
            }
        )
    rough, exact = values
    return {
        request.protocol: Deviation(
            rough[request.protocol] - exact[request.protocol]
            if request.protocol in rough.keys() & exact.keys()
            else None,
            sets,
        )
        for request in requests
    }


def _value(
    reference: Reference, request: Request, real: Evidence | None, fake: Evidence
) -> float | None:
    """Return a metric of a few images, None where they are too few."""
    reals = reference.real_evidence(request.name) if real is None else real
    try:
        return request.metric.compute(reals, fake, seed=0).value
    except (InputError, ConfigError):
        return None


def _first_images(samples: Samples) -> list[Tensor]:
    images: list[Tensor] = []
    for chunk in islice(samples.chunks(CHUNK), -(-IMAGES // CHUNK)):
        images += list(chunk.values)
    return images[:IMAGES]


def _evidence(requests: Sequence[Request], images: list[Tensor], compute: Compute) -> Evidence:
    network = requests[0].network
    assert isinstance(network, FeatureNetwork)
    channelwise = requests[0].channelwise
    features, probabilities = [], []
    for start in range(0, len(images), network.batch_size):
        batch = images[start : start + network.batch_size]
        extracted = network.extract(
            torch.stack(batch) if channelwise else batch, compute=compute, channelwise=channelwise
        )
        features.append(extracted.features)
        if extracted.probabilities is not None:
            probabilities.append(extracted.probabilities)
    evidence = of_features(torch.cat(features).numpy())
    if not probabilities:
        return evidence
    return replace(evidence, probabilities=torch.cat(probabilities).numpy())
