# SPDX-License-Identifier: MIT
"""Nearest neighbors and distances below a bound, exactly, blockwise, in bounded memory.

Distances are Euclidean, and squared wherever they are passed on. A block of them comes from one
matrix product, |x|^2 + |y|^2 - 2xy, in float32 around the mean: fast, but wrong by up to
``Distances.error``. What that leaves open (which of two neighbors is nearer, on which side of a
bound a pair lies) is settled by the sum of squared differences in float64, which is 0 for
duplicates and the same for (x, y) as for (y, x). So ties and neighbors are those of float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganbench.evaluation.math.blocks import mean_of, parts
from ganbench.evaluation.math.moments import Array
from ganbench.evaluation.metric import Features

Indices = NDArray[np.int64]

GUARD = 2
"""Candidates beyond those asked for, so that rounding does not lose the last neighbor."""
PRECISE_SIZE = 64
"""Up to this many features blocks are computed in float64: they cost little."""
ROWS, COLUMNS = 2048, 1024
"""The size of a block: tall, as its columns are read anew for each of its rows' blocks."""
_MANY_PAIRS = 1 << 17
_IN_CACHE = 1 << 16
"""Numbers of float64 that a processor's cache has room for beside others."""


@dataclass(frozen=True)
class Neighbors:
    """Of N samples the nearest others: squared distances (N, k), ascending, and indices (N, k)."""

    squared: Array
    indices: Indices


class Distances:
    """Squared distances between features (N, d) and (M, d), which may be one and the same array.

    Blocks are computed on ``device``; features are read from where they are, block by block.
    """

    def __init__(self, first: Features, second: Features, device: str = "cpu") -> None:
        self.first = first
        self.second = second
        self._device = device
        precise = first.shape[1] <= PRECISE_SIZE
        self._type: np.dtype[Any] = np.dtype(np.float64 if precise else np.float32)
        self._center = mean_of(second).astype(self._type)
        unit = 2.0**-53 if precise else 2.0**-24
        self._relative_error = unit * (8 + 4 * first.shape[1] ** 0.5)

    def rows(self, features: Features, part: slice) -> tuple[Tensor, Tensor]:
        """Return a block of centered features (B, d) and their squared norms (B,)."""
        values = np.subtract(features[part], self._center, dtype=self._type)
        norms = np.einsum("bd,bd->b", values, values)
        return torch.from_numpy(values).to(self._device), torch.from_numpy(norms).to(self._device)

    def block(
        self, first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, float]:
        """Return squared distances (A, B) between two blocks, and how wrong they may be.

        The error of a product of rows is bounded by d u |x| |y|; as roundings are about
        independent it stays below sqrt(d) u |x| |y|, of which there is room for four times.
        """
        (x, x_norms), (y, y_norms) = first, second
        block = torch.addmm(y_norms, x, y.t(), alpha=-2).add_(x_norms[:, None])
        return block, self._relative_error * float(x_norms.max() + y_norms.max())

    def exact(self, first: Indices, second: Indices) -> Array:
        """Return the squared distances (P,) of chosen pairs, to float64's precision."""
        if len(first) > _MANY_PAIRS:  # so many are unclear where samples repeat one another
            return self._exact_of_distinct(first, second)
        found = np.empty(len(first))
        for part in parts(len(first), max(1, _IN_CACHE // self.first.shape[1])):
            difference = self.first[first[part]].astype(np.float64)
            difference -= self.second[second[part]]
            found[part] = np.einsum("pd,pd->p", difference, difference)
        return found

    def _exact_of_distinct(self, first: Indices, second: Indices) -> Array:
        """Return what ``exact`` does, computed once for pairs that are equal byte by byte."""
        keys = self._first_like[first] * len(self.second) + self._second_like[second]
        distinct, inverse = np.unique(keys, return_inverse=True)
        found = np.empty(len(distinct))
        for part in parts(len(distinct), _MANY_PAIRS):
            found[part] = self.exact(*np.divmod(distinct[part], len(self.second)))
        return found[inverse]

    @cached_property
    def _first_like(self) -> Indices:
        return alike(self.first)

    @cached_property
    def _second_like(self) -> Indices:
        return self._first_like if self.second is self.first else alike(self.second)


def alike(features: Features) -> Indices:
    """Return for each row (N,) the index of the first row that is equal to it byte by byte."""
    seen: dict[bytes, int] = {}
    found = (seen.setdefault(row.tobytes(), index) for index, row in enumerate(features))
    return np.fromiter(found, np.int64, len(features))


def nearest(
    features: Features,
    count: int,
    *,
    among: Features | None = None,
    exact: int | None = None,
    device: str = "cpu",
) -> Neighbors:
    """Return the ``count`` nearest of ``among`` (M, d) to each of ``features`` (N, d).

    Without ``among`` they are the nearest others of the same set: a sample is not its own
    neighbor, but its duplicates are, at distance 0. Fewer are returned where there are fewer.
    Only the first ``exact`` are those of float64, all where that is None.
    """
    distances = Distances(features, features if among is None else among, device)
    count = min(count, len(features) - 1 if among is None else len(among))
    exact = count if exact is None else min(exact, count)
    best = _Best(len(features), max(count, exact + GUARD))
    if among is None:
        _sweep_within(distances, best)
    else:
        _sweep_across(distances, best)
    for part in parts(len(features)):
        best.settle(part, exact + GUARD, distances)
    return Neighbors(best.squared[:, :count], best.indices[:, :count])


class _Best:
    """The nearest candidates of each row so far, by approximate distances."""

    def __init__(self, count: int, kept: int) -> None:
        self.squared = np.full((count, kept), np.inf)
        self.indices = np.full((count, kept), -1, np.int64)

    def offer(self, rows: slice, block: Tensor, start: int) -> None:
        """Take in distances (B, C) of some rows from columns that begin at ``start``."""
        kept = self.indices.shape[1]
        few = min(kept, block.shape[1])
        values, columns = block.topk(few, dim=1, largest=False, sorted=False)
        squared = np.concatenate([self.squared[rows], values.cpu().numpy()], axis=1)
        indices = np.concatenate([self.indices[rows], columns.cpu().numpy() + start], axis=1)
        indices[np.isinf(squared)] = -1
        order = np.argpartition(squared, kept - 1, axis=1)[:, :kept]
        self.squared[rows] = np.take_along_axis(squared, order, axis=1)
        self.indices[rows] = np.take_along_axis(indices, order, axis=1)

    def settle(self, rows: slice, first: int, distances: Distances) -> None:
        """Sort the candidates of some rows, with exact distances for the ``first`` of them."""
        self._sort(rows, slice(None))
        candidates = self.indices[rows, :first]  # (B, first), -1 where there are too few
        repeated = np.repeat(np.arange(rows.start, rows.stop), candidates.shape[1])
        exact = distances.exact(repeated, candidates.ravel().clip(min=0))
        self.squared[rows, :first] = np.where(
            candidates < 0, np.inf, exact.reshape(candidates.shape)
        )
        self._sort(rows, slice(first))

    def _sort(self, rows: slice, columns: slice) -> None:
        order = np.argsort(self.squared[rows, columns], axis=1, kind="stable")
        for values in (self.squared, self.indices):
            values[rows, columns] = np.take_along_axis(values[rows, columns], order, axis=1)


def _sweep_within(distances: Distances, best: _Best) -> None:
    """Offer every pair of one set to both its samples, computing each block once."""
    features = distances.first
    for rows in parts(len(features), ROWS):
        mine = distances.rows(features, rows)
        for columns in parts(rows.stop, COLUMNS):
            start = max(rows.start, columns.start)  # what is above is known from elsewhere
            below = mine[0][start - rows.start :], mine[1][start - rows.start :]
            block, _ = distances.block(below, distances.rows(features, columns))
            square = columns.stop - start if columns.start == start else 0
            block[:square].fill_diagonal_(float("inf"))
            best.offer(slice(start, rows.stop), block, columns.start)
            if square < len(block):
                best.offer(columns, block[square:].t().contiguous(), start + square)


def _sweep_across(distances: Distances, best: _Best) -> None:
    for rows in parts(len(distances.first), ROWS):
        mine = distances.rows(distances.first, rows)
        for columns in parts(len(distances.second), COLUMNS):
            block, _ = distances.block(mine, distances.rows(distances.second, columns))
            best.offer(rows, block, columns.start)


@dataclass(frozen=True)
class Pairs:
    """Pairs (P,) of a row and a column with their squared distances, wrong by up to ``error``."""

    distances: Distances
    rows: Indices
    columns: Indices
    squared: Array
    error: float

    def settled(self, *bounds: Array) -> Array:
        """Return the squared distances (P,), each on the right side of its bounds (P,)."""
        unclear = np.zeros(len(self.squared), dtype=bool)
        for bound in bounds:
            unclear |= np.abs(self.squared - bound) <= self.error
        squared = self.squared.copy()
        squared[unclear] = self.distances.exact(self.rows[unclear], self.columns[unclear])
        return squared


def pairs_below(
    first: Features,
    second: Features,
    first_bounds: Array,
    second_bounds: Array,
    *,
    device: str = "cpu",
) -> Iterator[Pairs]:
    """Yield, block by block, the pairs whose squared distance is at or below a bound of either.

    ``first_bounds`` (N,) and ``second_bounds`` (M,) are squared; a pair belongs here where its
    distance is at most the larger of its two bounds, or so near to it that this is not known.
    """
    distances = Distances(first, second, device)
    for rows in parts(len(first), ROWS):
        mine = distances.rows(first, rows)
        row_bounds = torch.from_numpy(first_bounds[rows]).to(mine[0])
        for columns in parts(len(second), COLUMNS):
            block, error = distances.block(mine, distances.rows(second, columns))
            column_bounds = torch.from_numpy(second_bounds[columns]).to(mine[0])
            near = (block <= row_bounds[:, None] + error) | (block <= column_bounds + error)
            chosen = np.flatnonzero(near.cpu().numpy())
            row, column = np.divmod(chosen, block.shape[1])
            squared = block.flatten()[torch.from_numpy(chosen).to(block.device)]
            yield Pairs(
                distances,
                row + rows.start,
                column + columns.start,
                squared.cpu().numpy().astype(np.float64),
                # Bounds were rounded to the type of the block on the way.
                2 * error,
            )
