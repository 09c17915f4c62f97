# SPDX-License-Identifier: MIT
"""Charts of speed: shares of an iteration, every round, and axes that show all of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ganbench.records.speed_record import find_speeds
from ganbench.report.speed.speed_charts import PARTS, rate_axes, rate_rows, split_rows
from ganbench.report.write import write_report


def test_the_split_is_in_shares_of_an_iteration(made_up: Any, tmp_path: Path) -> None:
    split = {"data": 0.2, "discriminator": 40.0, "generator": 30.0, "penalties": None, "other": 9.8}
    cases = [made_up.case("dcgan", 64, split_ms=split), made_up.failed("dcgan", 8, "")]
    speed = made_up.gathered(tmp_path, made_up.document(cases))
    rows = split_rows(speed.machines[0].rows)
    assert {row["part"]: row["share"] for row in rows} == {
        "data": 0.0025,
        "discriminator": 0.5,
        "generator": 0.375,
        "other": 0.1225,
    }
    assert {row["case"] for row in rows} == {"80 ms, batch 64: dcgan"}
    assert [row["place"] for row in rows] == [PARTS.index(row["part"]) for row in rows]


def test_charts_hold_every_round_and_axes_show_all_of_them(made_up: Any, tmp_path: Path) -> None:
    speed = made_up.gathered(tmp_path, *made_up.documents())
    (machine,) = (each for each in speed.machines if each.title.startswith("cpu"))
    rows = rate_rows(machine.rows)
    circles = [row for row in rows if "rate" in row and row["variant"] == "dcgan, bf16"]
    assert len(circles) == 3 * 5
    assert {row["batch"] for row in circles} == {16, 64, 256}
    medians = [row["median"] for row in rows if "median" in row]
    assert len(medians) == len(machine.rows) - 1, "but of the case that failed"
    axes = rate_axes(rows)
    assert axes.batches == (16, 64, 256)
    rates = [row["rate"] for row in rows if "rate" in row]
    assert axes.rate[0] < min(rates) < max(rates) < axes.rate[1]
    assert all(axes.rate[0] <= tick <= axes.rate[1] for tick in axes.rates)
    assert "wgan-gp + gradient-penalty:weight=10, fp32, compiled" not in speed.lines
    assert len(speed.lines) == len(speed.styles) - 1


def test_a_chart_of_speed_draws_thirteen_lines_that_differ(made_up: Any, tmp_path: Path) -> None:
    cases = [
        {**made_up.case("dcgan", batch), "model": f"gan{index}"}
        for index in range(13)
        for batch in (32, 64)
    ]
    place = made_up.folder(tmp_path / "runs", [made_up.document(cases)])
    page = write_report([], tmp_path / "out", title="x", speeds=list(find_speeds(place)))
    legend = page.page.read_text().split('<ul class="legend">')[1].split("</ul>")[0]
    looks = re.findall(r"<li>(.*?)gan\d+", legend, flags=re.DOTALL)
    assert len(set(looks)) == len(looks) == 13
    still = (tmp_path / "out" / "charts" / "speed-rates.svg").read_text()
    paths = re.findall(r'<path d="M[-\d. ]+l[-\d. ]+" [^>]*>', still)
    looks = [re.findall(r'stroke(?:-dasharray)?="([^"]*)"', path) for path in paths]
    assert len({tuple(look) for look in looks}) == 13
