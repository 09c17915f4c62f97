# SPDX-License-Identifier: MIT
"""Values that no metric can compute with: the square of 1e200 is no number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ganbench.errors import InputError, error_text


@contextmanager
def numbers_of(metric: str, samples: str) -> Iterator[None]:
    """Turn the failure of a computation with numbers into a sentence.

    Args:
        metric: The name of the metric.
        samples: The name of the samples.

    Raises:
        InputError: A number overflowed, or a matrix cannot be decomposed.
    """
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            yield
    except (ArithmeticError, np.linalg.LinAlgError) as error:
        raise InputError(
            f"{metric} cannot be computed of {samples}: {error_text(error)}.",
            "Look at the range of the values, and scale them.",
        ) from error
