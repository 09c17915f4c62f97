# SPDX-License-Identifier: MIT
"""A strip: frames of one size in one picture."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.report.pictures import Picture


@dataclass(frozen=True)
class Strip:
    """Frames from left to right, and the thousands of images that the run had seen at each."""

    picture: Picture
    kimg: tuple[float, ...]
