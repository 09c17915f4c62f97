# SPDX-License-Identifier: MIT
"""Denoising diffusion GAN: a generator that undoes a diffusion in a few large steps.

Paper: Xiao et al., Tackling the Generative Learning Trilemma with Denoising Diffusion GANs, 2022, arXiv:2112.07804

Real examples x_0 are diffused in ``steps`` steps. The generator guesses x_0 from x_t, t and a
latent; the guess and x_t give x_{t-1}, drawn from the Gaussian q(x_{t-1} | x_t, x_0). The
discriminator tells such an x_{t-1} from one that a real x_0 gives, and sees x_t and t as well. As
steps are large, x_{t-1} given x_t has many modes, which a latent selects. Samples begin with noise,
and take all steps.

Departs from the paper: a small U-Net with at most four times ``width`` channels, without attention;
t enters by a table, and the discriminator by projection; R1 is that in x_0, through which x_{t-1}
is drawn, and so weighs little at late steps, which keep little of x_0; no minibatch deviation; the
average of weights has a half-life of 10 kimg. Points get perceptrons.
"""

from dataclasses import dataclass
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from ganbench import (
    GAN,
    Batch,
    DataSpec,
    Hooks,
    Scored,
    Seen,
    Turn,
    adam,
    build_backbone,
    losses,
    register,
)
from ganbench.nn.denoising import (
    DenoisingDiscriminator,
    DenoisingGenerator,
    DenoisingMLP,
    DenoisingUNet,
    Diffusion,
    Noisy,
)
from ganbench.tricks.ema import EMA
from ganbench.tricks.r1 import R1


@dataclass(frozen=True)
class Denoising(Hooks):
    """Gives the generator noisy reals, and shows the discriminator what is a step before them."""

    diffusion: Diffusion

    def condition(self, condition: Any, turn: Turn) -> Noisy:
        """Return x_t and t for each real example of the batch."""
        return self.noisy(turn.batch, turn)

    def noisy(self, batch: Batch, turn: Turn) -> Noisy:
        """Draw times and diffuse examples; in evaluation all are diffused by a single step."""
        examples, stream = batch.images.detach(), turn.random(self)
        size, device, last = (len(batch),), turn.state.device, self.diffusion.steps
        if not turn.state.discriminator.training:
            last = 1
        times = torch.randint(1, last + 1, size, generator=stream, device=device)
        return self.diffusion.noised(examples, times, self.noise(examples, turn)), times

    def noise(self, examples: Tensor, turn: Turn) -> Tensor:
        """Draw noise from N(0, 1) for each value of examples (B, *shape)."""
        return torch.randn(examples.shape, generator=turn.random(self), device=examples.device)

    def see(self, seen: Seen, scored: Scored, turn: Turn) -> Seen:
        """Show x_{t-1}, which follows from x_t and from a real example or a guess."""
        noisy = seen.condition or scored.made
        if noisy is None:  # real examples share x_t and t with the fakes of their turn
            shared = scored.batch is turn.batch
            noisy = turn.condition if shared else self.noisy(scored.batch, turn)
        images = self.diffusion.before(seen.images, noisy, self.noise(seen.images, turn))
        return seen.replace(images=images, condition=noisy)


@register
def ddgan(
    data: DataSpec,
    *,
    backbone: str = "auto",
    steps: Annotated[int, Field(ge=1)] = 4,
    width: int = 0,
) -> GAN:
    """Denoising diffusion GAN: samples in a few large denoising steps."""
    networks = build_backbone(backbone, data, batch_norm=False)
    diffusion = Diffusion(steps)

    def denoiser(latent_dim: int) -> nn.Module:
        if data.is_image:
            return DenoisingUNet(latent_dim, data.shape, steps=steps, width=width or 16)
        return DenoisingMLP(latent_dim, data.shape, steps=steps, width=width or 128)

    def discriminator(shape: tuple[int, ...]) -> nn.Module:
        pair = (2 * shape[0], *shape[1:])
        return DenoisingDiscriminator(networks.projection(steps)(pair))

    images = data.is_image
    return GAN(
        generator=lambda latent_dim: DenoisingGenerator(
            denoiser(latent_dim), data.shape, diffusion
        ),
        discriminator=discriminator,
        loss=losses.non_saturating,
        hooks=Denoising(diffusion),
        tricks=[R1(weight=0.02 / 15, every=15), EMA()],
        recipe=networks.recipe.replace(
            generator_optimizer=adam(1.6e-4, (0.5, 0.9)) if images else None,
            discriminator_optimizer=adam(1.25e-4, (0.5, 0.9)) if images else None,
            schedule="cosine",
        ),
    )
