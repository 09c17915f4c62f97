# SPDX-License-Identifier: MIT
"""FID of images that are resized without aliasing."""

from __future__ import annotations

from ganbench.metrics.fid import FrechetDistance
from ganbench.registry import register


@register("clean-fid")
class CleanFID(FrechetDistance):
    """FID with images resized to Inception's 299 pixels by an antialiased bicubic filter.

    Paper: Parmar et al., 2022, arXiv:2104.11222

    All else is as in ``fid``: value, interval, bias and warnings. clean-fid itself keeps the mean
    in float32, and takes the real part of a complex square root without looking at the rest.
    """

    network = "inception-clean"
    points = "no"
