# SPDX-License-Identifier: MIT
"""What is to be measured: from the names that a user gives to metrics with their networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ganbench import registry
from ganbench.errors import ConfigError
from ganbench.evaluation.feature_network import FeatureNetwork, Network, PairNetwork
from ganbench.evaluation.metric import Metric, Need
from ganbench.evaluation.mode_counts import CLASS_RULE, POINT_RULE
from ganbench.samples.sample_set import Facts

OWN_METRICS = ("fid", "is", "modes", "reverse-kl")
"""Measured of images by the dataset's own classifier where nothing else is asked for."""
MIXTURE_METRICS = ("modes", "high-quality", "reverse-kl")
POINT_METRICS = ("mind", "precision", "recall", "coverage")
ALIASES = {"lpips": "lpips-diversity"}

_OF_PAIRS: frozenset[Need] = frozenset({"pairs", "class-pairs", "counterparts"})


@dataclass(frozen=True)
class Request:
    """A metric to be computed, under the name of its result.

    A plain name, ``fid``, stands for the metric with the network of its paper; with another
    network the name ends in it, ``fid@mnist-cnn``, because a number means nothing without it.
    Metrics of any classifier, such as ``modes``, have the plain name with the dataset's own;
    of points, what is not about mixtures ends in ``@points``.
    """

    name: str
    metric: Metric
    network: Network | None
    protocol: str
    channelwise: bool = False

    @property
    def network_name(self) -> str:
        """The network's name, empty for points."""
        return self.network.facts.name if self.network else ""


def resolve_requests(
    facts: Facts, metrics: Sequence[str] | None, network: str | None
) -> list[Request]:
    """Return what ``metrics`` means for real samples, each once, in the order given.

    ``network`` stands in for the network of every metric that names none and can use it.

    Raises:
        UnknownNameError: no such metric or network; the nearest is suggested.
        ConfigError: a metric that cannot be computed of such data.
        MissingDataError: the weights of a network are not on this machine.
    """
    images = facts.kind == "images"
    if metrics is None:
        requests = _suited(facts, network)
    else:
        make = _of_images if images else _of_points
        requests = [make(facts, name, network) for name in metrics]
    return list({request.name: request for request in requests}.values())


def _suited(facts: Facts, network: str | None) -> list[Request]:
    """Return the metrics that suit the data; none for images of which no classifier is known."""
    if facts.kind == "points":
        names = MIXTURE_METRICS if facts.mixture else POINT_METRICS
        return [_of_points(facts, name, None) for name in names]
    own = network or facts.network
    return [_of_images(facts, name, own) for name in OWN_METRICS] if own else []


def _of_images(facts: Facts, text: str, default: str | None) -> Request:
    asked, _, named = text.partition("@")
    metric = _metric(asked)
    if not metric.needs:
        raise ConfigError(f"{asked} is a number about points; {facts.name} holds images.")
    pairs = bool(_OF_PAIRS & set(metric.needs))
    own = metric.network or facts.network
    chosen = named or (None if pairs else default) or own
    if chosen is None:
        known = ", ".join(registry.networks.names())
        raise ConfigError(
            f"{asked} needs a classifier of the data, and {facts.name} has none of its own.",
            f"Name one of {known}; for example: --metrics {asked}@mnist-cnn",
        )
    network: Network = registry.networks.get(chosen)()
    name = registry.canonical(asked)
    if network.facts.name != (registry.canonical(own) if own else None):
        name = f"{name}@{network.facts.name}"
    _check_fit(name, metric, network, pairs=pairs)
    channels = facts.shape[0] if facts.shape else 0
    channelwise = isinstance(network, FeatureNetwork) and network.reads_channels(
        channels, facts.classes
    )
    parts = [f"{registry.name_of(metric)}/v{metric.version}@{network.facts.protocol}"]
    parts += ["per-channel"] if channelwise else []
    parts += [CLASS_RULE] if metric.points == "mixture" else []
    parts += filter(None, [metric.parameters])
    return Request(name, metric, network, "/".join(parts), channelwise)


def _check_fit(name: str, metric: Metric, network: Network, *, pairs: bool) -> None:
    """Raise ConfigError if a network does not give what a metric needs."""
    if isinstance(network, PairNetwork) != pairs:
        kind = "compares pairs of images" if pairs else "needs features of single images"
        known = ", ".join(one for one in registry.networks.names() if one != network.facts.name)
        raise ConfigError(
            f"{name} {kind}, which the network {network.facts.name} does not give.",
            f"There are: {known}.",
        )
    classifies = network.facts.classes > 0
    if isinstance(network, FeatureNetwork) and "probabilities" in metric.needs and not classifies:
        raise network.without_classes()


def _of_points(facts: Facts, text: str, default: str | None) -> Request:
    asked, _, named = text.partition("@")
    metric = _metric(asked)
    name = registry.canonical(asked)
    if metric.points == "no" or named not in {"", "points"}:
        raise ConfigError(
            f"{text} needs the features of images; {facts.name} holds points.",
            f"There are for points: {', '.join([*MIXTURE_METRICS, *POINT_METRICS, 'fid', 'kid'])}.",
        )
    if metric.points == "features":
        parts = [f"{registry.name_of(metric)}/v{metric.version}@points", metric.parameters]
        return Request(f"{name}@points", metric, None, "/".join(filter(None, parts)))
    if facts.mixture is None:
        raise ConfigError(f"{name} needs a known mixture; that of {facts.name} is not known.")
    parts = [f"{registry.name_of(metric)}/v{metric.version}", POINT_RULE, metric.parameters]
    return Request(name, metric, None, "/".join(filter(None, parts)))


def _metric(name: str) -> Metric:
    key = registry.canonical(name)
    metric: Metric = registry.metrics.get(ALIASES.get(key, name))()
    return metric
