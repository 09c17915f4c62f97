# SPDX-License-Identifier: MIT
"""The Frechet distance in the feature space of DINOv2."""

from __future__ import annotations

from ganbench.metrics.fid import FrechetDistance
from ganbench.registry import register


@register("fd-dinov2")
class DinoDistance(FrechetDistance):
    """Frechet distance of DINOv2's features, which agrees better with people than Inception's.

    Paper: Stein et al., 2023, arXiv:2306.04675

    All else is as in ``fid``: value, interval, bias and warnings. torch-fidelity's distance with
    DINOv2 resizes otherwise than the paper, and is another number.
    """

    network = "dinov2"
    points = "no"
