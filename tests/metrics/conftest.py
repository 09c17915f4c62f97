# SPDX-License-Identifier: MIT
"""How good simulated intervals are: the same judgment for every metric."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def judged():
    """The share of intervals that hold the mean value, and their width over the right width."""

    def judge(measured, quantile=1.96):
        values = np.array([value.value for value in measured])
        covered = np.mean([value.low <= values.mean() <= value.high for value in measured])
        width = np.mean([value.high - value.low for value in measured])
        return covered, width / (2 * quantile) / values.std()

    return judge
