# SPDX-License-Identifier: MIT
"""The reports under version control: small, and with every file that they point at."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPORTS = Path(__file__).resolve().parents[2] / "reports"
MOST_BYTES = 15_000_000
"""The samples of every variant of the zoo and of every trick take about half of them."""


def test_all_reports_take_less_than_15_megabytes() -> None:
    sizes = [path.stat().st_size for path in REPORTS.rglob("*") if path.is_file()]
    assert sum(sizes) < MOST_BYTES


@pytest.mark.parametrize("path", sorted(REPORTS.rglob("README.md")), ids=str)
def test_reports_point_at_files_that_are_there_and_hold_no_others(path: Path) -> None:
    text = path.read_text()
    links = re.findall(r"\]\(([^)]+)\)", text) + re.findall(r'src="([^"]+)"', text)
    own = {link for link in links if not link.startswith("https://")}
    for link in own:
        assert (path.parent / link).is_file(), link
    pictures = [*path.parent.glob("samples/*"), *path.parent.glob("charts/*")]
    assert {picture.relative_to(path.parent).as_posix() for picture in pictures} <= own
