# SPDX-License-Identifier: MIT
"""The types of the arrays that metrics are computed from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.floating[Any]]
"""Numbers in rows, one row a sample: (N, ...) of any floating-point type, perhaps on disk."""

Array = NDArray[np.float64]
"""Numbers that are computed with."""

Indices = NDArray[np.int64]
"""Positions of rows, or counts."""

Flags = NDArray[np.bool_]
"""True for the rows that something holds for."""
