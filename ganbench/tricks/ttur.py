# SPDX-License-Identifier: MIT
"""TTUR: the two players learn at rates of their own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from pydantic import Field
from torch.optim import Optimizer

from ganbench.gan import Role
from ganbench.moving import parse_rate, recorded
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Trick


@register("ttur")
@dataclass(frozen=True)
class TTUR(Trick):
    """Multiplies the discriminator's learning rate, and leaves the generator's as it is.

    Paper: Heusel et al., 2017, arXiv:1706.08500

    Two time-scale update rule: the discriminator's rate is the recipe's times ``factor``, which is
    4 in SAGAN (arXiv:1805.08318): 4e-4 to 1e-4. The paper chooses both rates for each dataset.
    Schedules, and rates that move by themselves, are multiplied as a whole.
    """

    factor: Annotated[float, Field(gt=0)] = 4.0

    neutral: ClassVar = {"factor": 1.0}

    def optimizer(self, optimizer: Optimizer, role: Role, state: State) -> Optimizer:
        """Multiply the rate of what moves the discriminator."""
        if role == "discriminator":
            for group in optimizer.param_groups:
                group["lr"] *= self.factor
                initial = group["initial_lr"]
                if isinstance(initial, str):  # a rate that moves, as a checkpoint can hold it
                    rate = parse_rate(initial)
                    start, end = rate.start * self.factor, rate.end * self.factor
                    group["initial_lr"] = recorded(replace(rate, start=start, end=end))
                else:
                    group["initial_lr"] = initial * self.factor
        return optimizer
