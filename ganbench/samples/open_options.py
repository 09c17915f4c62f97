# SPDX-License-Identifier: MIT
"""The options with which samples are opened, and options that a source refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ganbench.data.files_below import counted_reasons
from ganbench.data.value_range import ValueRange
from ganbench.errors import ConfigError, InputError
from ganbench.progress import Progress
from ganbench.typed_values import MOST_SAMPLES, MOST_SEED, check_whole


@dataclass(frozen=True)
class OpenOptions:
    """The options of ``open_samples``.

    Raises:
        ConfigError: a count or a seed that is too small.
    """

    count: int | None
    seed: int
    strict: bool
    device: torch.device
    data_root: Path | None
    split: str | None
    labels: Any
    latent_dim: int | None
    classes: int | None
    value_range: ValueRange | None
    progress: Progress
    label: int | None = None

    def __post_init__(self) -> None:
        check_whole("The number of samples", self.count, 1, MOST_SAMPLES)
        check_whole("The seed", self.seed, 0, MOST_SEED)
        check_whole("The latent size", self.latent_dim, 1)
        check_whole("The number of classes", self.classes, 1)


def refuse(options: OpenOptions, *, labels: bool = False, split: bool = False) -> None:
    """Raise ConfigError for options that a source cannot have."""
    if labels and options.labels is not None:
        raise ConfigError("Labels can be given for arrays and files only.")
    if split and options.split is not None:
        raise ConfigError(f"Only datasets have splits, and '{options.split}' was given.")


def refuse_passed_over(passed_over: Mapping[str, int], name: str, options: OpenOptions) -> None:
    """Raise InputError if samples are opened strictly and anything next to them was passed over."""
    if options.strict and passed_over:
        raise InputError(
            f"{name} holds more than what is read: {counted_reasons(passed_over)}.",
            "Repair or remove these, or leave out --strict to measure without them.",
        )
