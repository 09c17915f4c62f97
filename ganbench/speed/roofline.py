# SPDX-License-Identifier: MIT
"""The most that this machine's arithmetic can do, for speeds to be compared with."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from ganbench.config import Precision
from ganbench.records.speed_record import Roofline
from ganbench.runtime.execution import arithmetic
from ganbench.speed.clock import synchronize_device

_SIZES = {"cpu": (1024, 2048), "cuda": (4096, 8192), "mps": (2048, 4096)}
"""The widths of the square matrices that are multiplied."""
REPETITIONS = 5


def measure_roofline(device: torch.device, precision: Precision) -> Roofline:
    """Return the best of some large matrix products and 1 x 1 convolutions.

    Both are measured because libraries differ: on some processors torch's convolutions are twice
    as fast as its matrix products. The best of several repetitions counts, not the median: a
    ceiling is what nothing exceeds.
    """
    gflops = {}
    with torch.no_grad(), arithmetic(precision):
        for size in _SIZES.get(device.type, _SIZES["cpu"]):
            for name, product in _products(device, precision, size).items():
                gflops[f"{name} {size}"] = 2e-9 * size**3 / _fastest(product, device)
    best = max(gflops, key=lambda name: gflops[name])
    return Roofline(device.type, precision, torch.get_num_threads(), gflops[best], best)


def _products(
    device: torch.device, precision: Precision, size: int
) -> dict[str, Callable[[], Tensor]]:
    """Return two ways to multiply the same (size, size) matrices, by name."""
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    left, right = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    side = 32  # size = side * side * the images of a batch
    images = left.t().reshape(size, size // side**2, side, side).transpose(0, 1)
    images = images.contiguous(memory_format=torch.channels_last)
    kernels = right.reshape(size, size, 1, 1)
    return {
        "matrix product": lambda: left @ right,
        "convolution": lambda: torch.nn.functional.conv2d(images, kernels),
    }


def _fastest(product: Callable[[], Tensor], device: torch.device) -> float:
    """Return the seconds of the fastest of ``REPETITIONS``."""
    product()
    seconds = []
    for _ in range(REPETITIONS):
        synchronize_device(device)
        begun = time.perf_counter()
        product()
        synchronize_device(device)
        seconds.append(time.perf_counter() - begun)
    return min(seconds)
