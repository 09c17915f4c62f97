# SPDX-License-Identifier: MIT
"""Links from a report to the pages that play recorded runs, where those stand near it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from ganbench.records.run_record import RunRecord


def recording_links(runs: Iterable[RunRecord], out: Path) -> dict[str, str]:
    """Return the relative links to the pages that play runs, by the names of the runs.

    A page counts if it stands below the folder that holds the report's: a link that leads further
    away breaks as soon as the report is moved, and says where on this machine the runs are.

    Args:
        runs: The runs, of which only those are linked that were recorded.
        out: The folder of the report.
    """
    report = os.path.abspath(out)
    links = {}
    for run in runs:
        if run.recording is None or not run.recording.is_file():
            continue
        page = Path(os.path.abspath(run.recording))
        if page.is_relative_to(os.path.dirname(report)):
            links[run.name] = quote(Path(os.path.relpath(page, report)).as_posix())
    return links
