# SPDX-License-Identifier: MIT
"""The health of a run in its folder, whether or not the run has recorded it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganbench.health.watch import watch_over
from ganbench.records.run_folder import RunFolder


def stored_health(folder: RunFolder) -> Mapping[str, Any]:
    """Return the events of a run, and what was not looked for, as ``result.json`` holds them.

    A run that is unfinished, or older than this record, is looked through now.

    Raises:
        DamagedRunError: The result or the statistics cannot be read.
    """
    result = folder.outcome() if folder.finished else {}
    if isinstance(health := result.get("health"), Mapping):
        return health
    status = str(result.get("status", ""))
    return watch_over(folder.stats(), folder.measurements(), status).record()
