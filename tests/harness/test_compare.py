# SPDX-License-Identifier: MIT
"""Comparisons of a matrix of runs."""

import ganbench


def test_a_comparison_trains_what_is_missing(tmp_path):
    def compare(tricks):
        return ganbench.compare(
            ["vanilla"],
            tricks=tricks,
            data="ring8",
            seeds=range(2),
            settings={"kimg": 0.2},
            metric="modes",
            out=tmp_path,
        )

    first = compare(["none", "ema"])
    assert {cell["status"] for cell in first["cells"]} <= {"done", "collapsed"}
    assert {row["variant"] for row in first["comparisons"]} == {"vanilla + ema"}
    assert len(first.runs) == 4
    assert len(first.verdicts) == 1
    assert "ComparisonResult of 4 of 4 runs" in repr(first)
    assert "vanilla + ema" in first._repr_html_()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/result.json")}
    more = compare(["none", "ema", [ganbench.R1(weight=2.0)]])
    assert len(more["cells"]) == 6
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
