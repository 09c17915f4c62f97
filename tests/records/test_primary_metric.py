# SPDX-License-Identifier: MIT
"""The primary metric that a comparison names: kept, replaced, read where it is clear."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganbench.records.primary_metric import (
    COMPARISON_FILE,
    record_primary_metric,
    recorded_primary_metric,
)


def test_a_named_metric_is_read_again_and_a_later_comparison_replaces_it(tmp_path: Path) -> None:
    assert recorded_primary_metric([tmp_path]) is None
    record_primary_metric(tmp_path, None)
    assert not (tmp_path / COMPARISON_FILE).exists(), "nothing is written where nothing was named"
    record_primary_metric(tmp_path, "high-quality")
    assert recorded_primary_metric([tmp_path]) == "high-quality"
    record_primary_metric(tmp_path, None)
    assert recorded_primary_metric([tmp_path]) is None


def test_folders_that_disagree_name_none(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
        record_primary_metric(folder, "fid")
    assert recorded_primary_metric([first, second]) == "fid"
    record_primary_metric(second, "kid")
    assert recorded_primary_metric([first, second]) is None
    assert recorded_primary_metric([]) is None


@pytest.mark.parametrize("text", ["{", "[]", "3", '{"primary_metric": 7}', "", "\x00"])
def test_a_damaged_file_names_none(tmp_path: Path, text: str) -> None:
    (tmp_path / COMPARISON_FILE).write_text(text)
    assert recorded_primary_metric([tmp_path]) is None
