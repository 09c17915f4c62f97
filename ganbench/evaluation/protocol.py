# SPDX-License-Identifier: MIT
"""The protocol: a text that pins how a value was made, apart from the generated samples.

Two values compare only if their protocols are the same text. It reads, in this order and with the
parts that apply::

    metric/v1@network:hash/preprocessing/per-channel/rule/parameters/openvino/bf16/data:v3/
    split=train/n_real=500/n_fake=400/conditions

The real data are named where the value depends on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ganbench.evaluation.feature_network import NetworkFacts
from ganbench.evaluation.metric import Metric
from ganbench.runtime.inference import Compute
from ganbench.samples.sample_set import Facts

Uses = Literal["samples", "density", "nothing"]
"""What of the real data a value depends on: the samples, their known density, or nothing."""

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


def network_protocol(network: NetworkFacts, compute: Compute) -> str:
    """Return the text that pins the numbers of a network: a part of the key of the cache."""
    return _joined(network.protocol, "" if network.exact else _engine(compute), compute.precision)


def how_computed(network: NetworkFacts | None, compute: Compute) -> str:
    """Return the engine and the number format where they move the numbers of a network.

    It is empty for what compares by default, torch in fp32, and for networks that are ``exact``.
    """
    if network is None or network.exact:
        return ""
    return _joined(_engine(compute), "" if compute.precision == "fp32" else compute.precision)


def full_protocol(
    metric_protocol: str,
    real: Facts,
    *,
    computed: str = "",
    n_real: int,
    n_fake: int,
    conditions: Sequence[str] = (),
    uses: Uses = "samples",
) -> str:
    """Return the protocol of a value.

    Args:
        metric_protocol: The metric's part, from ``image_protocol`` or ``point_protocol``.
        real: The facts of the real samples.
        computed: How the network is computed, from ``how_computed``.
        n_real: Number of real samples, 0 where it is not known.
        n_fake: Number of generated samples, 0 where it is not known.
        conditions: Further words, such as ``sampler=ema``.
        uses: What of the real data the value depends on.
    """
    data = f"{real.name}:v{real.version}"
    named = {
        "samples": (data, f"split={real.split}", f"n_real={n_real or '?'}"),
        "density": (data,),
        "nothing": (),
    }
    return _joined(metric_protocol, computed, *named[uses], f"n_fake={n_fake or '?'}", *conditions)


def _engine(compute: Compute) -> str:
    return "" if compute.engine == "torch" else compute.engine


def _version(metric: Metric) -> str:
    return f"{metric.name}/v{metric.version}"


def _joined(*parts: str) -> str:
    return "/".join(filter(None, parts))
