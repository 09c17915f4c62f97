# SPDX-License-Identifier: MIT
"""A lower bound of the memory that a batch needs, known before it is allocated."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from ganbench.config import Precision, Recipe, RunConfig
from ganbench.errors import MemoryShortageError
from ganbench.gan import GAN, DataSpec
from ganbench.runtime.global_random import seeded
from ganbench.runtime.memory import GIB, available_memory

_TRIED = 8
"""Examples that are passed through the networks to learn what each takes."""
_MOST_TIMES = 1000
"""No pair of networks in the zoo keeps more than this many times the size of an example."""


def check_batch_memory(
    data: DataSpec,
    config: RunConfig,
    device: torch.device,
    make_gan: Callable[[], GAN],
    processes: int = 1,
) -> None:
    """Refuse a batch for which this machine has too little memory.

    Args:
        data: What is known of the data.
        config: The run: how to train, and in which precision.
        device: Where the networks live.
        make_gan: Returns the model; it is called only if the batch is large.
        processes: The number of processes that share a batch.

    Raises:
        MemoryShortageError: Not even the lower bound of ``bytes_of_example`` is free.
    """
    free = available_memory(device)
    recipe = config.recipe
    batch_size = recipe.batch_size // processes
    if free is None or _MOST_TIMES * batch_size * 4 * math.prod(data.shape) < free:
        return
    each = bytes_of_example(make_gan(), data, recipe, config.precision)
    if batch_size * each <= free:
        return
    fitting = processes * (free // each)
    raise MemoryShortageError(
        f"A batch of {recipe.batch_size:,} needs {batch_size * each / GIB:,.1f} GiB of "
        f"memory or more, and {free / GIB:,.1f} GiB are free.",
        f"At most {fitting:,} fit: --batch-size {fitting}." if fitting else "",
    )


def bytes_of_example(
    gan: GAN, data: DataSpec, recipe: Recipe, precision: Precision = "fp32"
) -> int:
    """Return a lower bound of the memory that each example of a batch takes, in bytes.

    It is what the backward pass of the generator's update keeps of both networks. They are built
    and called without memory, on torch's meta device; the bound is 0 if they cannot be. There
    torch rounds nothing to bfloat16, so with ``bf16`` every number counts as if it were rounded,
    though some layers keep all of it.
    """
    count = min(recipe.batch_size, _TRIED)
    saved: dict[int, Tensor] = {}  # by storage: a tensor that two operations keep counts once

    def keep(tensor: Tensor) -> Tensor:
        saved[tensor.untyped_storage()._cdata] = tensor
        return tensor

    cpu = torch.device("cpu")
    weights: set[int] = set()
    # A user's network may do anything, and the hooks of some models call the discriminator in
    # their own way. What cannot be called is left out of the bound.
    with (
        suppress(Exception),
        seeded(0, cpu),
        torch.device("meta"),
        saved_tensors_hooks(keep, lambda kept: kept),
    ):
        condition = _condition(gan, data, count)
        examples = torch.empty(count, recipe.latent_dim)
        for network in (gan.generator(recipe.latent_dim), gan.discriminator(data.shape)):
            weights |= {weight.untyped_storage()._cdata for weight in network.parameters()}
            examples = _first(_call(network, examples, condition))
    kept = (tensor for storage, tensor in saved.items() if storage not in weights)
    most = torch.bfloat16.itemsize if precision == "bf16" else math.inf
    sizes = (tensor.numel() * min(most, tensor.element_size()) for tensor in kept)
    return int(sum(sizes)) // count


def _condition(gan: GAN, data: DataSpec, count: int) -> Tensor | None:
    """Return something like labels (count,), or sources (count, C, H, W), if a model needs them."""
    if gan.conditional == "source":
        return torch.empty(count, *(data.source or data.shape))
    return torch.zeros(count, dtype=torch.int64) if gan.conditional else None


def _call(network: nn.Module, values: Tensor, condition: Tensor | None) -> Any:
    return network(values) if condition is None else network(values, condition)


def _first(output: Any) -> Any:
    """Return the examples, without the extras that a generator may return next to them."""
    return output[0] if isinstance(output, tuple) else output
