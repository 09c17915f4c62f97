# SPDX-License-Identifier: MIT
"""Which device a run takes, and what torch says of it."""

from __future__ import annotations

from typing import Any

import torch

from ganbench.errors import ConfigError


def choose_device(name: str) -> torch.device:
    """Return the device called ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.

    Raises:
        ConfigError: the name is none, or this machine has no such device.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(
            f"Unknown device '{name}'; auto, cpu, cuda or mps was expected."
        ) from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(
            f"This machine has no device '{name}'; torch sees {torch.cuda.device_count()} GPUs.",
            "Use --device cpu, or see ganbench doctor.",
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("This machine has no device 'mps'.", "Use --device cpu.")
    if device.type not in {"cpu", "cuda", "mps"}:
        raise ConfigError(f"Unknown device '{name}'; auto, cpu, cuda or mps was expected.")
    return device


def facts(device: torch.device) -> dict[str, Any]:
    """Return what torch says of itself and of a device, for the record of a run."""
    described: dict[str, Any] = {
        "threads": torch.get_num_threads(),
        "matmul_precision": torch.get_float32_matmul_precision(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
    }
    if device.type == "cuda":
        described |= {
            "gpu": torch.cuda.get_device_name(device),
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
            "cudnn_tf32": torch.backends.cudnn.allow_tf32,
            "matmul_tf32": torch.backends.cuda.matmul.allow_tf32,
        }
    return described
