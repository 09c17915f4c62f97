# SPDX-License-Identifier: MIT
"""Known damage to real images, in known amounts, for metrics to notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2.functional import gaussian_blur

from ganbench.data.dataset import Dataset


@dataclass(frozen=True)
class CheckImages:
    """The real images of a self-check.

    Args:
        pool: the split whose images are damaged.
        training: the images that damaged images are compared with.
        count: number of samples in a damaged set.
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
    apply: Callable[[CheckImages], Tensor]


def damages(images: CheckImages) -> list[Damage]:
    """Return all damage, three amounts of each kind.

    Classes are dropped where they are known and the other classes have enough images.
    """
    return [
        *(Damage("blur", f"σ = {sigma:g} px", _blur(sigma)) for sigma in (0.5, 1.0, 2.0)),
        *(Damage("noise", f"σ = {sigma} / 255", _noise(sigma)) for sigma in (4, 16, 48)),
        *(Damage("shifted colors", f"{shift} / 255", _shift(shift)) for shift in (8, 32, 64)),
        *_dropped_classes(images),
        *(
            Damage("one sample repeated", f"{share:.0%}", _repeat(share))
            for share in (0.01, 0.1, 0.5)
        ),
        *(
            Damage("copied training images", f"{share:.0%}", _copy(share))
            for share in (0.1, 0.5, 1.0)
        ),
    ]


def _dropped_classes(images: CheckImages) -> Iterator[Damage]:
    """Yield the loss of one class, of half of the classes, and of all but one."""
    classes = images.pool.spec.classes if images.pool.labels is not None else 0
    for dropped in dict.fromkeys((1, classes // 2, classes - 1)) if classes > 1 else ():
        if len(_of_classes(images, classes - dropped)) >= images.count:
            amount = f"{dropped} of {classes}"
            yield Damage("dropped classes", amount, _drop(classes - dropped))


def _blur(sigma: float) -> Callable[[CheckImages], Tensor]:
    size = 2 * round(4 * sigma) + 1

    def apply(images: CheckImages) -> Tensor:
        blurred: Tensor = gaussian_blur(images.clean.float(), [size, size], [sigma, sigma])
        return _rounded(blurred)

    return apply


def _noise(deviation: int) -> Callable[[CheckImages], Tensor]:
    def apply(images: CheckImages) -> Tensor:
        random = torch.Generator().manual_seed(0)
        noise = torch.randn(images.clean.shape, generator=random) * deviation
        return _rounded(images.clean + noise)

    return apply


def _shift(amount: int) -> Callable[[CheckImages], Tensor]:
    """Make gray images brighter; in color images make red stronger and blue weaker."""

    def apply(images: CheckImages) -> Tensor:
        offsets = [amount] if images.clean.shape[1] == 1 else [amount, 0, -amount]
        return _rounded(images.clean + torch.tensor(offsets).view(1, -1, 1, 1).float())

    return apply


def _drop(remaining: int) -> Callable[[CheckImages], Tensor]:
    """Leave out all but the first classes, which give more samples, none of them twice."""

    def apply(images: CheckImages) -> Tensor:
        return images.pool.values[_of_classes(images, remaining)[: images.count]]

    return apply


def _of_classes(images: CheckImages, classes: int) -> Tensor:
    """Return the indices (n,) of the pool's images in the first classes."""
    assert images.pool.labels is not None
    return (images.pool.labels < classes).nonzero()[:, 0]


def _repeat(share: float) -> Callable[[CheckImages], Tensor]:
    def apply(images: CheckImages) -> Tensor:
        values = images.clean.clone()
        values[_some(images.count, share)] = images.pool.values[0]
        return values

    return apply


def _copy(share: float) -> Callable[[CheckImages], Tensor]:
    def apply(images: CheckImages) -> Tensor:
        values = images.clean.clone()
        indices = _some(images.count, share)
        values[indices] = images.training.values[: len(indices)]
        return values

    return apply


def _some(count: int, share: float) -> Tensor:
    """Return the indices (n,) of a random share of samples."""
    chosen = np.random.default_rng(0).permutation(count)[: round(share * count)]
    return torch.from_numpy(chosen)


def _rounded(pixels: Tensor) -> Tensor:
    return pixels.round().clamp(0, 255).to(torch.uint8)
