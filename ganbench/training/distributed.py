# SPDX-License-Identifier: MIT
"""One model over several processes, each with a part of every batch.

    torchrun --nproc-per-node 2 -m ganbench run --model dcgan

trains on two GPUs (NCCL), or on the CPU with two processes (gloo). The result is that of one
process with the whole batch, to rounding:

- ``batch_size`` is the number of examples in all processes together. Each takes its rows of one
  and the same batch, and of latents that are drawn for the whole batch.
- Gradients are averaged after each backward pass. Every loss and penalty is a mean over examples,
  so the mean over equal parts is that of the whole; what is no such mean is refused.
- Batch normalization takes its statistics over all processes (``ganbench.nn.synchronized``). What
  else a network computes over a batch, it computes over a part.
- Tricks that draw random numbers draw from a stream for each process, the first's being that of a
  process by itself. Such runs equal one process in distribution, not in bits. The positions of
  all streams are saved; resumed with more processes than before, the added ones' streams begin
  anew, and with fewer those of the missing ones are forgotten.

The first process alone writes the run's folder, measures and prints; the others must be able to
read that folder. What is recorded of losses are means over the processes.
"""

from __future__ import annotations

import atexit
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
"""The others wait while the first process measures, which may take hours; torchrun, not a limit
on waiting, ends those whose fellow has died."""


class Processes(ProcessGroup):
    """Several processes, through torch.distributed's default group."""

    def shard(self, whole: Tensor) -> Tensor:
        """Return this process's rows, (B / size, ...)."""
        rows = len(whole) // self.size
        return whole[self.rank * rows : (self.rank + 1) * rows]

    @torch.no_grad()
    def reduce(self, parameters: Sequence[nn.Parameter]) -> None:
        """Replace each gradient by its mean, all of them in one exchange.

        Torch's DistributedDataParallel hides exchanges behind the backward pass, in buckets. It
        hooks a network's forward pass, and knows neither gradients of gradients nor a backward
        pass that stops at one player's parameters. For networks of a few million weights, one
        exchange of all gradients costs less than the latency of many.
        """
        gradients = [one.grad for one in parameters if one.grad is not None]
        for gradient, mean in zip(gradients, self.average(gradients), strict=True):
            gradient.copy_(mean)

    def average(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Return the means of tensors over the processes, all of them in one exchange."""
        if not tensors:
            return []
        flat = torch.cat([one.reshape(-1) for one in tensors])
        parts = torch.split(_sum(flat) / self.size, [one.numel() for one in tensors])
        return [
            part.view(one.shape).to(one.dtype) for part, one in zip(parts, tensors, strict=True)
        ]

    def gather(self, values: Tensor) -> Tensor:
        """Return what all processes hold, (size, *shape)."""
        rows = [torch.zeros_like(values)] * self.size
        rows[self.rank] = values
        return _sum(torch.stack(rows))

    @torch.no_grad()
    def broadcast(self, tensors: Sequence[Tensor]) -> None:
        """Replace the contents of tensors by those of the first process."""
        for one in tensors:
            sent = one.detach().clone(memory_format=torch.contiguous_format)
            with exchanging():
                distributed.broadcast(sent, src=0)
            one.copy_(sent)

    def broadcast_text(self, text: str) -> str:
        """Return the first process's text."""
        letters = list(text.encode())
        length = torch.tensor([len(letters)])
        self.broadcast([length])
        sent = torch.tensor(letters if self.first else [0] * int(length), dtype=torch.uint8)
        self.broadcast([sent])
        return bytes(sent.tolist()).decode()

    def any_true(self, flag: bool) -> bool:
        """Tell whether any process says yes. The answer is on the CPU: no device is waited for."""
        votes = torch.tensor([int(flag)])
        with exchanging():
            distributed.all_reduce(votes)
        return bool(votes.item())


class _Sum(torch.autograd.Function):
    """The sum of a tensor over the processes; so is its gradient, and the gradient of that.

    What this process holds takes part in every process's sum, so its gradient is the sum of all
    theirs. Every process makes the same passes in the same order, as their graphs are alike.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        """Add up."""
        total = values.clone(memory_format=torch.contiguous_format)
        with exchanging():
            distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """Add up the gradients, by the same function, so that they can be differentiated."""
        return _sum(gradients[0])


def _sum(values: Tensor) -> Tensor:
    total: Tensor = _Sum.apply(values)
    return total


@contextmanager
def exchanging() -> Iterator[None]:
    """Say in one sentence that the other processes cannot be reached.

    Raises:
        GanbenchError: in place of what the library raises.
    """
    try:
        yield
    except RuntimeError as error:
        raise GanbenchError(
            "Another process of this run has ended, or cannot be reached.",
            "If it said why, that is above. Repeat the command with --resume.",
        ) from error


def join_processes() -> ProcessGroup:
    """Join the processes that torchrun started; ``ALONE`` where there is but one.

    Tensors on the CPU go through gloo, those on a GPU through NCCL.

    Raises:
        ConfigError: this build of torch has no processes.
        GanbenchError: the others cannot be reached.
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
        with exchanging():
            distributed.init_process_group(
                "cpu:gloo,cuda:nccl" if nccl else "gloo", timeout=PATIENCE
            )
        atexit.register(_leave)
    return Processes(place.rank, place.size, place.local_rank)


def _leave() -> None:
    if distributed.is_initialized():
        distributed.destroy_process_group()


def first_then_others(group: ProcessGroup, load: Callable[[], Loaded]) -> Loaded:
    """Return what ``load`` does; the others find downloaded and cached what the first got."""
    if not group.first:
        group.wait()
    loaded = load()
    if group.first:
        group.wait()
    return loaded


def check_parts(recipe: Recipe, loss: Loss, tricks: Tricks, group: ProcessGroup) -> None:
    """Refuse what several processes with a part of the batch each cannot train.

    Raises:
        ConfigError: the batch does not divide, or the mean over its parts is not that of the whole.
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
            f"The loss '{loss.name}' is no mean over examples, so {group.size} processes cannot "
            "share a batch.",
            "Start it without torchrun, or choose another loss.",
        )
    for trick in tricks:
        trick.check_parts(recipe.batch_size // group.size, group.size)
