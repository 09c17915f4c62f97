# SPDX-License-Identifier: MIT
"""Results that several metrics share are computed once for the same arrays."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from ganbench.evaluation.math.arrays import Features

T = TypeVar("T")


class Memo(Generic[T]):
    """The last few results, each kept for the very arrays that it was computed from.

    Metrics are computed one after the other for the same two sets, so what takes long is shared.
    The arrays are held weakly: a result never keeps them in memory.
    """

    def __init__(self, size: int = 4) -> None:
        self._size = size
        self._entries: dict[tuple[Hashable, ...], tuple[list[weakref.ref[Any]], T]] = {}

    def get(self, arrays: tuple[Features, ...], setting: Hashable, make: Callable[[], T]) -> T:
        """Return the result of ``make`` for these arrays and this setting, computed or kept."""
        key = (setting, *map(id, arrays))
        if key in self._entries:
            references, result = self._entries[key]
            # An address may have been given to another array since.
            if all(ref() is array for ref, array in zip(references, arrays, strict=True)):
                return result
        result = make()
        self._entries[key] = ([weakref.ref(array) for array in arrays], result)
        while len(self._entries) > self._size:
            del self._entries[next(iter(self._entries))]
        return result
