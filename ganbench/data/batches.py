# SPDX-License-Identifier: MIT
"""Endless batches of a dataset, in an order that the seed and the position decide."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property

import torch
from torch import Tensor

from ganbench.data.dataset import Dataset, StoredExamples
from ganbench.errors import InputError
from ganbench.gan import Batch
from ganbench.runtime.process_group import ALONE, ProcessGroup
from ganbench.streams import stream_seed


class Batches:
    """Endless batches of a dataset, in the order of a fresh permutation each epoch.

    The order is a function of the seed and of the number of images seen, so nothing has to be
    saved to resume it. A batch that passes the end of an epoch continues into the next. Each of
    several processes takes its part of a batch of ``batch_size``.

    Where the examples stay in the host's memory, a thread picks those of the next batch while the
    device computes.

    Args:
        dataset: The split to draw from.
        batch_size: The number of examples in a batch, over all processes.
        seed: The seed of the order.
        group: The processes that share each batch.

    Raises:
        InputError: the dataset is empty.
    """

    def __init__(
        self, dataset: Dataset, batch_size: int, seed: int, group: ProcessGroup = ALONE
    ) -> None:
        if len(dataset) == 0:
            raise InputError(f"{dataset.spec.name} has no examples to train on.")
        self.dataset = dataset
        self.batch_size = batch_size
        self.seed = seed
        self.group = group
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.int64)
        self._picking: tuple[int, Future[StoredExamples]] | None = None

    def at(self, images_seen: int) -> Batch:
        """Return the batch that follows the first ``images_seen`` images."""
        if self.dataset.target is None:
            return self.dataset.batch(self._indices(images_seen))
        if self._picking is None or self._picking[0] != images_seen:
            self._pick(images_seen)
        assert self._picking is not None
        rows = self._picking[1].result()
        self._pick(images_seen + self.batch_size)
        return self.dataset.as_batch(rows)

    def _pick(self, images_seen: int) -> None:
        """Let the thread pick the examples of a batch."""
        indices = self._indices(images_seen)
        self._picking = images_seen, self._thread.submit(self.dataset.rows, indices)

    @cached_property
    def _thread(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(1, thread_name_prefix="ganbench-batches")

    def _indices(self, images_seen: int) -> Tensor:
        parts: list[Tensor] = []
        remaining = self.batch_size
        while remaining:
            epoch, start = divmod(images_seen, len(self.dataset))
            part = self._order_of(epoch)[start : start + remaining]
            parts.append(part)
            remaining -= len(part)
            images_seen += len(part)
        indices = parts[0] if len(parts) == 1 else torch.cat(parts)
        return self.group.shard(indices)

    def _order_of(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            generator = torch.Generator()
            generator.manual_seed(stream_seed(self.seed, f"data/{epoch}"))
            order = torch.randperm(len(self.dataset), generator=generator)
            self._epoch, self._order = epoch, order.to(self.dataset.values.device)
        return self._order
