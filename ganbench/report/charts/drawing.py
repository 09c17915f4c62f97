# SPDX-License-Identifier: MIT
"""Charts drawn as SVG, in a process of its own (see ``drawing_process``)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ganbench.report.charts import drawing_process


@dataclass(frozen=True)
class Drawings:
    """Charts as SVG by name, and the script that draws the same charts in a browser."""

    pictures: Mapping[str, str]
    script: str


def draw(charts: Mapping[str, Mapping[str, Any]], *, script: bool = False) -> Drawings | None:
    """Draw charts.

    Args:
        charts: Specifications in Vega-Lite by name.
        script: Whether to return vega, vega-lite and vega-embed, too, as one script.

    Returns:
        The drawings; None where the process that draws does not get the memory it needs.

    Raises:
        ValueError: A specification is no chart.
    """
    asked = json.dumps({"charts": charts, "script": script})
    try:
        drawn = subprocess.run(
            [sys.executable, "-m", drawing_process.__name__],
            input=asked,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
    except OSError:  # no memory for another process
        return None
    if drawn.returncode == drawing_process.MISTAKE:
        raise ValueError(drawn.stderr)
    if drawn.returncode != 0:
        return None
    return Drawings(**json.loads(drawn.stdout))
