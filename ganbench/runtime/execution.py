# SPDX-License-Identifier: MIT
"""How a step is computed on a machine: its speed and rounding, not its algorithm.

The precision is part of a run's identity, because it may change results beyond rounding. The rest
is recorded with the run, like its number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import nn

from ganbench.config import Precision
from ganbench.runtime.memory import keep_freed_memory

MemoryFormat = Literal["channels_last", "contiguous"]


@dataclass(frozen=True)
class Execution:
    """The memory format of convolutions, and whether torch compiles the networks.

    Compiled networks cannot be differentiated twice, so gradient penalties need plain networks.
    """

    memory_format: MemoryFormat = "channels_last"
    compile: bool = False

    def place(self, network: nn.Module, device: torch.device) -> nn.Module:
        """Move a network to its device, in the memory format in which it computes there."""
        if self.memory_format == "channels_last" and has_convolutions(network):
            network = network.to(memory_format=torch.channels_last)
        network = network.to(device).train()
        if self.compile:
            network.compile(dynamic=False)
        return network

    def record(self) -> dict[str, Any]:
        """Return the fields that differ from ``USUAL``, for the record of a run."""
        usual = asdict(USUAL)
        return {key: value for key, value in asdict(self).items() if value != usual[key]}


_ELEMENTS_OF_THREAD = 32768
"""torch gives an operation another thread for each of that many elements."""

USUAL = Execution()
"""How steps are computed by default."""


def has_convolutions(network: nn.Module) -> bool:
    """Return whether a network has layers for which the memory format matters.

    Networks for videos are left as they are: torch knows the format for images only.
    """
    layers = list(network.modules())
    videos = any(isinstance(layer, nn.Conv3d | nn.ConvTranspose3d) for layer in layers)
    return not videos and any(isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) for layer in layers)


@contextmanager
def arithmetic(precision: Precision) -> Iterator[None]:
    """Compute steps in a precision, and restore the settings afterwards.

    ``fp32`` multiplies in full float32 on every device, cuDNN's convolutions included. ``medium``
    keeps float32 everywhere but lets multiplications round their factors: to TF32 on CUDA, to
    bfloat16 on processors that multiply it (torch.set_float32_matmul_precision). ``bf16`` is
    autocast, in the forward passes themselves (``State.autocast``). On the CPU, numbers too small
    to be normal count as zero in the thread that calls: they take a hundred times as long, and
    move nothing. In the further threads that torch computes with they count, because a thread's
    setting cannot be taken back from outside. From then on the process keeps the memory that an
    iteration frees.
    """
    keep_freed_memory()
    _start_threads()
    precision_before = torch.get_float32_matmul_precision()
    tf32_before = torch.backends.cudnn.allow_tf32
    rounds_factors = precision == "medium"
    torch.set_float32_matmul_precision("medium" if rounds_factors else "highest")
    torch.backends.cudnn.allow_tf32 = rounds_factors
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.backends.cudnn.allow_tf32 = tf32_before
        torch.set_float32_matmul_precision(precision_before)


def _start_threads() -> None:
    """Let torch start the threads that it computes with, unless they run already.

    A thread begins with the settings of the thread that starts it, and keeps them for good.
    """
    threads = torch.get_num_threads()
    if threads > 1:
        torch.empty(threads * _ELEMENTS_OF_THREAD).fill_(0.0)
