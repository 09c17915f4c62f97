# SPDX-License-Identifier: MIT
"""A ring of eight Gaussians in the plane."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ganbench.data.dataset import Source
from ganbench.data.mixtures import mixture_source
from ganbench.gan import Mixture
from ganbench.registry import register


@register("ring8")
def ring8(root: Path | None = None) -> Source:
    """8 Gaussians, radius 1, sigma 0.01; 100,000 samples; 2,500 are measured, 3 sigma rule.

    Paper: Lin et al., 2017, arXiv:1712.04086
    """
    angles = 2 * np.pi * np.arange(8) / 8
    centers = tuple((float(np.cos(angle)), float(np.sin(angle))) for angle in angles)
    return mixture_source("ring8", Mixture(centers, 0.01), root)
