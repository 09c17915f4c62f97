# SPDX-License-Identifier: MIT
"""KMNIST: cursive Japanese characters, as large and as many as MNIST."""

from __future__ import annotations

from pathlib import Path

from ganbench.data.dataset import Source
from ganbench.data.idx import idx_source
from ganbench.progress import SILENT, Progress
from ganbench.registry import register


@register("kmnist")
def kmnist(
    root: Path | None = None, *, resolution: int | None = None, progress: Progress = SILENT
) -> Source:
    """KMNIST: 60,000 cursive Japanese characters and 10,000 held out, 28 x 28, gray.

    Paper: Clanuwat et al., 2018, arXiv:1812.01718
    """
    return idx_source("kmnist", None, root, resolution, progress)
