# SPDX-License-Identifier: MIT
"""Which kind of arithmetic the time of training goes to, so that a low speed has its reason."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.profiler import ProfilerActivity, profile

OPERATION_KINDS = ("products", "normalization", "elementwise", "copies", "optimizer", "rest")
"""Matrix products and convolutions; batch normalization and its like; activations, losses and
sums; copies and roundings; updates of weights; and what is in no operation: Python, dispatch."""

_PRODUCTS = ("mm", "addmm", "bmm", "baddbmm", "convolution", "conv_", "linear", "gemm")
_COPIES = ("copy_", "clone", "contiguous", "cat", "index_select", "fill_", "zero_", "to_copy")
_OPTIMIZER = ("_fused_", "_foreach_", "Optimizer.")


def shares(
    work: Callable[[], None], now: Callable[[], float], device: torch.device
) -> dict[str, float]:
    """Return the share of the time of some work that each kind of operation takes; they sum to 1.

    Times are those of the thread that works, or of the GPU; the profiler itself slows what is in
    no operation.
    """
    gpu = device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if gpu else [])]
    with profile(activities=activities) as profiled:
        begun = now()
        work()
        passed = now() - begun
    seconds = dict.fromkeys(OPERATION_KINDS, 0.0)
    for event in profiled.key_averages():
        spent = event.self_device_time_total if gpu else event.self_cpu_time_total
        seconds[operation_kind(event.key)] += spent / 1e6
    seconds["rest"] = max(
        0.0, passed - sum(seconds[kind] for kind in OPERATION_KINDS if kind != "rest")
    )
    total = sum(seconds.values())
    return {kind: one / total for kind, one in seconds.items()} if total else seconds


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
        return "rest"  # nodes of the graph, Python: their own time is nobody's arithmetic
    if "norm" in name and "vector_norm" not in name:
        return "normalization"
    if name in _PRODUCTS or any(part in name for part in ("convolution", "conv_", "gemm")):
        return "products"
    return "copies" if any(part in name for part in _COPIES) else "elementwise"
