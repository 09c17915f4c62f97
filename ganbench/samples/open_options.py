# SPDX-License-Identifier: MIT
"""What is asked for when samples are opened, and what a source refuses of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ganbench.errors import ConfigError


@dataclass(frozen=True)
class OpenOptions:
    """What ``open_samples`` was asked for."""

    count: int | None
    seed: int
    strict: bool
    device: torch.device
    data_root: Path | None
    split: str | None
    labels: Any
    latent_dim: int | None
    classes: int | None


def refuse(options: OpenOptions, *, labels: bool = False, split: bool = False) -> None:
    """Raise ConfigError for options that a source does not have."""
    if labels and options.labels is not None:
        raise ConfigError("Labels can be given for arrays and files only.")
    if split and options.split is not None:
        raise ConfigError(f"Only datasets have splits, and '{options.split}' was given.")
