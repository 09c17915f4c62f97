# SPDX-License-Identifier: MIT
"""How the discriminator's output is shown: as a probability where the loss makes it one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import softplus

from ganbench.gan import Loss

_REACH = 10.0


@dataclass(frozen=True)
class VerdictScale:
    """What outputs of a discriminator mean under a loss.

    ``probability`` says that the sigmoid of an output is the probability of real. ``undecided`` is
    the output at which the loss takes an example for as likely real as fake; None where it has no
    such output of its own, as with a critic, whose outputs mean nothing but their differences.
    """

    probability: bool
    undecided: float | None

    @staticmethod
    def of(loss: Loss) -> VerdictScale:
        """Return the scale of a loss, found from the costs of logits as real and as fake."""
        if loss.real_part is None or loss.fake_part is None:
            return VerdictScale(probability=False, undecided=None)
        logits = torch.linspace(-_REACH, _REACH, 2001, dtype=torch.float64)
        real, fake = loss.real_part(logits), loss.fake_part(logits)
        if torch.allclose(real, softplus(-logits)) and torch.allclose(fake, softplus(logits)):
            return VerdictScale(probability=True, undecided=0.0)
        cost = real + fake
        lowest = logits[cost <= cost.min() + 1e-9]
        inside = float(lowest.abs().max()) < _REACH
        return VerdictScale(probability=False, undecided=float(lowest.mean()) if inside else None)

    def level(self, reals: Tensor, fakes: Tensor) -> float:
        """Return the output or probability of the line between real and fake."""
        if self.probability:
            return 0.5
        if self.undecided is not None:
            return self.undecided
        return 0.5 * float(reals.mean() + fakes.mean())

    def shown(self, scores: Tensor) -> NDArray[np.float32]:
        """Return outputs (n,) as they are shown: probabilities, or as they are."""
        values = torch.sigmoid(scores) if self.probability else scores
        shown: NDArray[np.float32] = values.float().cpu().numpy()
        return shown

    def limits(self, shown: NDArray[np.float32]) -> list[float] | None:
        """Return the lowest and highest finite one of outputs (n,) as they are shown.

        Probabilities, from 0 to 1, need no such range: None.
        """
        if self.probability:
            return None
        finite = shown[np.isfinite(shown)]
        return [float(finite.min()), float(finite.max())] if finite.size else [0.0, 1.0]

    def heat(self, scores: Tensor) -> tuple[NDArray[np.uint8], list[float] | None]:
        """Return outputs (n,) as bytes, and the outputs that 0 and 255 stand for.

        Probabilities from 0 to 1 need no such range: None.
        """
        values = self.shown(scores)
        limits = self.limits(values)
        low, high = limits or (0.0, 1.0)
        shares = (values - low) / max(high - low, 1e-12)
        return np.round(255 * np.nan_to_num(shares).clip(0, 1)).astype(np.uint8), limits
