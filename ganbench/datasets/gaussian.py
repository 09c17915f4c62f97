# SPDX-License-Identifier: MIT
"""One Gaussian in the plane: the data of the smallest games."""

from __future__ import annotations

from pathlib import Path

from ganbench.data.dataset import Source
from ganbench.data.mixtures import mixture_source
from ganbench.gan import Mixture
from ganbench.registry import register


@register("gaussian")
def one_gaussian(root: Path | None = None) -> Source:
    """One Gaussian at the origin, sigma 0.2; 100,000 samples; 2,500 are measured, 3 sigma rule.

    With linear networks, --set model.backbone=mlp:layers=0, it makes a game like the Dirac-GAN,
    whose data are a single point.

    Paper: Mescheder et al., 2018, arXiv:1801.04406
    """
    return mixture_source("gaussian", Mixture(((0.0, 0.0),), 0.2), root)
