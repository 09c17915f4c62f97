# SPDX-License-Identifier: MIT
"""The device of a run, and facts that torch knows about it."""

from __future__ import annotations

from typing import Any

import torch

from ganbench.errors import ConfigError, DeviceError
from ganbench.runtime.process_group import ALONE, ProcessGroup


def choose_device(name: str, group: ProcessGroup = ALONE) -> torch.device:
    """Return the device called ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.

    Of several processes each takes the GPU of its own number, or all take the CPU.

    Raises:
        ConfigError: there is no such name.
        DeviceError: this machine has no such device.
    """
    if group.size > 1:
        return _device_of_process(name, group)
    if name == "auto":
        return _best_device()
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise _unknown_device(name) from error
    if device.type not in {"cpu", "cuda", "mps"}:
        raise _unknown_device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(
            f"This machine has no device '{name}'; torch sees {torch.cuda.device_count()} GPUs.",
            "Use --device cpu, or see ganbench doctor.",
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("This machine has no device 'mps'.", "Use --device cpu.")
    return device


def _best_device() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def _unknown_device(name: str) -> ConfigError:
    return ConfigError(f"Unknown device '{name}'; auto, cpu, cuda or mps was expected.")


def _device_of_process(name: str, group: ProcessGroup) -> torch.device:
    """Return the device of one of several processes."""
    if name not in {"auto", "cpu", "cuda"}:
        raise ConfigError(
            f"{group.size} processes train on auto, cpu or cuda, not '{name}'.",
            "With --device cuda each takes a GPU of its own.",
        )
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    gpus = torch.cuda.device_count()
    if group.local_rank >= gpus:
        raise DeviceError(
            f"Each process takes a GPU of its own, and torch sees {gpus} GPUs.",
            f"Use torchrun --nproc-per-node {gpus}." if gpus else "Use --device cpu.",
        )
    device = torch.device("cuda", group.local_rank)
    torch.cuda.set_device(device)  # for NCCL, and for code that names no number
    return device


def device_facts(device: torch.device) -> dict[str, Any]:
    """Return facts about torch and a device, for the record of a run."""
    facts: dict[str, Any] = {
        "threads": torch.get_num_threads(),
        "matmul_precision": torch.get_float32_matmul_precision(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
    }
    if device.type == "cuda":
        facts |= {
            "gpu": torch.cuda.get_device_name(device),
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
            "cudnn_tf32": torch.backends.cudnn.allow_tf32,
            "matmul_tf32": torch.backends.cuda.matmul.allow_tf32,
        }
    return facts
