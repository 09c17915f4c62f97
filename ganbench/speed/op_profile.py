# SPDX-License-Identifier: MIT
"""Which kind of arithmetic takes the time of training: the reason of a low speed."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.profiler import ProfilerActivity, profile

OPERATION_KINDS = ("products", "normalization", "elementwise", "copies", "optimizer", "rest")
"""Matrix products and convolutions; batch normalization and its like; activations, losses and
sums; copies and roundings; updates of weights; and time outside operations: Python, dispatch."""

_PRODUCTS = ("mm", "addmm", "bmm", "baddbmm", "convolution", "conv_", "linear", "gemm")
_COPIES = ("copy_", "clone", "contiguous", "cat", "index_select", "fill_", "zero_", "to_copy")
_OPTIMIZER = ("_fused_", "_foreach_", "Optimizer.")


def shares(
    work: Callable[[], None], now: Callable[[], float], device: torch.device
) -> dict[str, float]:
    """Return the share of the time of some work by kind of operation; the shares sum to 1.

    Times are those of the working thread, or of the GPU. The profiler itself slows everything
    outside operations.

    Args:
        work: the function to profile.
        now: returns the time in seconds, when the device has done all its work.
        device: where the work is computed.
    """
    gpu = device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if gpu else [])]
    with profile(activities=activities) as profiled:
        begun = now()
        work()
        passed = now() - begun
    seconds = dict.fromkeys(OPERATION_KINDS, 0.0)
    for event in profiled.key_averages():
        microseconds = event.self_device_time_total if gpu else event.self_cpu_time_total
        seconds[operation_kind(event.key)] += microseconds / 1e6
    seconds["rest"] = max(
        0.0, passed - sum(seconds[kind] for kind in OPERATION_KINDS if kind != "rest")
    )
    total = sum(seconds.values())
    return {kind: spent / total for kind, spent in seconds.items()} if total else seconds


def operation_kind(operation: str) -> str:
    """Return the kind of an operation by its name.

    >>> names = ("aten::addmm", "aten::native_batch_norm", "aten::copy_", "aten::tanh_backward")
    >>> [operation_kind(name) for name in names]
    ['products', 'normalization', 'copies', 'elementwise']
    >>> [operation_kind(name) for name in ("aten::_fused_adam_", "AddmmBackward0")]
    ['optimizer', 'rest']
    """
    if any(part in operation for part in _OPTIMIZER):
        return "optimizer"
    library, _, name = operation.partition("::")
    if library not in {"aten", "mkldnn", "cudnn"}:
        return "rest"  # nodes of the graph and Python: their own time is no arithmetic
    if "norm" in name and "vector_norm" not in name:
        return "normalization"
    if name in _PRODUCTS or any(part in name for part in ("convolution", "conv_", "gemm")):
        return "products"
    return "copies" if any(part in name for part in _COPIES) else "elementwise"
