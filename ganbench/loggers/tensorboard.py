# SPDX-License-Identifier: MIT
"""TensorBoard: an event file in the folder ``tensorboard`` of each run.

Steps are real images, and the time of an event is the start of the run plus the seconds of
training. Numbers are written in double precision, so they equal the run's records.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganbench.registry import register
from ganbench.run_logger import LoggedRun, RunLogger


@register("tensorboard")
class TensorBoardLogger(RunLogger):
    """Writes scalars, grids of samples and the recipe: tensorboard --logdir runs."""

    packages = ("tensorboard",)
    install = 'pip install "ganbench[tensorboard]"'

    def __init__(self, run: LoggedRun) -> None:
        super().__init__(run)
        from torch.utils.tensorboard import SummaryWriter

        folder = run.folder / "tensorboard"
        if folder.is_dir():
            shutil.rmtree(folder)
        self._writer: Any = SummaryWriter(str(folder), flush_secs=5)
        table = [f"| `{key}` | {_cell(value)} |" for key, value in run.settings.items()]
        text = "\n".join(["| setting | value |", "| --- | --- |", *table])
        self._writer.add_text("config", text, 0, walltime=run.began)

    def values(self, images: int, seconds: float, values: Mapping[str, float]) -> None:
        """Write scalars."""
        time = self.run.began + seconds
        for name, value in values.items():
            self._writer.add_scalar(
                name, value, images, walltime=time, new_style=True, double_precision=True
            )

    def picture(self, images: int, seconds: float, file: Path) -> None:
        """Write a grid of samples."""
        import numpy as np
        from PIL import Image

        with Image.open(file) as image:
            pixels = np.asarray(image.convert("RGB"))  # (H, W, 3), 0 to 255
        time = self.run.began + seconds
        self._writer.add_image("samples", pixels, images, walltime=time, dataformats="HWC")

    def end(self, status: str, metrics: Mapping[str, float]) -> None:
        """Write the settings as hyperparameters of a run that is over, and close the file."""
        if metrics:
            from torch.utils.tensorboard import summary

            hyperparameters: Any = summary.hparams
            for part in hyperparameters(self.run.settings, dict(metrics)):
                self._writer.file_writer.add_summary(part)
        self._writer.close()


def _cell(value: object) -> str:
    """Return a setting as a cell of a Markdown table."""
    return str(value).replace("|", "\\|").replace("\n", " ")
