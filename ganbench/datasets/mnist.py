# SPDX-License-Identifier: MIT
"""MNIST: handwritten digits."""

from __future__ import annotations

from pathlib import Path

from ganbench.data.dataset import Source
from ganbench.data.idx import idx_source
from ganbench.progress import SILENT, Progress
from ganbench.registry import register


@register("mnist")
def mnist(
    root: Path | None = None, *, resolution: int | None = None, progress: Progress = SILENT
) -> Source:
    """MNIST: 60,000 handwritten digits and 10,000 held out, 28 x 28, gray.

    Paper: LeCun et al., 1998, doi:10.1109/5.726791
    """
    return idx_source("mnist", "mnist-cnn", root, resolution, progress)
