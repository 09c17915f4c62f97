# SPDX-License-Identifier: MIT
"""The process that draws: what it returns, and what happens where it cannot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ganbench.errors import MissingDataError
from ganbench.report.charts.drawing import draw_charts

BAR: dict[str, Any] = {
    "data": {"values": [{"x": 1}]},
    "mark": "bar",
    "encoding": {"x": {"field": "x", "type": "quantitative"}},
}


def test_charts_come_back_by_name() -> None:
    pictures = draw_charts({"a": BAR, "b": {**BAR, "title": "Über"}})
    assert pictures is not None
    assert all(picture.startswith("<svg") for picture in pictures.values())
    assert ["Über" in pictures[name] for name in ("a", "b")] == [False, True]


def test_where_memory_is_short_there_are_no_pictures_and_the_process_goes_on() -> None:
    code = (
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))\n"
        "from ganbench.report.charts.drawing import draw_charts, vega_script\n"
        f"print(draw_charts({{'a': {BAR!r}}}), repr(vega_script()))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "None ''\n", "")


def test_a_specification_that_is_no_chart_is_a_mistake_not_a_lack_of_memory() -> None:
    with pytest.raises(ValueError, match="TypeError"):
        draw_charts({"a": {"data": {"values": []}, "mark": 3}})


@pytest.mark.parametrize("damage", ["", "raise ImportError('undefined symbol: v8')"])
def test_a_damaged_drawing_library_is_told_as_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    file = "vl_convert.py" if damage else "sitecustomize.py"
    (tmp_path / file).write_text(damage or "import sys\nsys.modules['vl_convert'] = None\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(MissingDataError, match="drawing library cannot be loaded") as raised:
        draw_charts({"a": BAR})
    assert "vl-convert-python" in str(raised.value.hint)


def test_a_drawing_library_that_does_not_fit_into_memory_gives_no_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = "vl_convert.so: failed to map segment from shared object: Cannot allocate memory"
    (tmp_path / "vl_convert.py").write_text(f"raise ImportError({told!r})")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert draw_charts({"a": BAR}) is None
