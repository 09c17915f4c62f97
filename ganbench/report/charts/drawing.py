# SPDX-License-Identifier: MIT
"""Charts drawn as SVG, in a process of its own (see ``drawing_process``)."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from ganbench.errors import MissingDataError
from ganbench.records.json_values import parse_json
from ganbench.report.charts import drawing_process


def draw_charts(charts: Mapping[str, Mapping[str, Any]]) -> dict[str, str] | None:
    """Return charts as SVG, by their names.

    Args:
        charts: Specifications in Vega-Lite by name.

    Returns:
        The pictures; None where the process that draws does not get the memory it needs.

    Raises:
        MissingDataError: The drawing library cannot be loaded.
        ValueError: A specification is no chart.
    """
    answer = _asked({"charts": charts})
    return answer and dict(answer["pictures"])


@dataclass(frozen=True)
class SizedChart:
    """A chart in Vega-Lite that becomes a PDF of a width in points (1/72 inch)."""

    specification: Mapping[str, Any]
    points: float


def draw_figures(figures: Mapping[str, SizedChart]) -> dict[str, bytes] | None:
    """Return figures as PDF, by their names; see ``draw_charts``.

    Raises:
        MissingDataError, ValueError: As there.
    """
    answer = _asked(
        {"charts": {}, "figures": {name: vars(figure) for name, figure in figures.items()}}
    )
    return answer and {name: base64.b64decode(figure) for name, figure in answer["figures"].items()}


@cache
def vega_script() -> str:
    """Return vega, vega-lite and vega-embed as one script, empty if there is too little memory."""
    answer = _asked({"charts": {}, "script": True})
    return str(answer["script"]) if answer else ""


def _asked(question: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the answer of a drawing process; None where it does not get the memory it needs."""
    try:
        ended = subprocess.run(
            # -P, so that no file of the current folder is taken for a module.
            [sys.executable, "-P", "-m", drawing_process.__name__],
            input=json.dumps(question),
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
    except OSError:  # no memory for another process
        return None
    if ended.returncode == drawing_process.MISTAKE:
        raise ValueError(ended.stderr)
    if ended.returncode == drawing_process.UNLOADABLE:
        raise MissingDataError(
            f"The drawing library cannot be loaded: {ended.stderr.strip()}.",
            "pip install --force-reinstall vl-convert-python",
        )
    answer: dict[str, Any] | None = parse_json(ended.stdout) if ended.returncode == 0 else None
    return answer
