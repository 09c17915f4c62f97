# SPDX-License-Identifier: MIT
"""What a report gathers: the metric and baseline that were asked for."""

from __future__ import annotations

from typing import Any

import pytest

from ganbench.errors import UnknownNameError
from ganbench.report.make_report import make_report


def test_the_main_metric_can_be_named(rate_grid: Any) -> None:
    runs = rate_grid()
    assert make_report(runs, title="x", metric="fid").sections[0].main is not None
    with pytest.raises(UnknownNameError, match="Did you mean 'fid'"):
        make_report(runs, title="x", metric="fdi")
    with pytest.raises(UnknownNameError, match="No run is of the variant"):
        make_report(runs, title="x", baseline="r2")


def test_the_baseline_can_be_a_set_of_tricks(rate_grid: Any) -> None:
    (section,) = make_report(rate_grid(), title="x", baseline="r1").sections
    assert set(section.baselines) == {
        f"gan + r1, learning_rate={rate}" for rate in ("0.0001", "0.001", "0.01")
    }
