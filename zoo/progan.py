# SPDX-License-Identifier: MIT
"""ProGAN: both networks grow while they train, from a few large pixels to the whole image.

Paper: Karras et al., Progressive Growing of GANs for Improved Quality, Stability, and Variation, 2018, arXiv:1710.10196

Training begins at the smallest size of the images. The layers of each further size are faded in
linearly, and then train for as long again; real images are interpolated between sizes likewise.
All take equally long, and together the share ``growing`` of training. Weights are N(0, 1) and are
scaled when used; the generator scales each pixel of its maps to unit length; the discriminator sees
the deviation within groups of four. Wasserstein loss with a gradient penalty, and ``drift`` times
the mean square of real logits. Images keep their size while networks grow, and slopes are those in
such images, as in the authors' code.

Departs from the paper: the networks are small, with at most 256 channels; training takes less than
one of the paper's phases, of 800,000 images each; batches of 32 throughout; a tanh at the end of
the generator; Adam keeps its state when a size is added, where the authors' code resets it.
"""

from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from ganbench import (
    GAN,
    Batch,
    ConfigError,
    DataSpec,
    Hooks,
    Recipe,
    State,
    Terms,
    Turn,
    adam,
    losses,
    register,
)
from ganbench.backbone import images_only
from ganbench.nn.progressive import (
    ProgressiveDiscriminator,
    ProgressiveGenerator,
    at_level,
    highest_level,
)
from ganbench.tricks.ema import EMA
from ganbench.tricks.gradient_penalty import GradientPenalty

GROUP = 4
"""The number of examples whose deviation the discriminator sees."""


@dataclass(frozen=True)
class Growing(Hooks):
    """Lets both networks grow, shows reals at their level, and keeps real logits near zero."""

    highest: int
    growing: float
    drift: float

    def check_parts(self, part: int, processes: int) -> None:
        """Refuse parts of a batch that do not divide into groups."""
        if part % GROUP:
            raise ConfigError(
                f"progan needs a multiple of {GROUP} examples in each process, and each of "
                f"{processes} processes has {part} of a batch.",
                f"For example: --batch-size {-(-part // GROUP) * GROUP * processes}",
            )

    def level(self, state: State) -> float:
        """Return how far the networks have grown: each size is faded in, then trained."""
        if not self.growing:
            return float(self.highest)
        progress = state.images_seen / (1000 * state.recipe.kimg)
        phases = 2 * self.highest * min(1.0, progress / self.growing)
        return phases // 2 + max(0.0, phases % 2 - 1)

    def reals(self, batch: Batch, turn: Turn) -> Batch:
        """Take the detail away that the networks do not show yet."""
        level = float(level_of(turn.state.discriminator))
        return replace(batch, images=at_level(batch.images, level))

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Return the mean square of real logits, weighted."""
        return {"drift": self.drift * turn.real.logits.square().mean()}

    def after_step(self, turn: Turn) -> None:
        """Let both networks grow once an iteration has ended."""
        if turn.role == "generator":
            for network in (turn.state.generator, turn.state.discriminator):
                level_of(network).fill_(self.level(turn.state))
            turn.state.statistics.add("variant/level", level_of(turn.state.generator))


def level_of(network: nn.Module) -> Tensor:
    """Return the buffer with the level of a network, which a trick may have wrapped."""
    buffers = network.named_buffers()
    return next(buffer for name, buffer in buffers if name.split(".")[-1] == "level")


@register
def progan(
    data: DataSpec,
    *,
    width: int = 16,
    growing: Annotated[float, Field(ge=0, le=1)] = 0.5,
    drift: Annotated[float, Field(ge=0)] = 1e-3,
) -> GAN:
    """ProGAN: networks that grow from a few large pixels to the whole image."""
    images_only("progan", data)
    highest = highest_level(data.shape)
    level = 0 if growing else highest
    optimizer = adam(1e-3, (0.0, 0.99))
    return GAN(
        generator=lambda latent_dim: ProgressiveGenerator(
            latent_dim, data.shape, width=width, level=level
        ),
        discriminator=lambda shape: ProgressiveDiscriminator(
            shape, width=width, level=level, group=GROUP
        ),
        loss=losses.wasserstein,
        hooks=Growing(highest, growing, drift),
        tricks=[GradientPenalty(weight=10.0), EMA()],
        recipe=Recipe.preset(data).replace(
            batch_size=32,
            latent_dim=128,
            generator_optimizer=optimizer,
            discriminator_optimizer=optimizer,
        ),
    )
