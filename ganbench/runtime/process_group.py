# SPDX-License-Identifier: MIT
"""The processes that train one model together; usually there is only one.

The training state and the networks know several processes as a ``ProcessGroup``. The class here
is for one process: every method returns its argument. ``ganbench.training.distributed`` joins
the processes that torchrun has started.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class ProcessGroup:
    """The processes that share each batch, as the process ``rank`` of ``size`` sees them.

    All processes call the methods in the same order, with tensors of the same shapes.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    """The number of the process on its own machine, and of its GPU."""

    @property
    def first(self) -> bool:
        """Whether this process writes, measures and prints for all."""
        return self.rank == 0

    def shard(self, whole: Tensor) -> Tensor:
        """Return this process's rows (B / size, ...) of a whole batch (B, ...)."""
        return whole

    def reduce(self, parameters: Sequence[nn.Parameter]) -> None:
        """Replace each gradient by its mean over the processes."""

    def average(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Return the means of tensors over the processes, differentiable any number of times."""
        return list(tensors)

    def gather(self, values: Tensor) -> Tensor:
        """Return the values of every process (size, *shape), differentiable any number of times."""
        return values[None]

    def broadcast(self, tensors: Sequence[Tensor]) -> None:
        """Replace the contents of tensors by those of the first process."""

    def broadcast_text(self, text: str) -> str:
        """Return the first process's text."""
        return text

    def any_true(self, flag: bool) -> bool:
        """Return whether the flag of any process is true; all processes wait for the answer."""
        return flag

    def wait(self) -> None:
        """Wait until all processes are here."""
        self.any_true(False)


ALONE = ProcessGroup()
"""One process that trains by itself."""


def launched(environment: Mapping[str, str] | None = None) -> ProcessGroup:
    """Return this process's place among those that torchrun started; nothing is joined yet.

    Args:
        environment: variables in which torchrun says so; those of this process by default.

    >>> master = {"MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}
    >>> launched({"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", **master})
    ProcessGroup(rank=1, size=2, local_rank=1)
    >>> launched({"WORLD_SIZE": "2"}) == ALONE  # some schedulers set no more than that
    True
    """
    variables = os.environ if environment is None else environment
    numbers = [variables.get(name, "") for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK")]
    has_master = {"MASTER_ADDR", "MASTER_PORT"} <= variables.keys()
    if not has_master or not all(number.isdecimal() for number in numbers):
        return ALONE
    return ProcessGroup(*map(int, numbers))
