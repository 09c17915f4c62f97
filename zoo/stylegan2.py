# SPDX-License-Identifier: MIT
"""StyleGAN2: styles modulate the weights of each layer, and steps in style have even lengths.

Paper: Karras et al., Analyzing and Improving the Image Quality of StyleGAN, 2020, arXiv:1912.04958

A mapping network turns latents into styles; each convolution is modulated by a style and
demodulated; noise of a learned strength is added in each layer; images are sums over resolutions.
Path length regularization keeps |J^T y| near its running mean a, for the Jacobian J of the image
in the styles and a random image y: weight * E (|J^T y| - a)^2, where a already counts the lengths
of this update. It and R1 are lazy: they are due in every n-th update, and n times as strong. Adam's
rates and betas are adapted to that. The model cannot know whether R1 is removed, or due more or
less often than in every 16th update: then set those of the discriminator as well.

Departs from the paper: small networks (32 to 256 channels, styles of 128 values, four mapping
layers) for 28 to 128 pixels; bilinear doubling and 2 x 2 means in place of wider filters; the
discriminator activates its maps at their full size and then takes the means, where the paper's
filters and halves them and then activates; a tanh at the end; biases in the convolutions of skip
connections; the path length is that of the generator's own pass, with all its examples and its mixed
styles, not of a second one. The latents that are mixed in are normal, whatever the prior. R1 is 0.1
on small images and 1 on others, where the paper has 10 at 1024 pixels.
"""

from dataclasses import dataclass

import torch

from ganbench import (
    GAN,
    ConfigError,
    DataSpec,
    Hooks,
    OptimizerSpec,
    Recipe,
    State,
    Terms,
    TrickState,
    Turn,
    adam,
    losses,
    register,
)
from ganbench.backbone import images_only
from ganbench.nn.style_networks import StyleDiscriminator, StyleGenerator
from ganbench.tricks.ema import EMA
from ganbench.tricks.path_length import path_lengths, unevenness_of
from ganbench.tricks.r1 import R1

R1_EVERY = 16
PATH_EVERY = 4
GROUP = 4
"""The number of examples whose deviation the discriminator sees."""


@dataclass(frozen=True)
class EvenPaths(Hooks):
    """Adds ``weight * E (|J^T y| - a)^2``; the mean length ``a`` moves by ``mean_step``."""

    weight: float
    every: int = PATH_EVERY
    mean_step: float = 0.01
    """The share of the way from the mean to the lengths of an update."""

    def check_parts(self, part: int, processes: int) -> None:
        """Refuse parts of a batch that do not divide into groups."""
        if part % GROUP:
            raise ConfigError(
                f"stylegan2 needs a multiple of {GROUP} examples in each process, and each of "
                f"{processes} processes has {part} of a batch.",
                f"For example: --batch-size {-(-part // GROUP) * GROUP * processes}",
            )

    def start(self, state: State) -> TrickState:
        """Begin with a mean length of zero."""
        return {"mean": torch.zeros((), device=state.device)}

    def generator_terms(self, turn: Turn) -> Terms:
        """Return the penalty in updates in which it is due."""
        if not self.weight or turn.state.updates["generator"] % self.every:
            return {}
        # The lengths are those of the pass that was made anyway.
        lengths = path_lengths(turn.fake.images, turn.fake.made, turn.random(self))
        unevenness = unevenness_of(lengths, self, turn, mean_step=self.mean_step)
        return {"path": self.weight * self.every * unevenness}

    def after_step(self, turn: Turn) -> None:
        """Keep the mean length that the update was made with."""
        turn.state.memory_of(self).update(turn.notes_of(self))


def lazy_adam(every: int | None) -> OptimizerSpec:
    """Describe the Adam that a penalty in every n-th update asks for (appendix B), or plain Adam.

    Args:
        every: How often the penalty is due; None where there is none.
    """
    share = every / (every + 1) if every else 1.0
    return adam(0.002 * share, (0.0, 0.99**share))


@register
def stylegan2(data: DataSpec, *, path_weight: float = 2.0) -> GAN:
    """StyleGAN2, small: modulated convolutions and even path lengths."""
    images_only("stylegan2", data)
    return GAN(
        generator=lambda latent_dim: StyleGenerator(latent_dim, data.shape),
        discriminator=lambda shape: StyleDiscriminator(shape, group=GROUP),
        loss=losses.non_saturating,
        hooks=EvenPaths(path_weight),
        tricks=[R1(weight=0.1 if data.resolution <= 32 else 1.0, every=R1_EVERY), EMA()],
        recipe=Recipe(
            kimg=320 if data.resolution <= 32 else 2000,
            batch_size=32,
            latent_dim=128,
            generator_optimizer=lazy_adam(PATH_EVERY if path_weight else None),
            discriminator_optimizer=lazy_adam(R1_EVERY),
        ),
    )
