# SPDX-License-Identifier: MIT
"""Copies between the host's memory and a CUDA device, which go on while the host does other work.

A copy from or to ordinary memory makes the host wait until the device has done all that it was
given before. A copy from or to pinned memory, whose pages stay where they are, does not.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def pinned(tensor: Tensor) -> Tensor:
    """Return a tensor of the host in pinned memory; the tensor itself where there is no GPU."""
    return tensor.pin_memory() if torch.cuda.is_available() else tensor


def send(tensor: Tensor, device: torch.device | str) -> Tensor:
    """Return a tensor on a device, without waiting until a CUDA device has it."""
    to_cuda = torch.device(device).type == "cuda" and tensor.device.type == "cpu"
    return pinned(tensor).to(device, non_blocking=True) if to_cuda else tensor.to(device)


def begin_fetch(tensor: Tensor) -> Callable[[], Tensor]:
    """Begin to copy a tensor to the CPU; return a function that waits for the copy."""
    if tensor.device.type != "cuda":
        values = tensor.cpu()
        return lambda: values
    copy = tensor.to("cpu", non_blocking=True)  # into pinned memory
    # The thread that waits sleeps, and leaves its core to those that decode.
    arrived = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
    arrived.record(torch.cuda.current_stream(tensor.device))

    def wait() -> Tensor:
        arrived.synchronize()
        return copy

    return wait
