# SPDX-License-Identifier: MIT
"""scikit-learn's 8 x 8 digits, enlarged to the size and margins of MNIST."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ganbench.data.array_source import Arrays, ArraySource, held_out_by_class, image_spec
from ganbench.data.dataset import Source
from ganbench.data.square_images import resize
from ganbench.registry import register

_BOX, _MARGIN = 20, 4
_TEST_SHARE = 0.2
_SPLIT_SEED = 1797


@register("digits")
def digits(root: Path | None = None, *, resolution: int | None = None) -> Source:
    """scikit-learn's 1,797 digits, 8 x 8 pixels enlarged to 28 x 28; a fifth is held out.

    Values 0..16 become round(255 v / 16); the 8 x 8 pixels are enlarged to 20 x 20 (Pillow's
    bicubic) and get a black margin of 4, because MNIST's digits lie in a box of 20 x 20. The
    split is fixed, and holds out a fifth of each class.
    """
    spec = image_spec("digits", 1, 28, resolution, classes=10, network="mnist-cnn")
    return ArraySource(spec, _read, root=root)


def _read(split: str) -> Arrays:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[:, None]  # (1797, 1, 8, 8)
    labels = bunch.target
    chosen = held_out_by_class(labels, split, _TEST_SHARE, _SPLIT_SEED)
    margins = ((0, 0), (0, 0), (_MARGIN, _MARGIN), (_MARGIN, _MARGIN))
    return np.pad(resize(images[chosen], _BOX), margins), labels[chosen]
