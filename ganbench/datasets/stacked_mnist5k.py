# SPDX-License-Identifier: MIT
"""Stacked digits: three random digits as the channels of one image, 1,000 modes in all."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ganbench.data.array_source import Arrays, ArraySource, image_spec
from ganbench.data.dataset import Source
from ganbench.datasets import mnist5k
from ganbench.registry import register

STACKS = {"train": 50_000, "test": 10_000}
_SEED = 1000


@register("stacked-mnist5k")
def stacked_mnist5k(root: Path | None = None, *, resolution: int | None = None) -> Source:
    """Three random digits of mnist5k as R, G, B: 1,000 modes; 50,000 stacks and 10,000 held out.

    Paper: Metz et al., 2016, arXiv:1611.02163

    The stacks are drawn once, with replacement, from the 4,000 training digits or the 1,000
    held-out digits; the paper draws them from all of MNIST. A stack's label is 100 r + 10 g + b.
    """
    spec = image_spec("stacked-mnist5k", 3, 28, resolution, classes=1000, network="mnist-cnn")
    return ArraySource(spec, _read, root=root)


def _read(split: str) -> Arrays:
    images, labels = mnist5k.read_split(split)  # (n, 1, 28, 28), (n,)
    assert labels is not None
    count = STACKS[split]
    raw = np.random.PCG64([_SEED, list(STACKS).index(split)]).random_raw(3 * count)
    chosen = (raw % len(images)).astype(np.int64).reshape(count, 3)
    digits = labels[chosen].astype(np.int64)  # (count, 3)
    return images[chosen, 0], digits @ np.array([100, 10, 1])
