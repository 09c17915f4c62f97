# SPDX-License-Identifier: MIT
"""Samples from anywhere: folders, archives, arrays, datasets, generators of any framework."""

from __future__ import annotations

from ganbench.inputs.opening import open_samples
from ganbench.inputs.paired import counterparts
from ganbench.inputs.samples import Chunk, Facts, Samples

__all__ = ["Chunk", "Facts", "Samples", "counterparts", "open_samples"]
