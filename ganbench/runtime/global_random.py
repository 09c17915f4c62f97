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

import torch
from torch import Tensor

Position = tuple[Tensor, Tensor | None]
"""Where the global streams of the CPU and of another device are."""


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed the global streams of the CPU and of a device; restore them afterwards.

    Args:
        seed: The seed, from 0 to 2**64 - 1.
        device: The device on which networks compute.
    """
    with _restored(device):
        torch.default_generator.manual_seed(seed)
        if device.type != "cpu":
            _set_position(device, torch.Generator(device).manual_seed(seed).get_state())
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
        device = on_device.device
        torch.default_generator.set_state(on_cpu.get_state())
        if device.type != "cpu":
            _set_position(device, on_device.get_state())

        def catch_up() -> None:
            on_cpu.set_state(torch.default_generator.get_state())
            if device.type != "cpu":
                on_device.set_state(_position(device))

        try:
            yield catch_up
        finally:
            catch_up()


def position(device: torch.device) -> Position:
    """Return where the global streams of the CPU and of a device are."""
    on_cpu = torch.default_generator.get_state()
    return on_cpu, None if device.type == "cpu" else _position(device)


@contextmanager
def replayed(start: Position, device: torch.device) -> Iterator[None]:
    """Let the global streams of the CPU and of a device start again where they once were.

    Afterwards they go on as if nothing had been drawn meanwhile.

    Args:
        start: Where the streams of the same device were.
        device: The device on which networks compute.
    """
    with _restored(device):
        _move(start, device)
        yield


def position_seed(generator: torch.Generator) -> int:
    """Return a seed that depends on the position of a stream alone, and draws nothing from it."""
    position = generator.get_state().numpy().tobytes()
    return int.from_bytes(hashlib.sha256(position).digest()[:8], "little")


@contextmanager
def _restored(device: torch.device) -> Iterator[None]:
    """Restore the global streams of the CPU and of a device afterwards."""
    before = position(device)
    try:
        yield
    finally:
        _move(before, device)


def _move(where: Position, device: torch.device) -> None:
    """Move the global streams of the CPU and of a device."""
    on_cpu, on_device = where
    torch.default_generator.set_state(on_cpu)
    if on_device is not None:
        _set_position(device, on_device)


def _position(device: torch.device) -> Tensor:
    """Return the position of the global stream of a device other than the CPU."""
    position: Tensor = torch.get_device_module(device).get_rng_state(*_numbered(device))
    return position


def _set_position(device: torch.device, position: Tensor) -> None:
    """Move the global stream of a device other than the CPU."""
    torch.get_device_module(device).set_rng_state(position, *_numbered(device))


def _numbered(device: torch.device) -> tuple[torch.device, ...]:
    """Return the argument by which torch is told which GPU is meant; otherwise it is the current.

    Of ``mps`` there is only one, and its functions take no such argument.
    """
    return (device,) if device.type == "cuda" else ()
