# SPDX-License-Identifier: MIT
"""Mixtures of Gaussians in the plane, with the constants of PacGAN's published experiments.

There are 100,000 fixed samples for training, and as many others for testing, drawn from a seed of
their own. The published numbers measure 2,500 generated points: a point is of high quality within
3 sigma of its nearest center, and one such point captures a mode. The ring has eight distinct
modes; code that spaces them over [0, 2 pi] with both ends included has seven.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from ganbench.data.array_source import Arrays, ArraySource
from ganbench.data.dataset import Source
from ganbench.gan import DataSpec, Mixture

COUNT = 100_000
_SEED = 1712


def mixture_source(name: str, mixture: Mixture, root: Path | None) -> Source:
    """Return a mixture as a dataset of points (N, 2), whose labels are indices of centers."""
    spec = DataSpec(name, "1", (2,), mixture=mixture)
    return ArraySource(spec, partial(_draw, mixture), root=root)


def _draw(mixture: Mixture, split: str) -> Arrays:
    """Draw points (100000, 2) float32; the labels (100000,) are the indices of their centers."""
    centers = np.array(mixture.centers)  # (K, 2)
    bits = np.random.PCG64([_SEED, len(centers), split == "test"])
    modes = (bits.random_raw(COUNT) % len(centers)).astype(np.int64)
    noise = np.random.Generator(bits).standard_normal((COUNT, centers.shape[1]))
    return (centers[modes] + mixture.sigma * noise).astype(np.float32), modes
