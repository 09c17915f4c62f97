# SPDX-License-Identifier: MIT
"""Write a stabilization trick of your own, and find out whether it helps.

A trick is a frozen dataclass of its parameters, with some of the hooks of ganbench.Trick. This one
pulls the logits of real and generated examples towards zero, so that no player runs away.
"""

from dataclasses import dataclass

import ganbench
from ganbench import Terms, Trick, Turn, register


@register("small-logits")
@dataclass(frozen=True)
class SmallLogits(Trick):
    """Keeps the logits of the discriminator small.

    Paper: Karras et al., 2018, arXiv:1710.10196
    """

    weight: float = 1e-2

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Return the mean square of the logits, weighted."""
        logits = turn.real.logits, turn.fake.logits
        return {"size": self.weight * sum(values.square().mean() for values in logits)}


if __name__ == "__main__":
    comparison = ganbench.compare(
        "vanilla",
        tricks=["none", SmallLogits(), SmallLogits(weight=1.0)],
        data="ring8",
        seeds=range(5),
        settings={"kimg": 50},
    )
    for verdict in comparison.verdicts:
        print(verdict)
