# SPDX-License-Identifier: MIT
"""Two sets of features, perhaps larger than memory: read block by block, and results shared."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Iterator
from typing import Any, Generic, TypeVar

import numpy as np

from ganbench.errors import InputError
from ganbench.evaluation.checks import present
from ganbench.evaluation.math.moments import Array
from ganbench.evaluation.metric import Evidence, Features

_BLOCK = 2048
"""Rows that are read at once: 16 MiB of 2,048 float32 features."""

T = TypeVar("T")


def parts(count: int, size: int = _BLOCK) -> Iterator[slice]:
    """Yield slices of at most ``size`` that cover ``count`` rows in order."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def both(
    real: Evidence, fake: Evidence, *, metric: str, least_real: int, least_fake: int
) -> tuple[Features, Features]:
    """Return the features (M, d) of real and (N, d) of fake samples, checked.

    Raises:
        ConfigError: there are no features.
        InputError: too few samples, features that are not finite, or of different sizes.
    """
    reals = present(real.features, "real features", metric=metric, least=least_real)
    fakes = present(fake.features, "features", metric=metric, least=least_fake)
    if reals.shape[1] != fakes.shape[1]:
        raise InputError(
            f"{metric} needs features of one size; the real ones have {reals.shape[1]} and the "
            f"others {fakes.shape[1]}."
        )
    return reals, fakes


def mean_of(values: Features) -> Array:
    """Return the mean (d,) of features (N, d), summed in float64."""
    total = np.zeros(values.shape[1])
    for part in parts(len(values)):
        total += values[part].sum(axis=0, dtype=np.float64)
    return total / len(values)


class Memo(Generic[T]):
    """The last few results, each kept for the very arrays that it was computed from.

    Metrics are asked one after the other for the same two sets: what takes long is shared. The
    arrays are held weakly, so that a result never keeps them in memory.
    """

    def __init__(self, kept: int = 4) -> None:
        self._kept = kept
        self._entries: dict[tuple[Hashable, ...], tuple[list[weakref.ref[Any]], T]] = {}

    def get(self, arrays: tuple[Features, ...], words: Hashable, make: Callable[[], T]) -> T:
        """Return what ``make`` gave for these arrays and words before, or what it gives now."""
        key = (words, *map(id, arrays))
        if key in self._entries:
            references, result = self._entries[key]
            if all(ref() is array for ref, array in zip(references, arrays, strict=True)):
                return result
        result = make()
        self._entries[key] = ([weakref.ref(array) for array in arrays], result)
        while len(self._entries) > self._kept:
            del self._entries[next(iter(self._entries))]
        return result
