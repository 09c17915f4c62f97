# SPDX-License-Identifier: MIT
"""Weights & Biases, offline: a folder ``wandb`` in each run, which ``wandb sync`` uploads.

Steps are real images. Nothing is sent, and nothing of the machine, its code or its console is
written, only what the run's own records hold.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganbench.registry import register
from ganbench.run_logger import LoggedRun, RunLogger


@register("wandb")
class WandbLogger(RunLogger):
    """Writes an offline run of Weights & Biases: wandb sync RUN/wandb/offline-run-*."""

    packages = ("wandb",)
    install = 'pip install "ganbench[wandb]"'

    def __init__(self, run: LoggedRun) -> None:
        super().__init__(run)
        import wandb

        for earlier in (run.folder / "wandb").glob("offline-run-*"):
            shutil.rmtree(earlier)
        settings = wandb.Settings(
            mode="offline",
            silent=True,
            console="off",
            disable_git=True,
            disable_code=True,
            x_disable_meta=True,
            x_disable_stats=True,
            x_disable_machine_info=True,
        )
        self._run: Any = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "ganbench"),
            dir=run.folder,
            id=run.key,
            name=run.name,
            config=run.settings,
            settings=settings,
            reinit="create_new",
        )

    def values(self, images: int, seconds: float, values: Mapping[str, float]) -> None:
        """Write a row of the history."""
        self._run.log(dict(values), step=images)

    def picture(self, images: int, seconds: float, file: Path) -> None:
        """Write a grid of samples."""
        import wandb

        self._run.log({"samples": wandb.Image(str(file))}, step=images)

    def end(self, status: str, metrics: Mapping[str, float]) -> None:
        """Write the last measurements and the status as the summary, and close the run."""
        self._run.summary.update({**metrics, "status": status})
        self._run.finish(exit_code=0)
