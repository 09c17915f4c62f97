# SPDX-License-Identifier: MIT
"""Nearest neighbors and distances below a bound, exactly, blockwise, in bounded memory.

Distances are Euclidean, and squared wherever they are passed on. A block of distances comes from a
single matrix product, |x|^2 + |y|^2 - 2xy, in float32 around the mean: fast, but wrong by up to
``Distances.error``. That leaves open which of two neighbors is nearer, and on which side of a
bound a pair lies. The sum of squared differences in float64 settles both: it is 0 for duplicates
and the same for (x, y) as for (y, x). Where more candidates than that are as near to one another as
float32 is wrong, as samples of a collapsed generator are, the product is repeated in float64. So
ties and neighbors are those of float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ganbench.evaluation.math.arrays import Array, Features, Indices
from ganbench.evaluation.math.blockwise import blocks, mean_of
from ganbench.runtime.inference import reference_arithmetic
from ganbench.runtime.memory import available_memory
from ganbench.runtime.transfer import send

GUARD = 2
"""Candidates beyond those asked for, so that rounding does not lose the last neighbor."""
PRECISE_SIZE = 64
"""Up to this many features, blocks are computed in float64: they cost little."""
ROWS, COLUMNS = 2048, 1024
"""The size of a block: tall, because its columns are read again for each block of rows."""
CUDA_SIDE = 4096
"""The side of a block on a CUDA device, where small blocks are mostly waiting."""
CUDA_ROOM = 0.5
"""Features stay on a CUDA device if they need at most this share of its free memory."""
ROWS_AT_ONCE = 8192
"""How many rows are repeated in float64 at once."""
_MANY_PAIRS = 1 << 17
_IN_CACHE = 1 << 16
"""Number of float64 values that a processor's cache holds next to other data."""


@dataclass(frozen=True)
class Neighbors:
    """The nearest others of N samples: squared distances (N, k), ascending, and indices (N, k)."""

    squared: Array
    indices: Indices


class CenteredRows(NamedTuple):
    """Centered features (B, d) of some rows, their squared norms (B,), and the largest of these."""

    values: Tensor
    norms: Tensor
    largest: np.floating[Any]

    def after(self, count: int) -> CenteredRows:
        """Return the same without the first ``count`` rows."""
        return CenteredRows(self.values[count:], self.norms[count:], self.largest)


class Distances:
    """Squared distances between features (N, d) and (M, d), which may be one and the same array.

    Blocks are computed on ``device``, if that is a CUDA device, and otherwise on the CPU. Features
    are read from where they are, block by block: once for a CUDA device that has room for them,
    and again for each block of distances otherwise. Blocks are in float32 unless ``precise``, or
    features are few.
    """

    def __init__(
        self, first: Features, second: Features, device: str = "cpu", *, precise: bool = False
    ) -> None:
        self.first = first
        self.second = second
        # Apple's GPUs know no float64.
        self.on_cuda = torch.device(device).type == "cuda"
        self._device = device if self.on_cuda else "cpu"
        self._kept: dict[tuple[bool, int, int], CenteredRows] = {}
        self.precise = precise or first.shape[1] <= PRECISE_SIZE
        self._type: np.dtype[Any] = np.dtype(np.float64 if self.precise else np.float32)
        self._center = mean_of(second)
        unit = 2.0**-53 if self.precise else 2.0**-24
        self._relative_error = unit * (8 + 4 * first.shape[1] ** 0.5)
        self._keeps = self.on_cuda and self._has_room()

    def _has_room(self) -> bool:
        rows = len(self.second) + (0 if self.first is self.second else len(self.first))
        free = available_memory(torch.device(self._device))
        needed = rows * self.first.shape[1] * self._type.itemsize
        return free is not None and needed <= CUDA_ROOM * free

    def centered(self, features: Features, rows: slice) -> CenteredRows:
        """Return a block of rows, centered; those of one set always have the same bounds."""
        key = features is self.second, rows.start, rows.stop
        if key in self._kept:
            return self._kept[key]
        block = self._centered(features, rows)
        if self._keeps:
            self._kept[key] = block
        return block

    def _centered(self, features: Features, rows: slice) -> CenteredRows:
        if features.dtype == np.float64:  # float32 could lose what tells samples apart
            values = (features[rows] - self._center).astype(self._type, copy=False)
        else:
            center = self._center.astype(self._type)
            values = np.subtract(features[rows], center, dtype=self._type)
        norms = np.einsum("bd,bd->b", values, values)
        sent, sent_norms = (
            send(torch.from_numpy(array), self._device) for array in (values, norms)
        )
        return CenteredRows(sent, sent_norms, norms.max())

    def block(self, first: CenteredRows, second: CenteredRows) -> tuple[Tensor, float]:
        """Return squared distances (A, B) between two blocks, and how wrong they may be.

        The error of a product of rows is bounded by d u |x| |y|. As roundings are nearly
        independent it stays below sqrt(d) u |x| |y|; the bound returned is four times that.
        """
        with reference_arithmetic():  # TF32 would be wrong by more
            squared = torch.addmm(second.norms, first.values, second.values.t(), alpha=-2)  # (A, B)
        squared.add_(first.norms[:, None])
        return squared, self._relative_error * float(first.largest + second.largest)

    def exact(self, first: Indices, second: Indices) -> Array:
        """Return the squared distances (P,) of chosen pairs, to float64's precision."""
        if len(first) > _MANY_PAIRS:  # this many are unclear where samples repeat one another
            return self._exact_of_distinct(first, second)
        squared = np.empty(len(first))
        for pairs in blocks(len(first), max(1, _IN_CACHE // self.first.shape[1])):
            difference = self.first[first[pairs]].astype(np.float64)  # (B, d)
            difference -= self.second[second[pairs]]
            squared[pairs] = np.einsum("pd,pd->p", difference, difference)
        return squared

    def _exact_of_distinct(self, first: Indices, second: Indices) -> Array:
        """Return what ``exact`` does, computed once for pairs that are equal byte by byte."""
        keys = self._first_like[first] * len(self.second) + self._second_like[second]
        distinct, inverse = np.unique(keys, return_inverse=True)
        squared = np.empty(len(distinct))
        for pairs in blocks(len(distinct), _MANY_PAIRS):
            squared[pairs] = self.exact(*np.divmod(distinct[pairs], len(self.second)))
        return squared[inverse]

    @cached_property
    def _first_like(self) -> Indices:
        return first_equal_rows(self.first)

    @cached_property
    def _second_like(self) -> Indices:
        return self._first_like if self.second is self.first else first_equal_rows(self.second)


def first_equal_rows(features: Features) -> Indices:
    """Return for each row (N,) the index of the first row that is equal to it byte by byte."""
    first: dict[bytes, int] = {}
    indices = (first.setdefault(row.tobytes(), index) for index, row in enumerate(features))
    return np.fromiter(indices, np.int64, len(features))


def nearest(
    features: Features,
    count: int,
    *,
    among: Features | None = None,
    exact: int | None = None,
    device: str = "cpu",
) -> Neighbors:
    """Return the nearest neighbors of each sample.

    Args:
        features: Features (N, d) of the samples.
        count: How many neighbors are returned; fewer where there are fewer.
        among: Features (M, d) of the possible neighbors. None means the other samples of the same
            set: a sample is not its own neighbor, but its duplicates are, at distance 0.
        exact: How many of the neighbors, the first ones, are exactly those of float64; None means
            all.
        device: Where blocks of distances are computed.
    """
    others = features if among is None else among
    own = np.arange(len(features)) if among is None else None
    distances = Distances(features, others, device)
    count = min(count, len(features) - 1 if among is None else len(among))
    exact = count if exact is None else min(exact, count)
    size = max(count, exact + GUARD)
    best = _Best(len(features), size)
    if among is None and not distances.on_cuda:
        _sweep_within(distances, best)
    else:
        _sweep_across(distances, best, own)
    unclear = np.flatnonzero(best.settle(exact, distances))
    if len(unclear) and not distances.precise:
        for part in blocks(len(unclear), ROWS_AT_ONCE):
            rows = unclear[part]
            precise = Distances(features[rows], others, device, precise=True)
            again = _Best(len(rows), size)
            _sweep_across(precise, again, None if own is None else own[rows])
            again.settle(exact, precise)
            best.squared[rows], best.indices[rows] = again.squared, again.indices
    return Neighbors(best.squared[:, :count], best.indices[:, :count])


class _Best:
    """The nearest candidates of each row so far, by approximate distances."""

    def __init__(self, count: int, size: int) -> None:
        self.squared = np.full((count, size), np.inf)
        self.indices = np.full((count, size), -1, np.int64)
        self.error = 0.0

    def offer(self, rows: slice, squared: Tensor, start: int, error: float) -> None:
        """Consider squared distances (B, C) of some rows to the C samples from ``start`` on."""
        self.error = max(self.error, error)
        size = self.indices.shape[1]
        offered = min(size, squared.shape[1])
        values, columns = squared.topk(offered, dim=1, largest=False, sorted=False)
        candidates = np.concatenate([self.squared[rows], values.cpu().numpy()], axis=1)
        indices = np.concatenate([self.indices[rows], columns.cpu().numpy() + start], axis=1)
        indices[np.isinf(candidates)] = -1
        order = np.argpartition(candidates, size - 1, axis=1)[:, :size]
        self.squared[rows] = np.take_along_axis(candidates, order, axis=1)
        self.indices[rows] = np.take_along_axis(indices, order, axis=1)

    def settle(self, exact: int, distances: Distances) -> Array:
        """Sort the candidates, the first ``exact`` and some more by exact distances.

        Returns:
            Whether (N,) others might be nearer than the last of the first ``exact``: all that
            distances of such an error leave open.
        """
        return np.concatenate(
            [self._settle(rows, exact, distances) for rows in blocks(len(self.indices))]
        )

    def _settle(self, rows: slice, exact: int, distances: Distances) -> Array:
        self._sort(rows, slice(None))
        first = exact + GUARD
        candidates = self.indices[rows, :first]  # (B, first), -1 where there are too few
        farthest = self.squared[rows, :first].max(axis=1)  # all others are as far or farther
        repeated = np.repeat(np.arange(rows.start, rows.stop), candidates.shape[1])
        settled = distances.exact(repeated, candidates.ravel().clip(min=0))
        self.squared[rows, :first] = np.where(
            candidates < 0, np.inf, settled.reshape(candidates.shape)
        )
        self._sort(rows, slice(first))
        last = self.squared[rows, exact - 1] if exact else np.zeros(len(farthest))
        unclear: Array = (last > 0) & (farthest - self.error < last)
        return unclear

    def _sort(self, rows: slice, columns: slice) -> None:
        order = np.argsort(self.squared[rows, columns], axis=1, kind="stable")
        for values in (self.squared, self.indices):
            values[rows, columns] = np.take_along_axis(values[rows, columns], order, axis=1)


def _sweep_within(distances: Distances, best: _Best) -> None:
    """Offer every pair of one set to both its samples, computing each block once."""
    features = distances.first
    for rows in blocks(len(features), ROWS):
        block = distances.centered(features, rows)
        for columns in blocks(rows.stop, COLUMNS):
            start = max(rows.start, columns.start)  # the pairs above are in another block
            below = block.after(start - rows.start)
            squared, error = distances.block(below, distances.centered(features, columns))
            overlap = columns.stop - start if columns.start == start else 0
            squared[:overlap].fill_diagonal_(float("inf"))
            best.offer(slice(start, rows.stop), squared, columns.start, error)
            if overlap < len(squared):
                best.offer(columns, squared[overlap:].t().contiguous(), start + overlap, error)


def _sweep_across(distances: Distances, best: _Best, own: Indices | None) -> None:
    """Offer every pair of two sets to the sample of the first set.

    Args:
        distances: The pairs.
        best: What they are offered to.
        own: Where (N,) the samples of the first set are in the second one, None where they are not;
            no sample is offered to itself.
    """
    height, width = (CUDA_SIDE, CUDA_SIDE) if distances.on_cuda else (ROWS, COLUMNS)
    for rows in blocks(len(distances.first), height):
        first = distances.centered(distances.first, rows)
        for columns in blocks(len(distances.second), width):
            second = distances.centered(distances.second, columns)
            squared, error = distances.block(first, second)
            if own is not None:
                places = own[rows] - columns.start
                here = np.flatnonzero((places >= 0) & (places < squared.shape[1]))
                pairs = (torch.from_numpy(part).to(squared.device) for part in (here, places[here]))
                squared[tuple(pairs)] = float("inf")
            best.offer(rows, squared, columns.start, error)


@dataclass(frozen=True)
class NearPairs:
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
) -> Iterator[NearPairs]:
    """Yield, block by block, the pairs whose squared distance is at or below a bound of either.

    A pair is yielded where its distance is at most the larger of its two bounds, or so near to
    that bound that the side is not known.

    Args:
        first: Features (N, d), the rows of the pairs.
        second: Features (M, d), the columns of the pairs.
        first_bounds: Squared bounds (N,).
        second_bounds: Squared bounds (M,).
        device: Where blocks of distances are computed.
    """
    distances = Distances(first, second, device)
    for rows in blocks(len(first), ROWS):
        block = distances.centered(first, rows)
        row_bounds = torch.from_numpy(first_bounds[rows]).to(block.values)
        for columns in blocks(len(second), COLUMNS):
            squared, error = distances.block(block, distances.centered(second, columns))  # (A, B)
            column_bounds = torch.from_numpy(second_bounds[columns]).to(block.values)
            near = (squared <= row_bounds[:, None] + error) | (squared <= column_bounds + error)
            chosen = np.flatnonzero(near.cpu().numpy())  # (P,)
            row, column = np.divmod(chosen, squared.shape[1])
            near_squared = squared.flatten()[torch.from_numpy(chosen).to(squared.device)]
            yield NearPairs(
                distances,
                row + rows.start,
                column + columns.start,
                near_squared.cpu().numpy().astype(np.float64),
                # Bounds were rounded to the type of the block on the way.
                2 * error,
            )
