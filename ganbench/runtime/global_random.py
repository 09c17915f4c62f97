# SPDX-License-Identifier: MIT
"""torch's global random streams, from which layers such as dropout draw, lent for a while.

Layers draw from torch's global stream of their device, which nobody seeds or saves. Whoever calls
networks lends the global streams other positions, and puts them back: the user's own random
numbers are as they would be without ganbench.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType

import torch


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed the global streams of the CPU and of a device; restore them afterwards.

    Args:
        seed: The seed, from 0 to 2**64 - 1.
        device: The device on which networks compute.
    """
    with _restored(device):
        torch.default_generator.manual_seed(seed)
        if module := _module_of(device):
            module.manual_seed(seed)
        yield


@contextmanager
def continued(on_cpu: torch.Generator, on_device: torch.Generator) -> Iterator[Callable[[], None]]:
    """Let the global streams continue two other streams, which advance by what is drawn.

    Yields a function that moves the two streams to where the global ones are now; they are moved
    at the end in any case.

    Args:
        on_cpu: The stream that the CPU's global stream continues.
        on_device: The stream that the global stream of its device continues; the same one if the
            networks compute on the CPU.
    """
    with _restored(on_device.device):
        module = _module_of(on_device.device)
        torch.default_generator.set_state(on_cpu.get_state())
        if module:
            module.set_rng_state(on_device.get_state())

        def catch_up() -> None:
            on_cpu.set_state(torch.default_generator.get_state())
            if module:
                on_device.set_state(module.get_rng_state())

        try:
            yield catch_up
        finally:
            catch_up()


def position_seed(generator: torch.Generator) -> int:
    """Return a seed that depends on the position of a stream alone, and draws nothing from it."""
    position = generator.get_state().numpy().tobytes()
    return int.from_bytes(hashlib.sha256(position).digest()[:8], "little")


@contextmanager
def _restored(device: torch.device) -> Iterator[None]:
    """Restore the global streams of the CPU and of a device afterwards."""
    module = _module_of(device)
    on_cpu = torch.default_generator.get_state()
    on_device = module.get_rng_state() if module else None
    try:
        yield
    finally:
        torch.default_generator.set_state(on_cpu)
        if module:
            module.set_rng_state(on_device)


def _module_of(device: torch.device) -> ModuleType | None:
    """Return torch's module for a device that has a global stream of its own; None for the CPU."""
    return None if device.type == "cpu" else torch.get_device_module(device)
