# SPDX-License-Identifier: MIT
"""Independent random streams by purpose, all from one seed, none of them global."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from ganbench.errors import DeviceError
from ganbench.runtime.global_random import continued, seeded
from ganbench.runtime.process_group import ALONE, ProcessGroup


class Streams:
    """Random streams by purpose, all from one seed and independent of each other.

    Adding a trick that draws numbers changes neither the order of the data, nor the latents, nor
    the initial weights, so two runs with the same seed differ by the trick alone. With several
    processes, each draws the same numbers from a stream, except from the streams of tricks
    (``trick/name``) and of networks, which differ from process to process.

    Args:
        seed: The seed of the run.
        device: Where the numbers are drawn.
        group: The processes that train together.
    """

    def __init__(self, seed: int, device: torch.device, group: ProcessGroup = ALONE) -> None:
        self.seed = seed
        self._root = seed
        self.device = device
        self.group = group
        self._generators: dict[str, torch.Generator] = {}
        self._catch_up: Callable[[], None] = _stand_still

    def __getitem__(self, purpose: str) -> torch.Generator:
        if purpose not in self._generators:
            device = torch.device("cpu") if purpose.endswith("/cpu") else self.device
            generator = torch.Generator(device)
            generator.manual_seed(stream_seed(self._root, _stream_name(purpose, self.group.rank)))
            self._generators[purpose] = generator
        return self._generators[purpose]

    @contextmanager
    def networks(self) -> Iterator[None]:
        """Let networks that draw random numbers themselves continue the stream ``networks``.

        Layers such as dropout draw from torch's global stream, which is put back afterwards.
        """
        on_device = self["networks"]
        on_cpu = on_device if self.device.type == "cpu" else self["networks/cpu"]
        try:
            with continued(on_cpu, on_device) as self._catch_up:
                yield
        finally:
            self._catch_up = _stand_still

    @contextmanager
    def set_aside(self) -> Iterator[None]:
        """Let evaluation draw from streams of its own; training goes on where it was."""
        kept = self._generators, self._root, self._catch_up
        self._generators, self._root = {}, stream_seed(self.seed, "eval")
        self._catch_up = _stand_still
        try:
            with seeded(stream_seed(self._root, "networks"), self.device):
                yield
        finally:
            self._generators, self._root, self._catch_up = kept

    def state_dict(self) -> dict[str, Tensor]:
        """Return the position of every stream that any process has used, also while one is lent."""
        self._catch_up()
        return {
            _stream_name(purpose, rank): position
            for purpose, generator in self._generators.items()
            for rank, position in enumerate(self.group.gather(generator.get_state()))
        }

    def load_state_dict(self, positions: dict[str, Tensor]) -> None:
        """Restore the position of every stream.

        The streams of a process that did not exist when the positions were saved start afresh.

        Raises:
            DeviceError: The positions are those of streams on another kind of device.
        """
        for purpose in [name for name in positions if not name.startswith("process")]:
            generator = self[purpose]  # in every process, because all must have the same streams
            if (name := _stream_name(purpose, self.group.rank)) not in positions:
                continue
            if positions[name].shape != generator.get_state().shape:
                raise DeviceError(
                    f"This run was begun on another kind of device than {self.device.type}, whose "
                    "random numbers are others.",
                    "It goes on there, with --device; sample and eval work on every device.",
                )
            generator.set_state(positions[name])


def _stand_still() -> None:
    """Move no stream, because none is lent."""


def _stream_name(purpose: str, rank: int) -> str:
    """Return a process's name for a stream; the first process's is that of a lone process."""
    apart = purpose.startswith(("trick/", "networks"))
    return f"process{rank}/{purpose}" if rank and apart else purpose


def stream_seed(seed: int, purpose: str) -> int:
    """Return the seed of one stream: equal for equal arguments, otherwise unrelated.

    Args:
        seed: The seed of the run, from 0 to 2**63 - 1.
        purpose: The name of the stream: ``init/generator``, ``noise``.
    """
    words = [seed & 0xFFFFFFFF, seed >> 32, *purpose.encode()]
    return int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0] >> np.uint64(1))
