# SPDX-License-Identifier: MIT
"""What the tests of samples share: pictures, archives of them, and how samples are gathered."""

from __future__ import annotations

import pytest
import torch
from picture_files import pictures, png, write

__all__ = ["gather", "pictures", "png", "stacked", "write"]


@pytest.fixture
def gather():
    """Read samples whole: their indices, and their values as a list of tensors."""

    def read(samples, size=64):
        indices, values = [], []
        for chunk in samples.chunks(size):
            assert len(chunk) == len(chunk.values) <= size
            indices += chunk.indices.tolist()
            values += list(chunk.values)
        return indices, values

    return read


@pytest.fixture
def stacked(gather):
    """Read samples that share their shape whole, (N, ...)."""
    return lambda samples, size=64: torch.stack(gather(samples, size)[1])
