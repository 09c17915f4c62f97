# SPDX-License-Identifier: MIT
"""Fashion-MNIST: pictures of clothes, as large and as many as MNIST."""

from __future__ import annotations

from pathlib import Path

from ganbench.data.dataset import Source
from ganbench.data.idx import idx_source
from ganbench.progress import SILENT, Progress
from ganbench.registry import register


@register("fashion-mnist")
def fashion_mnist(
    root: Path | None = None, *, resolution: int | None = None, progress: Progress = SILENT
) -> Source:
    """Fashion-MNIST: 60,000 pictures of clothes and 10,000 held out, 28 x 28, gray.

    Paper: Xiao et al., 2017, arXiv:1708.07747
    """
    return idx_source("fashion-mnist", "fashion-cnn", root, resolution, progress)
