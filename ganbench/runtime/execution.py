# SPDX-License-Identifier: MIT
"""How a step is computed on a machine: what changes its speed and its rounding, not its algorithm.

The precision is part of a run's identity, since it may change results beyond rounding; the rest
is recorded with the run, as its number of threads is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import nn

from ganbench.config import Precision
from ganbench.runtime.allocator import keep_freed_memory

MemoryFormat = Literal["channels_last", "contiguous"]


@dataclass(frozen=True)
class Execution:
    """The memory format of convolutions, and whether torch compiles the networks.

    Compiled networks cannot be differentiated twice, so that gradient penalties need plain ones.
    """

    memory_format: MemoryFormat = "channels_last"
    compile: bool = False

    def place(self, network: nn.Module, device: torch.device) -> nn.Module:
        """Move a network to its device, as it will compute there."""
        if self.memory_format == "channels_last" and has_convolutions(network):
            network = network.to(memory_format=torch.channels_last)
        network = network.to(device).train()
        if self.compile:
            network.compile(dynamic=False)
        return network

    def record(self) -> dict[str, Any]:
        """Return what differs from the usual, for the record of a run."""
        usual = asdict(USUAL)
        return {key: value for key, value in asdict(self).items() if value != usual[key]}


USUAL = Execution()
"""How steps are computed where nothing else is asked for."""


def has_convolutions(network: nn.Module) -> bool:
    """Tell whether a network has layers that a memory format matters to."""
    return any(isinstance(one, nn.Conv2d | nn.ConvTranspose2d) for one in network.modules())


@contextmanager
def arithmetic(precision: Precision) -> Iterator[None]:
    """Compute steps in a precision, and restore what was set before.

    ``fp32`` multiplies in full float32 on every device, cuDNN's convolutions included. ``medium``
    keeps float32 everywhere but lets multiplications round their factors: to TF32 on CUDA, to
    bfloat16 on processors that multiply it (torch.set_float32_matmul_precision). ``bf16`` is
    autocast, in the forward passes themselves (``State.autocast``). On the CPU numbers too small
    to be normal count as zero: they take a hundred times as long, and move nothing. The process
    keeps the memory that an iteration frees, from then on.
    """
    keep_freed_memory()
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    rounds = precision == "medium"
    torch.set_float32_matmul_precision("medium" if rounds else "highest")
    torch.backends.cudnn.allow_tf32 = rounds
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.backends.cudnn.allow_tf32 = before[1]
        torch.set_float32_matmul_precision(before[0])
