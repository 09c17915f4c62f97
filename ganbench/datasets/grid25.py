# SPDX-License-Identifier: MIT
"""A grid of twenty-five Gaussians in the plane."""

from __future__ import annotations

from pathlib import Path

from ganbench.data.dataset import Source
from ganbench.data.mixtures import mixture_source
from ganbench.gan import Mixture
from ganbench.registry import register


@register("grid25")
def grid25(root: Path | None = None) -> Source:
    """25 Gaussians on {-4,-2,0,2,4}², sigma 0.05; 100,000 samples; 2,500 measured, 3 sigma.

    Paper: Lin et al., 2017, arXiv:1712.04086
    """
    line = (-4.0, -2.0, 0.0, 2.0, 4.0)
    return mixture_source("grid25", Mixture(tuple((x, y) for x in line for y in line), 0.05), root)
