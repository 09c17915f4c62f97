# SPDX-License-Identifier: MIT
"""What every metric asks of its evidence before it computes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ganbench.errors import ConfigError, InputError
from ganbench.evaluation.math.moments import Array
from ganbench.evaluation.metric import Features

BLOCK = 4096
"""Rows that are read at once of features or probabilities that may lie on disk."""


def present(values: Features | None, what: str, *, metric: str, least: int) -> Features:
    """Return values (N, ...) as they are, with N at least ``least`` and every number finite.

    They are looked at block by block, so that a memory map stays on disk.

    Raises:
        ConfigError: there are no such values for this data.
        InputError: too few samples, or values that are not finite.
    """
    if values is None:
        raise ConfigError(f"{metric} needs {what}, which this data does not have.")
    if len(values) < least:
        raise InputError(
            f"{metric} needs the {what} of at least {least} samples, not {len(values)}."
        )
    if not all(np.isfinite(values[start : start + BLOCK]).all() for start in _starts(values)):
        raise InputError(f"{metric} needs finite {what}; some are NaN or infinite.")
    return values


def checked(values: Features | None, what: str, *, metric: str, least: int) -> Array:
    """Return values (N, ...) as ``present`` does, all at once as float64."""
    return np.asarray(present(values, what, metric=metric, least=least), dtype=np.float64)


def blocks(values: Features) -> Iterator[tuple[slice, Array]]:
    """Yield rows, at most 4,096 at once, and their values (B, ...) as float64."""
    for start in _starts(values):
        rows = slice(start, start + BLOCK)
        yield rows, np.asarray(values[rows], dtype=np.float64)


def _starts(values: Features) -> range:
    return range(0, len(values), BLOCK)
