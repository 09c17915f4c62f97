# SPDX-License-Identifier: MIT
"""Known damage to real images: what a metric should notice, by how much of it there is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2.functional import gaussian_blur

from ganbench.data.dataset import Dataset


@dataclass(frozen=True)
class Held:
    """Real images: ``pool`` of the split that is damaged, ``training`` that is measured against.

    ``count`` is how many samples a damaged set has.
    """

    pool: Dataset
    training: Dataset
    count: int

    @property
    def clean(self) -> Tensor:
        """The undamaged samples (count, C, H, W) uint8."""
        return self.pool.values[: self.count]


@dataclass(frozen=True)
class Damage:
    """One kind of damage in one amount; ``apply`` returns samples (count, C, H, W) uint8."""

    kind: str
    amount: str
    apply: Callable[[Held], Tensor]


def damages(held: Held) -> list[Damage]:
    """Return all damage, three amounts of each kind.

    Classes are dropped where they are known and the others have enough images.
    """
    found = [
        *(Damage("blur", f"σ = {s:g} px", _blur(s)) for s in (0.5, 1.0, 2.0)),
        *(Damage("noise", f"σ = {s} / 255", _noise(s)) for s in (4, 16, 48)),
        *(Damage("shifted colors", f"{s} / 255", _shift(s)) for s in (8, 32, 64)),
    ]
    classes = held.pool.spec.classes if held.pool.labels is not None else 0
    for dropped in dict.fromkeys((1, classes // 2, classes - 1)) if classes > 1 else ():
        if len(_of_classes(held, classes - dropped)) >= held.count:
            amount = f"{dropped} of {classes}"
            found.append(Damage("dropped classes", amount, _drop(classes - dropped)))
    found += [
        *(Damage("one sample repeated", f"{s:.0%}", _repeat(s)) for s in (0.01, 0.1, 0.5)),
        *(Damage("copied training images", f"{s:.0%}", _copy(s)) for s in (0.1, 0.5, 1.0)),
    ]
    return found


def _blur(sigma: float) -> Callable[[Held], Tensor]:
    size = 2 * round(4 * sigma) + 1

    def apply(held: Held) -> Tensor:
        blurred: Tensor = gaussian_blur(held.clean.float(), [size, size], [sigma, sigma])
        return _rounded(blurred)

    return apply


def _noise(deviation: int) -> Callable[[Held], Tensor]:
    def apply(held: Held) -> Tensor:
        random = torch.Generator().manual_seed(0)
        noise = torch.randn(held.clean.shape, generator=random) * deviation
        return _rounded(held.clean + noise)

    return apply


def _shift(amount: int) -> Callable[[Held], Tensor]:
    """Make gray images brighter; of color images red stronger and blue weaker."""

    def apply(held: Held) -> Tensor:
        offsets = [amount] if held.clean.shape[1] == 1 else [amount, 0, -amount]
        return _rounded(held.clean + torch.tensor(offsets).view(1, -1, 1, 1).float())

    return apply


def _drop(kept: int) -> Callable[[Held], Tensor]:
    """Leave out the last classes; the others give more samples, none of them twice."""

    def apply(held: Held) -> Tensor:
        return held.pool.values[_of_classes(held, kept)[: held.count]]

    return apply


def _of_classes(held: Held, kept: int) -> Tensor:
    """Return which images of the pool (n,) are of the first classes."""
    assert held.pool.labels is not None
    return (held.pool.labels < kept).nonzero()[:, 0]


def _repeat(share: float) -> Callable[[Held], Tensor]:
    def apply(held: Held) -> Tensor:
        values = held.clean.clone()
        values[_some(held.count, share)] = held.pool.values[0]
        return values

    return apply


def _copy(share: float) -> Callable[[Held], Tensor]:
    def apply(held: Held) -> Tensor:
        values = held.clean.clone()
        rows = _some(held.count, share)
        values[rows] = held.training.values[: len(rows)]
        return values

    return apply


def _some(count: int, share: float) -> Tensor:
    chosen = np.random.default_rng(0).permutation(count)[: round(share * count)]
    return torch.from_numpy(chosen)


def _rounded(pixels: Tensor) -> Tensor:
    return pixels.round().clamp(0, 255).to(torch.uint8)
