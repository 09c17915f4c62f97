# SPDX-License-Identifier: MIT
"""The protocol: a text that pins how a value was made, apart from the generated samples.

Two values compare only if their protocols are the same text. It reads, in this order and with the
parts that apply::

    metric/v1@network:hash/preprocessing/per-channel/rule/parameters/bf16/data:v3/split=train/
    n_real=500/n_fake=400/conditions
"""

from __future__ import annotations

from collections.abc import Sequence

from ganbench.evaluation.feature_network import NetworkFacts
from ganbench.evaluation.metric import Metric
from ganbench.samples.sample_set import Facts

PROTOCOL_SEED = 2020
"""Seeds the draws that are part of a protocol: they are the same in every evaluation.

It is torch-fidelity's, whose very draws its KID, MIND, and splits of the Inception Score repeat.
"""


def image_protocol(metric: Metric, network: NetworkFacts, *, channelwise: bool, rule: str) -> str:
    """Return the metric's part of a protocol for images, such as ``fid/v1@pixels/.../ddof=1``.

    Args:
        metric: The metric.
        network: The facts of the network that describes the images.
        channelwise: Whether the network reads the channels of an image one by one.
        rule: How samples are assigned to modes, empty where the metric counts no modes.
    """
    channels = "per-channel" if channelwise else ""
    return _joined(f"{_version(metric)}@{network.protocol}", channels, rule, metric.parameters)


def point_protocol(metric: Metric, *, rule: str = "") -> str:
    """Return the metric's part of a protocol for points; ``rule`` assigns them to modes."""
    name = _version(metric) if rule else f"{_version(metric)}@points"
    return _joined(name, rule, metric.parameters)


def network_protocol(network: NetworkFacts, precision: str) -> str:
    """Return the text that pins the numbers of a network: a part of the key of the cache."""
    return f"{network.protocol}/{precision}"


def full_protocol(
    metric_protocol: str,
    real: Facts,
    *,
    precision: str,
    n_real: int,
    n_fake: int,
    conditions: Sequence[str] = (),
) -> str:
    """Return the protocol of a value.

    Args:
        metric_protocol: The metric's part, from ``image_protocol`` or ``point_protocol``.
        real: The facts of the real samples.
        precision: Number format of the network; named unless it is ``fp32``, and empty where no
            network computes.
        n_real: Number of real samples, 0 where it is not known.
        n_fake: Number of generated samples, 0 where it is not known.
        conditions: Further words, such as ``weights=ema``.
    """
    return _joined(
        metric_protocol,
        "" if precision == "fp32" else precision,
        f"{real.name}:v{real.version}",
        f"split={real.split}",
        f"n_real={n_real or '?'}",
        f"n_fake={n_fake or '?'}",
        *conditions,
    )


def _version(metric: Metric) -> str:
    return f"{metric.name}/v{metric.version}"


def _joined(*parts: str) -> str:
    return "/".join(filter(None, parts))
