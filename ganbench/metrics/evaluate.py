# SPDX-License-Identifier: MIT
"""Many metrics of one set of samples in one pass, each with its floor and its protocol."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganbench.data.dataset import Dataset, to_uint8
from ganbench.errors import InputError
from ganbench.features.network import FeatureNetwork
from ganbench.metrics.metric import Better, Evidence, Value
from ganbench.metrics.requests import Request, resolve

FLOOR_SEED = 0
"""Floors are drawn from a seed of their own, so that they are the same beside every run."""


@dataclass(frozen=True)
class Measurement:
    """A value with all that is needed to read it and to compare it.

    ``n`` counts the samples and ``n_real`` the real ones that they were measured against. The
    floor is what real data give: see ``Reference``. Two values compare if their protocols are
    the same text.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    n_real: int
    floor: float | None
    protocol: str
    better: Better
    unit: str
    note: str

    def record(self) -> dict[str, Any]:
        """Return the measurement as it is recorded: a value that does not exist is None."""
        return {
            "value": self.value if math.isfinite(self.value) else None,
            "low": self.low,
            "high": self.high,
            "n": self.n,
            "floor": self.floor,
            "protocol": self.protocol,
            "better": self.better,
            "unit": self.unit,
            "note": self.note,
        }


class Reference:
    """Real data to measure against; what is computed from them is computed once and kept.

    Metrics and network are resolved here, so that a wrong name is known before anything is
    trained. ``metrics`` None means those that suit the data: of images with a feature network
    ``fid``, ``is``, ``modes`` and ``reverse-kl``; of a mixture ``modes``, ``high-quality`` and
    ``reverse-kl``; of other data none. ``fid`` means with the dataset's own network, or with
    ``network``; ``fid@fashion-cnn`` with the one named.

    The floor of a metric that compares with real samples is its value between two random halves
    of the real set. That of the others is their value for as many real samples as were
    measured, as far as there are: fresh ones where the density is known.

    Raises:
        UnknownNameError: no such metric or network; the nearest is suggested.
        ConfigError: a metric that cannot be computed of such data.
        MissingDataError: the weights of a network are not on this machine.
    """

    def __init__(
        self,
        real: Dataset,
        *,
        metrics: Sequence[str] | None = None,
        network: str | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.real = real
        self.device = device
        self.requests = resolve(real.spec, metrics, network)
        self._evidence: dict[str, Evidence] = {}
        self._floors: dict[tuple[str, int], float | None] = {}

    def evaluate(
        self, fake: Tensor, *, seed: int = 0, conditions: Sequence[str] = ()
    ) -> dict[str, Measurement]:
        """Measure samples: images (N, C, H, W), uint8 or float in [-1, 1], or points (N, D).

        ``seed`` is for resampling: it moves the intervals, never a value. ``conditions`` are
        further words of the protocol, such as ``weights=ema``.

        Raises:
            InputError: samples of another shape or type, too few, or not finite.
        """
        values = self._samples(fake)
        alike = len(values) > 1 and bool((values == values[:1]).all())
        measured: dict[str, Measurement] = {}
        evidence: dict[str, Evidence] = {}
        for request in self.requests:
            key = request.network_name
            if key not in evidence:
                evidence[key] = self._describe(values, request.network)
            value = request.metric.compute(self._real(request), evidence[key], seed=seed)
            measured[request.name] = Measurement(
                value=value.value,
                low=value.low,
                high=value.high,
                n=len(values),
                n_real=len(self.real),
                floor=self._floor(request, len(values)),
                protocol=self._protocol(request, len(values), conditions),
                better=request.metric.better,
                unit=request.metric.unit,
                note=_note(value, alike),
            )
        return measured

    def _samples(self, fake: Tensor) -> Tensor:
        """Return fakes as the networks, or the rules for points, read them; raise InputError."""
        spec = self.real.spec
        if spec.is_image:
            fits = fake.ndim == 4 and fake.shape[1] == spec.channels
            expected = f"images (N, {spec.channels}, H, W)"
        else:
            fits = fake.ndim == 2 and fake.shape[1:] == spec.shape
            expected = f"points (N, {spec.size})"
        if not fits or not fake.numel():
            raise InputError(
                f"Samples to be measured against {spec.name} must be {expected} with N >= 1, "
                f"not {tuple(fake.shape)}."
            )
        if spec.is_image and fake.dtype == torch.uint8:
            return fake
        if not fake.dtype.is_floating_point:
            types = "uint8 or floating-point" if spec.is_image else "floating-point"
            raise InputError(f"Samples must be {types}, not {fake.dtype}.")
        broken = int((~fake.isfinite()).flatten(1).any(dim=1).sum())
        if broken:
            raise InputError(
                f"{broken} of {len(fake)} samples hold values that are NaN or infinite: "
                "the generator has diverged.",
                "Train it with a smaller learning rate, or add a penalty: --trick r1",
            )
        return to_uint8(fake.float()) if spec.is_image else fake

    def _describe(self, values: Tensor, network: FeatureNetwork | None) -> Evidence:
        """Return the evidence of uint8 images or of points."""
        if network is None:
            points = values.cpu().double().numpy()
            return Evidence(len(values), points=points, mixture=self.real.spec.mixture)
        channelwise = network.reads_channels(self.real.spec)
        extracted = network.extract(values, device=self.device, channelwise=channelwise)
        return Evidence(
            len(values),
            features=extracted.features.double().numpy(),
            probabilities=extracted.probabilities.double().numpy(),
        )

    def _real(self, request: Request) -> Evidence:
        """Return the evidence of the real set, made when it is first needed."""
        if request.network_name not in self._evidence:
            described = self._describe(self.real.values, request.network)
            self._evidence[request.network_name] = described
        return self._evidence[request.network_name]

    def _floor(self, request: Request, count: int) -> float | None:
        """Return the floor beside a value of ``count`` samples; None with too few real ones."""
        halves = request.compares
        key = (request.name, 0 if halves else count)
        if key not in self._floors:
            self._floors[key] = self._compute_floor(request, count, halves=halves)
        return self._floors[key]

    def _compute_floor(self, request: Request, count: int, *, halves: bool) -> float | None:
        real = self._real(request)
        random = np.random.default_rng(FLOOR_SEED)
        if real.mixture is not None:
            centers = np.array(real.mixture.centers)
            modes = random.integers(len(centers), size=count)
            noise = random.standard_normal((count, centers.shape[1]))
            points = centers[modes] + real.mixture.sigma * noise
            against, tested = real, Evidence(count, points=points, mixture=real.mixture)
        elif halves:
            order = random.permutation(real.count)
            middle = real.count // 2
            against, tested = _take(real, order[:middle]), _take(real, order[middle:])
        else:
            chosen = random.permutation(real.count)[:count]
            against, tested = real, _take(real, chosen)
        try:
            floor = request.metric.compute(against, tested, seed=FLOOR_SEED).value
        except InputError:
            return None  # too few real samples to split
        return floor if math.isfinite(floor) else None

    def _protocol(self, request: Request, count: int, conditions: Sequence[str]) -> str:
        """Return the text that pins how a value was made, but for the samples themselves."""
        spec = self.real.spec
        name = spec.name.rstrip("/").rpartition("/")[2]  # of a folder only its own name
        return "/".join(
            [
                request.protocol,
                f"{name}:v{spec.version}",
                f"split={self.real.split}",
                f"n_real={len(self.real)}",
                f"n_fake={count}",
                *conditions,
            ]
        )


def evaluate(
    real: Dataset,
    fake: Tensor,
    *,
    metrics: Sequence[str] | None = None,
    network: str | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> dict[str, Measurement]:
    """Measure samples against real data, once: ``Reference`` says of what kind and shape.

    Raises:
        GanbenchError: as ``Reference`` and ``Reference.evaluate`` do.
    """
    reference = Reference(real, metrics=metrics, network=network, device=device)
    return reference.evaluate(fake, seed=seed)


def _note(value: Value, alike: bool) -> str:
    return "; ".join(filter(None, ["all samples are identical" if alike else "", value.note]))


def _take(evidence: Evidence, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Evidence:
    """Return some rows of what a network says of the real set."""
    assert evidence.features is not None
    assert evidence.probabilities is not None
    return Evidence(
        len(rows), features=evidence.features[rows], probabilities=evidence.probabilities[rows]
    )
