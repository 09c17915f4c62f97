# SPDX-License-Identifier: MIT
"""What every metric asks of its evidence before it computes."""

from __future__ import annotations

import numpy as np

from ganbench.errors import ConfigError, InputError
from ganbench.metrics.metric import Array


def checked(values: Array | None, what: str, *, metric: str, least: int) -> Array:
    """Return values (N, ...) as float64, with N at least ``least`` and every number finite.

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
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        raise InputError(f"{metric} needs finite {what}; some are NaN or infinite.")
    return array
