# SPDX-License-Identifier: MIT
"""One model over several processes, each with a part of every batch.

    torchrun --nproc-per-node 2 -m ganbench run --model dcgan

trains on two GPUs (NCCL), or on the CPU with two processes (gloo). The result equals that of one
process with the whole batch, up to rounding:

- ``batch_size`` is the number of examples in all processes together. Each process takes its rows
  of the same batch, and of latents that are drawn for the whole batch.
- Gradients are averaged after each backward pass. Every loss and penalty is a mean over examples,
  so the mean over equal parts is the mean over the whole; a loss that is no such mean is refused.
- Batch normalization takes its statistics over all processes (``ganbench.nn.synchronized``).
  Anything else that a network computes over a batch, it computes over a part.
- Tricks that draw random numbers have a separate stream in each process; the first process's is
  that of a lone process. Such runs equal one process in distribution, not in bits. The positions
  of all streams are saved. If a run is resumed with more processes than before, the streams of
  the added ones start afresh; with fewer, those of the missing ones are forgotten.

Only the first process writes the run's folder, measures and prints; the others must be able to
read that folder. The recorded losses are means over the processes.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as distributed
from torch import Tensor, nn

from ganbench.config import Recipe
from ganbench.errors import ConfigError, GanbenchError
from ganbench.gan import Loss
from ganbench.runtime.process_group import ALONE, ProcessGroup, launched
from ganbench.trick import Tricks

Loaded = TypeVar("Loaded")

PATIENCE = timedelta(days=7)
"""How long a process waits for the others. They wait while the first one measures, which may take
hours. When a process dies, torchrun ends the others; a time limit is not needed for that."""

JOINING = timedelta(minutes=5)
"""How long a process waits at the start until all have come."""


class Processes(ProcessGroup):
    """Several processes that communicate through torch.distributed's default group."""

    def shard(self, whole: Tensor) -> Tensor:
        """Return this process's rows (B / size, ...) of values for a whole batch (B, ...)."""
        rows = len(whole) // self.size
        return whole[self.rank * rows : (self.rank + 1) * rows]

    @torch.no_grad()
    def reduce(self, parameters: Sequence[nn.Parameter]) -> None:
        """Replace each gradient with its mean over the processes, all in one exchange.

        Torch's DistributedDataParallel overlaps exchanges with the backward pass, in buckets. It
        hooks a network's forward pass, and supports neither gradients of gradients nor a backward
        pass that stops at one player's parameters. For networks of a few million weights, one
        exchange of all gradients costs less than the latency of many.
        """
        gradients = [weight.grad for weight in parameters if weight.grad is not None]
        for gradient, mean in zip(gradients, self.average(gradients), strict=True):
            gradient.copy_(mean)

    def average(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Return the means of tensors over the processes, all of them in one exchange."""
        if not tensors:
            return []
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        means = torch.split(_sum(flat) / self.size, [tensor.numel() for tensor in tensors])
        return [
            mean.view(tensor.shape).to(tensor.dtype)
            for mean, tensor in zip(means, tensors, strict=True)
        ]

    def gather(self, values: Tensor) -> Tensor:
        """Return the values (*shape) of all processes, stacked as (size, *shape)."""
        rows = [torch.zeros_like(values)] * self.size
        rows[self.rank] = values
        return _sum(torch.stack(rows))

    @torch.no_grad()
    def broadcast(self, tensors: Sequence[Tensor]) -> None:
        """Replace the contents of tensors with those of the first process."""
        for tensor in tensors:
            sent = tensor.detach().clone(memory_format=torch.contiguous_format)
            with exchanging():
                distributed.broadcast(sent, src=0)
            tensor.copy_(sent)

    def broadcast_text(self, text: str) -> str:
        """Return the first process's text."""
        encoded = list(os.fsencode(text))
        length = torch.tensor([len(encoded)])
        self.broadcast([length])
        sent = torch.tensor(encoded if self.first else [0] * int(length), dtype=torch.uint8)
        self.broadcast([sent])
        return os.fsdecode(bytes(sent.tolist()))

    def any_true(self, flag: bool) -> bool:
        """Tell whether any process sets the flag; votes are on the CPU, so no GPU is waited for."""
        votes = torch.tensor([int(flag)])
        with exchanging():
            distributed.all_reduce(votes)
        return bool(votes.item())


class _Sum(torch.autograd.Function):
    """The sum of a tensor over the processes, differentiable any number of times.

    This process's tensor takes part in the sum of every process, so its gradient is the sum of
    the gradients of all. Every process makes the same passes in the same order, because their
    graphs are alike.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        """Add the tensors of all processes."""
        total = values.clone(memory_format=torch.contiguous_format)
        with exchanging():
            distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """Add the gradients of all processes, by the same function, which is differentiable."""
        return _sum(gradients[0])


def _sum(values: Tensor) -> Tensor:
    total: Tensor = _Sum.apply(values)
    return total


@contextmanager
def exchanging() -> Iterator[None]:
    """Turn the library's error into one sentence if the other processes cannot be reached.

    Raises:
        GanbenchError: Another process has ended, or cannot be reached.
    """
    try:
        yield
    except RuntimeError as error:
        raise GanbenchError(
            "Another process of this run has ended, or cannot be reached.",
            "If it gave a reason, that is above. Repeat the command with --resume.",
        ) from error


def join_processes() -> ProcessGroup:
    """Join the processes that torchrun started; ``ALONE`` if there is only one.

    Tensors on the CPU go through gloo, those on a GPU through NCCL.

    Raises:
        ConfigError: This build of torch does not support several processes.
        GanbenchError: The other processes cannot be reached.
    """
    place = launched()
    if place.size == 1:
        return ALONE
    if not distributed.is_available():
        raise ConfigError(
            "This build of torch cannot train with several processes.", "Start it without torchrun."
        )
    if not distributed.is_initialized():
        nccl = torch.cuda.is_available() and distributed.is_nccl_available()
        store = _meeting_place(place.rank, place.size)
        with exchanging():
            distributed.init_process_group(
                "cpu:gloo,cuda:nccl" if nccl else "gloo",
                store=store,
                rank=place.rank,
                world_size=place.size,
                timeout=PATIENCE,
            )
        atexit.register(_leave)
    return Processes(place.rank, place.size, place.local_rank)


def _meeting_place(rank: int, size: int) -> Any:
    """Return the store through which the processes find each other, once all have come to it.

    Raises:
        ConfigError: The variables of torchrun are missing or wrong.
        GanbenchError: Not all processes have come in time.
    """
    from torch.distributed.rendezvous import rendezvous  # missing where processes are unsupported

    try:
        store, _, _ = next(rendezvous("env://", rank, size, timeout=JOINING))
        store.set(f"ganbench/{rank}", "here")
        store.wait([f"ganbench/{other}" for other in range(size)], JOINING)
    except ValueError as error:
        raise ConfigError(
            f"The processes cannot find each other: {str(error).rstrip('.')}.",
            "Start them with torchrun, which sets all variables.",
        ) from error
    except RuntimeError as error:
        raise GanbenchError(
            f"Not all of the {size} processes of this run have come within "
            f"{JOINING.total_seconds():.0f} s.",
            "See that torchrun starts on every node with the same number of nodes and the same "
            "endpoint.",
        ) from error
    store.set_timeout(PATIENCE)
    return store


def end_process(code: int) -> None:
    """End a process that has joined others at once, with an exit code; return if it has not.

    When the interpreter is taken down in order, gloo's threads now and then abort the process,
    after everything is done and written.
    """
    if distributed.is_available() and distributed.is_initialized():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _leave() -> None:
    """Leave the group when the interpreter exits."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


def first_then_others(group: ProcessGroup, load: Callable[[], Loaded]) -> Loaded:
    """Return ``load()``, first in the first process, which downloads and caches for the others."""
    if not group.first:
        group.wait()
    loaded = load()
    if group.first:
        group.wait()
    return loaded


def check_parts(recipe: Recipe, loss: Loss, tricks: Tricks, group: ProcessGroup) -> None:
    """Refuse a training that several processes, each with a part of the batch, cannot share.

    Raises:
        ConfigError: The batch does not divide, or a mean over its parts is not the mean over the
            whole.
    """
    if group.size == 1:
        return
    if recipe.batch_size % group.size:
        fitting = -(-recipe.batch_size // group.size) * group.size
        raise ConfigError(
            f"A batch of {recipe.batch_size} does not divide among {group.size} processes.",
            f"For example: --batch-size {fitting}",
        )
    if not loss.mean:
        raise ConfigError(
            f"The loss '{loss.name}' is not a mean over examples, so {group.size} processes cannot "
            "share a batch.",
            "Start it without torchrun, or choose another loss.",
        )
    for trick in tricks:
        trick.check_parts(recipe.batch_size // group.size, group.size)
