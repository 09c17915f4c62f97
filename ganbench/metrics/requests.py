# SPDX-License-Identifier: MIT
"""What is to be measured: from the names that a user gives to metrics with their networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ganbench import registry
from ganbench.errors import ConfigError
from ganbench.features.network import FeatureNetwork
from ganbench.gan import DataSpec
from ganbench.metrics.coverage import CLASS_RULE, POINT_RULE
from ganbench.metrics.metric import Metric

IMAGE_METRICS = ("fid", "is", "modes", "reverse-kl")
MIXTURE_METRICS = ("modes", "high-quality", "reverse-kl")


@dataclass(frozen=True)
class Request:
    """A metric to be computed, under the name of its result.

    The name ends in the network, ``fid@mnist-cnn``, because a number means nothing without it.
    Only what mixtures have too, ``modes`` and ``reverse-kl``, keeps a plain name, with the
    network in the protocol; ``modes@fashion-cnn`` is the name where it is not the dataset's own.
    """

    name: str
    metric: Metric
    network: FeatureNetwork | None
    protocol: str

    @property
    def network_name(self) -> str:
        """The network's name, empty for points."""
        return self.network.facts.name if self.network else ""

    @property
    def compares(self) -> bool:
        """Whether the metric compares with real samples, not only with what is known of them."""
        return "features" in self.metric.needs


def resolve(spec: DataSpec, metrics: Sequence[str] | None, network: str | None) -> list[Request]:
    """Return what ``metrics`` means for a dataset, each once, in the order given.

    Raises:
        UnknownNameError: no such metric or network; the nearest is suggested.
        ConfigError: a metric that cannot be computed of such data.
        MissingDataError: the weights of a network are not on this machine.
    """
    default = network or spec.network
    if metrics is None:
        metrics = _suited(spec, default)
    make = _of_images if spec.is_image else _of_points
    requests = [make(spec, name, default) for name in metrics]
    return list({request.name: request for request in requests}.values())


def _suited(spec: DataSpec, network: str | None) -> Sequence[str]:
    """Return the metrics that suit a dataset; none where nothing is known of it."""
    if spec.is_image:
        return IMAGE_METRICS if network else ()
    return MIXTURE_METRICS if spec.mixture else ()


def _of_images(spec: DataSpec, text: str, default: str | None) -> Request:
    name, _, named = text.partition("@")
    metric = _metric(name)
    name = registry.name_of(metric)
    if not {"features", "probabilities"} & set(metric.needs):
        raise ConfigError(f"{name} is a number about points; {spec.name} holds images.")
    chosen = named or default
    if chosen is None:
        known = ", ".join(registry.networks.names())
        raise ConfigError(
            f"{name} needs a feature network, and {spec.name} has none of its own.",
            f"Name one of {known}; for example: --metrics {name}@{registry.networks.names()[0]}",
        )
    network: FeatureNetwork = registry.networks.get(chosen)()
    plain = "points" in metric.needs
    own = network.facts.name == (registry.canonical(default) if default else None)
    parts = [f"{name}/v{metric.version}@{network.facts.protocol}"]
    if network.reads_channels(spec):
        parts.append("per-channel")
    parts += filter(None, [CLASS_RULE if plain else "", metric.parameters])
    result = name if plain and own else f"{name}@{network.facts.name}"
    return Request(result, metric, network, "/".join(parts))


def _of_points(spec: DataSpec, text: str, default: str | None) -> Request:
    name, _, named = text.partition("@")
    metric = _metric(name)
    name = registry.name_of(metric)
    if named or "points" not in metric.needs:
        raise ConfigError(
            f"{text} needs the features of images; {spec.name} holds points.",
            f"There are for points: {', '.join(MIXTURE_METRICS)}.",
        )
    if spec.mixture is None:
        raise ConfigError(f"{name} needs a known mixture; that of {spec.name} is not known.")
    parts = [f"{name}/v{metric.version}", POINT_RULE, metric.parameters]
    return Request(name, metric, None, "/".join(filter(None, parts)))


def _metric(name: str) -> Metric:
    metric: Metric = registry.metrics.get(name)()
    return metric
