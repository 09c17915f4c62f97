# SPDX-License-Identifier: MIT
"""Mixtures of Gaussians in the plane, with the constants of PacGAN's published experiments.

100,000 fixed samples for training, as many others for testing, drawn from a seed of their own.
The published numbers measure 2,500 generated points: a point is of high quality within 3 sigma
of its nearest center, and a mode is captured by one such point. The ring has eight distinct
modes; code that spaces them over [0, 2 pi] with both ends included has seven.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from ganbench.data.arrays import Arrays, ArraySource
from ganbench.data.dataset import Source
from ganbench.gan import DataSpec, Mixture
from ganbench.registry import register

COUNT = 100_000
_SEED = 1712


@register("ring8")
def ring8(root: Path | None = None) -> Source:
    """8 Gaussians, radius 1, sigma 0.01; 100,000 samples; 2,500 are measured, 3 sigma rule.

    Paper: Lin et al., 2017, arXiv:1712.04086
    """
    angles = 2 * np.pi * np.arange(8) / 8
    centers = tuple((float(np.cos(angle)), float(np.sin(angle))) for angle in angles)
    return _source("ring8", Mixture(centers, 0.01), root)


@register("grid25")
def grid25(root: Path | None = None) -> Source:
    """25 Gaussians on {-4,-2,0,2,4}², sigma 0.05; 100,000 samples; 2,500 measured, 3 sigma.

    Paper: Lin et al., 2017, arXiv:1712.04086
    """
    line = (-4.0, -2.0, 0.0, 2.0, 4.0)
    return _source("grid25", Mixture(tuple((x, y) for x in line for y in line), 0.05), root)


def _source(name: str, mixture: Mixture, root: Path | None) -> Source:
    spec = DataSpec(name, "1", (2,), mixture=mixture)
    return ArraySource(spec, partial(_draw, mixture), root=root)


def _draw(mixture: Mixture, split: str) -> Arrays:
    """Draw points (100000, 2) float32; the labels (100000,) are the indices of their centers."""
    centers = np.array(mixture.centers)  # (K, 2)
    bits = np.random.PCG64([_SEED, len(centers), split == "test"])
    modes = (bits.random_raw(COUNT) % len(centers)).astype(np.int64)
    noise = np.random.Generator(bits).standard_normal((COUNT, centers.shape[1]))
    return (centers[modes] + mixture.sigma * noise).astype(np.float32), modes
