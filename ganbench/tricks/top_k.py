# SPDX-License-Identifier: MIT
"""Top-k training: the generator learns from those of its examples that convince most."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor

from ganbench.errors import ConfigError
from ganbench.gan import Loss
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Trick


@register("top-k")
@dataclass(frozen=True)
class TopK(Trick):
    """Leaves the worst fakes of a batch out of the generator's loss, more of them over training.

    Paper: Sinha et al., 2020, arXiv:2002.06224

    The loss is computed from the k fakes with the highest logits. k/B decays exponentially from 1
    to ``share``, which it reaches once the fraction ``until`` of training is done. The paper
    multiplies it by 0.99 each epoch, down to 0.5 or 0.75. At least one fake is kept. Where a fake
    has several logits, their mean counts. A loss that compares each fake with a real example gets
    the k fakes with theirs; a loss with separate costs of real and fake logits gets all real ones.
    """

    share: Annotated[float, Field(gt=0, le=1)] = 0.5
    until: Annotated[float, Field(gt=0)] = 0.5

    neutral: ClassVar = {"share": 1.0}
    needs_ordered_logits: ClassVar = True

    def check_parts(self, part: int, processes: int) -> None:
        """Refuse several processes: the best of a part are not the best of the batch.

        Raises:
            ConfigError: Several processes share a batch.
        """
        if self.share < 1:
            raise ConfigError(
                f"top-k ranks the fakes of a whole batch, which {processes} processes share.",
                "Remove the trick, or start the run without torchrun.",
            )

    def wrap_loss(self, loss: Loss, state: State) -> Loss:
        """Return the loss whose generator's part gets the logits of the best fakes only."""
        compares = loss.paired and loss.real_part is None

        def generator(real: Tensor, fake: Tensor) -> Tensor:
            kept = round(self.share_now(state) * len(fake)) or 1
            if kept == len(fake):
                return loss.generator(real, fake)
            best = fake.detach().flatten(1).mean(1) if fake.ndim > 1 else fake.detach()  # (B,)
            indices = best.topk(kept).indices
            return loss.generator(real[indices] if compares else real, fake[indices])

        return replace(loss, generator=generator)

    def share_now(self, state: State) -> float:
        """Return the part of the fakes that the generator learns from now, from 1 to ``share``."""
        progress = state.images_seen / (1000 * state.recipe.kimg)
        return float(self.share ** min(1.0, progress / self.until))
