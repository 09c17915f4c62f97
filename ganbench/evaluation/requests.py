# SPDX-License-Identifier: MIT
"""What is to be measured, from the names that a user gives to metrics with their networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ganbench import registry
from ganbench.errors import ConfigError, GanbenchError, MissingDataError
from ganbench.evaluation.feature_network import FeatureNetwork
from ganbench.evaluation.metric import PATH_NEEDS, ROW_NEEDS, Metric, Need
from ganbench.evaluation.mode_counts import CLASS_RULE, POINT_RULE
from ganbench.evaluation.own_network import check_network, find_network
from ganbench.evaluation.pair_network import Network, PairNetwork
from ganbench.evaluation.protocol import Uses, image_protocol, point_protocol
from ganbench.evaluation.unmeasured import joined
from ganbench.gan import SampleKind
from ganbench.samples.sample_set import Facts

OWN_METRICS = ("fid", "is", "modes", "reverse-kl")
"""Measured of images by the dataset's own classifier where nothing else is asked for."""
MIXTURE_METRICS = ("modes", "high-quality", "reverse-kl")
POINT_METRICS = ("mind", "precision", "recall", "coverage")
ALIASES = {"lpips": "lpips-diversity"}

_PAIR_NEEDS: frozenset[Need] = frozenset({"pairs", "class-pairs", "counterparts", *PATH_NEEDS})


@dataclass(frozen=True)
class Request:
    """A metric to be computed, under the name of its result.

    A plain name, ``fid``, stands for the metric with the network of its paper. With another
    network the name ends in it, ``fid@mnist-cnn``, because a number means nothing without it.
    Metrics of any classifier, such as ``modes``, have the plain name with the dataset's own.
    The name of a metric of points ends in ``@points`` unless the metric is about mixtures.

    ``protocol`` is the metric's part of the protocol; ``network`` is None for points.
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

    @property
    def evidence_key(self) -> str:
        """The key under which evidence for the request is kept.

        Metrics of one network share their evidence, unless they need pairs, whose pairs differ.
        """
        pairs = [need for need in self.metric.needs if need not in {"moments", *ROW_NEEDS}]
        return "/".join([self.network_name, *pairs])

    @property
    def uses(self) -> Uses:
        """What of the real data the value depends on."""
        if self.metric.compares or self.of_counterparts:
            return "samples"
        of_mixture = self.network is None and self.metric.points == "mixture"
        return "density" if of_mixture else "nothing"

    @property
    def of_counterparts(self) -> bool:
        """Whether each sample is compared with the real one of the same name."""
        return "counterparts" in self.metric.needs

    @property
    def path_need(self) -> Need | None:
        """The need of steps along paths through a generator's latents; None for other metrics."""
        return next((need for need in self.metric.needs if need in PATH_NEEDS), None)


def without_held_out(request: Request) -> ConfigError:
    """Return the error of a metric that compares with held-out samples where none are named."""
    return ConfigError(
        f"{request.name} compares with held-out real samples, and none are named.",
        f"ganbench eval SAMPLES --real mnist5k --held-out mnist5k:test --metrics {request.name}",
    )


def resolve_requests(
    facts: Facts, metrics: Sequence[str] | None, network: str | None
) -> list[Request]:
    """Return what ``metrics`` means for real samples, each metric once, in the order given.

    Args:
        facts: The facts of the real samples.
        metrics: Names of metrics, each perhaps with ``@network``; None means the metrics that
            suit the data.
        network: The network of every metric that names none and can use it.

    Raises:
        UnknownNameError: There is no such metric or network; the nearest is suggested.
        ConfigError: A metric cannot be computed of such data.
        MissingDataError: The weights of networks are not on this machine; all are named.
    """
    requests, missing = resolve_available(facts, metrics, network)
    if missing:
        raise joined(missing)
    return requests


def resolve_available(
    facts: Facts, metrics: Sequence[str] | None, network: str | None
) -> tuple[list[Request], dict[str, GanbenchError]]:
    """Return what can be measured as ``resolve_requests`` does, and what is missing for the rest.

    Returns:
        The requests, and by the name of each other metric the MissingDataError of its network.

    Raises:
        UnknownNameError: There is no such metric or network; the nearest is suggested.
        ConfigError: A metric cannot be computed of such data.
    """
    names, default = (metrics, network) if metrics is not None else _suitable(facts, network)
    requests: dict[str, Request] = {}
    missing: dict[str, GanbenchError] = {}
    for name in names:
        try:
            request = _READERS[facts.kind](facts, name, default)
        except MissingDataError as error:
            missing[name] = error
        else:
            requests[request.name] = request
    return list(requests.values()), missing


def check_names(metrics: Sequence[str] | None, network: str | None) -> None:
    """Raise UnknownNameError for a metric or network that there is none of; nothing is loaded."""
    for text in metrics or ():
        name, _, own = text.partition("@")
        registry.metrics.entry(ALIASES.get(registry.canonical(name), name))
        if own not in {"", "points"}:
            check_network(own)
    if network is not None:
        check_network(network)


def _suitable(facts: Facts, network: str | None) -> tuple[Sequence[str], str | None]:
    """Return the names of the metrics that suit the data, and their network.

    There are none for sequences and videos, and for images of which no classifier is known.
    """
    if facts.kind == "points":
        return MIXTURE_METRICS if facts.mixture else POINT_METRICS, None
    own = network or facts.network
    if facts.kind != "images" or own is None:
        return (), None
    return OWN_METRICS, own


def _of_images(facts: Facts, text: str, default: str | None) -> Request:
    metric_name, _, network_name = text.partition("@")
    metric = _metric(metric_name)
    if not metric.needs:
        raise ConfigError(f"{metric_name} is a metric of points; {facts.name} holds images.")
    pairs = bool(_PAIR_NEEDS & set(metric.needs))
    own = metric.network or facts.network
    chosen = network_name or (None if pairs else default) or own
    if chosen is None:
        known = ", ".join(registry.networks.names())
        raise ConfigError(
            f"{metric_name} needs a classifier of the data, and {facts.name} has none of its own.",
            f"Name one of {known}; for example: --metrics {metric_name}@mnist-cnn",
        )
    network = find_network(chosen)
    name = registry.canonical(metric_name)
    if network.facts.name != (registry.canonical(own) if own else None):
        name = f"{name}@{network.facts.name}"
    _check_fit(name, metric, network, pairs=pairs)
    channels = facts.shape[0] if facts.shape else 0
    channelwise = isinstance(network, FeatureNetwork) and network.reads_channels(
        channels, facts.classes
    )
    rule = CLASS_RULE if metric.points == "mixture" else ""
    protocol = image_protocol(metric, network.facts, channelwise=channelwise, rule=rule)
    return Request(name, metric, network, protocol, channelwise)


def _check_fit(name: str, metric: Metric, network: Network, *, pairs: bool) -> None:
    """Raise ConfigError if a network does not give what a metric needs."""
    if isinstance(network, PairNetwork) != pairs:
        kind = "compares pairs of images" if pairs else "needs features of single images"
        others = [other for other in registry.networks.names() if other != network.facts.name]
        raise ConfigError(
            f"{name} {kind}, which the network {network.facts.name} does not give.",
            f"There are: {', '.join(others)}.",
        )
    classifies = network.facts.classes > 0
    if isinstance(network, FeatureNetwork) and "probabilities" in metric.needs and not classifies:
        raise network.without_classes()


def _of_points(facts: Facts, text: str, default: str | None) -> Request:
    metric_name, _, network_name = text.partition("@")
    metric = _metric(metric_name)
    name = registry.canonical(metric_name)
    if metric.points == "no" or network_name not in {"", "points"}:
        raise ConfigError(
            f"{text} needs the features of images; {facts.name} holds points.",
            f"For points there are: {', '.join([*MIXTURE_METRICS, *POINT_METRICS, 'fid', 'kid'])}.",
        )
    if metric.points == "features":
        return Request(f"{name}@points", metric, None, point_protocol(metric))
    if facts.mixture is None:
        raise ConfigError(f"{name} needs a known mixture; the mixture of {facts.name} is unknown.")
    return Request(name, metric, None, point_protocol(metric, rule=POINT_RULE))


def _of_others(facts: Facts, text: str, default: str | None) -> Request:
    _metric(text.partition("@")[0])  # a name that is misspelt is named as such
    raise ConfigError(
        f"{text} is measured of images or points; {facts.name} holds {facts.kind}.",
        "A run on such data is trained and sampled; leave its metrics out.",
    )


_READERS: dict[SampleKind, Callable[[Facts, str, str | None], Request]] = {
    "images": _of_images,
    "points": _of_points,
    "sequences": _of_others,
    "videos": _of_others,
}
"""What a metric's name means, by the kind of the samples."""


def _metric(name: str) -> Metric:
    key = registry.canonical(name)
    metric: Metric = registry.metrics.get(ALIASES.get(key, name))()
    return metric
