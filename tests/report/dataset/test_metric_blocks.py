# SPDX-License-Identifier: MIT
"""The table of metrics: what stands below a mean."""

from __future__ import annotations

from typing import Any

import pytest
from plain_text import cell_text

from ganbench.report.content_blocks import Table
from ganbench.report.dataset.metric_blocks import metric_blocks
from ganbench.report.make_report import make_report


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([10.0], "10 one seed"),
        ([10.0, 10.0, 10.0], "10"),
        ([9.0, 10.0, 11.0], "10.0 [7.5, 12.5]"),
    ],
)
def test_a_mean_has_its_interval_or_says_why_it_has_none(
    make_record: Any, values: list[float], shown: str
) -> None:
    runs = [make_record("digits", "", "", seed, value) for seed, value in enumerate(values)]
    (section,) = make_report(runs, title="x").sections
    table = next(block for block in metric_blocks(section) if isinstance(block, Table))
    assert cell_text(table.rows[0].cells[1]) == shown
