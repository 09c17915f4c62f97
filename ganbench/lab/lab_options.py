# SPDX-License-Identifier: MIT
"""How a lab computes, and where it keeps its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LabOptions:
    """Plain data, which is handed to another process."""

    folder: Path
    """A folder of the lab's own, which is deleted with it."""
    runs: Path
    """Where runs are saved."""
    device: str = "auto"
    threads: int | None = None
    """None means one thread for points, and what is free and faster for everything else."""
    data_root: Path | None = None
