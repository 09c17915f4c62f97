# SPDX-License-Identifier: MIT
"""Samples from anywhere: folders, archives, arrays, datasets, and generators."""

from __future__ import annotations

from ganbench.samples.opening import open_samples
from ganbench.samples.paired import counterparts
from ganbench.samples.sample_set import Chunk, Facts, Samples

__all__ = ["Chunk", "Facts", "Samples", "counterparts", "open_samples"]
