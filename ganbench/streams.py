# SPDX-License-Identifier: MIT
"""Independent random streams by purpose, all from one seed, none of them global."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ganbench.runtime.process_group import ALONE, ProcessGroup


class Streams:
    """Independent random streams by purpose, all from one seed, none of them global.

    Adding a trick that draws numbers does not change the data order, the latents or the initial
    weights, so two runs with the same seed differ by the trick alone. Several processes draw the
    same numbers from a stream, each for itself; those of tricks (``trick/name``) differ from one
    process to the other.
    """

    def __init__(self, seed: int, device: torch.device, group: ProcessGroup = ALONE) -> None:
        self.seed = seed
        self.device = device
        self.group = group
        self._generators: dict[str, torch.Generator] = {}

    def __getitem__(self, purpose: str) -> torch.Generator:
        if purpose not in self._generators:
            generator = torch.Generator(self.device)
            generator.manual_seed(stream_seed(self.seed, _owned(purpose, self.group.rank)))
            self._generators[purpose] = generator
        return self._generators[purpose]

    def state_dict(self) -> dict[str, Tensor]:
        """Return the position of every stream that was used, in whichever process."""
        return {
            _owned(purpose, rank): position
            for purpose, one in self._generators.items()
            for rank, position in enumerate(self.group.gather(one.get_state()))
        }

    def load_state_dict(self, positions: dict[str, Tensor]) -> None:
        """Put every stream where it was; those of a process that was not there begin anew."""
        for purpose in [name for name in positions if not name.startswith("process")]:
            stream = self[purpose]  # in every process, as they must have the same streams
            if (mine := _owned(purpose, self.group.rank)) in positions:
                stream.set_state(positions[mine])


def _owned(purpose: str, rank: int) -> str:
    """Return the name of a stream as a process has it; the first's is that of one by itself."""
    return f"process{rank}/{purpose}" if rank and purpose.startswith("trick/") else purpose


def stream_seed(seed: int, purpose: str) -> int:
    """Return the seed of one purpose's stream: equal for equal arguments, else unrelated."""
    words = [seed & 0xFFFFFFFF, seed >> 32, *purpose.encode()]
    return int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0] >> np.uint64(1))
