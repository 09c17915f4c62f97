# SPDX-License-Identifier: MIT
"""Diffusion-GAN: the discriminator sees images with an adaptive amount of noise.

Paper: Wang et al., Diffusion-GAN: Training GANs with Diffusion, 2022, arXiv:2206.02262

Real and generated images are diffused before they are judged: y = sqrt(a_t) x + sqrt(1 - a_t)
sigma e, with a_t the product of 1 - beta up to t, and beta rising from 1e-4 at t = 1 to 0.02 at the
present T, so that a short chain ends with as much noise in a step as a long one. Half of all
images keep t = 0; the others draw t from 1 to T, in proportion to t (``times=priority``) or
uniformly. The discriminator is told t. T adapts: after every four updates it moves up if
E sign D(y, t) of real images exceeds ``target``, down otherwise, from ``shortest`` to ``longest``
within ``adjust_kimg`` thousand images.

Departs from the paper: the networks are DCGAN's, those for points vanilla's; t enters the
discriminator by projection of an embedding of t / longest; each image draws its t afresh, not
from a list of 64 that is renewed every four updates.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ganbench import (
    GAN,
    MLP,
    ConvDiscriminator,
    ConvGenerator,
    DataSpec,
    Hooks,
    Recipe,
    Scored,
    Seen,
    State,
    TrickState,
    Turn,
    adam,
    losses,
    register,
)
from ganbench.nn.conditional import ProjectionDiscriminator

TimeDistribution = Literal["priority", "uniform"]
SIGMA = 0.05
EVERY = 4
FEATURES = 128


@dataclass(frozen=True)
class Diffusion(Hooks):
    """Diffuses what the discriminator sees; memory holds where T is between its bounds.

    It also holds the signs since T last moved, and the images seen until then.
    """

    times: TimeDistribution
    target: float
    shortest: int
    longest: int
    adjust_kimg: float

    def start(self, state: State) -> TrickState:
        """Begin with the shortest chain."""
        zero = torch.zeros((), device=state.device)
        seen = torch.tensor(state.images_seen, device=state.device)
        return {"position": zero, "signs": zero.clone(), "images_seen": seen}

    def steps(self, state: State) -> Tensor:
        """Return T, a scalar."""
        position = state.tensor_of(self, "position")
        return self.shortest + (position * (self.longest - self.shortest)).round()

    def kept(self, times: Tensor, steps: int) -> Tensor:
        """Return a_t, the share of an image's variance left at times (B,) of a chain of steps."""
        betas = torch.linspace(1e-4, 0.02, steps, device=times.device)
        products = torch.cat([betas.new_ones(1), (1 - betas).cumprod(0)])
        return products[times]

    def draw_times(self, count: int, turn: Turn) -> Tensor:
        """Draw times (B,) int64, zero for half of them; none is diffused in evaluation."""
        stream, device = turn.random(self), turn.state.device
        if not turn.state.discriminator.training:
            return torch.zeros(count, dtype=torch.int64, device=device)
        levels = torch.arange(1, self.longest + 1, device=device)
        weights = levels if self.times == "priority" else torch.ones_like(levels)
        within = weights * (levels <= self.steps(turn.state))
        drawn = 1 + torch.multinomial(within.float(), count, replacement=True, generator=stream)
        return drawn * (torch.rand(count, generator=stream, device=device) < 0.5)

    def see(self, seen: Seen, scored: Scored, turn: Turn) -> Seen:
        """Diffuse images, and tell how far."""
        images = seen.images
        times = self.draw_times(len(images), turn)
        noise = torch.randn(images.shape, generator=turn.random(self), device=images.device)
        kept = self.kept(times, int(self.steps(turn.state))).view(-1, *[1] * (images.ndim - 1))
        diffused = kept.sqrt() * images + (1 - kept).sqrt() * SIGMA * noise
        return seen.replace(images=diffused, condition=(times / self.longest)[:, None])

    def after_step(self, turn: Turn) -> None:
        """Move T by the signs of the real logits of the last updates."""
        state = turn.state
        if turn.role == "generator":
            return
        (sign,) = state.group.average([turn.real.logits.detach().sign().mean()])
        memory, signs = state.memory_of(self), state.tensor_of(self, "signs") + sign
        if state.updates["discriminator"] % EVERY == 0:
            seen = torch.tensor(state.images_seen, device=state.device)
            move = (seen - state.tensor_of(self, "images_seen")) / (1000 * self.adjust_kimg)
            direction = (signs / EVERY - self.target).sign()
            position = state.tensor_of(self, "position") + move * direction
            memory["position"], memory["images_seen"] = position.clamp(0, 1), seen
            signs = torch.zeros_like(signs)
        memory["signs"] = signs
        state.statistics.add("variant/steps", self.steps(state))


@register
def diffusion_gan(
    data: DataSpec,
    *,
    times: TimeDistribution = "priority",
    target: float = 0.6,
    shortest: int = 5,
    longest: int = 1000,
    adjust_kimg: float = 100.0,
) -> GAN:
    """Diffusion-GAN: adaptive noise before the discriminator."""
    diffusion = Diffusion(times, target, shortest, longest, adjust_kimg)

    def embedding() -> MLP:
        return MLP((1,), [FEATURES], (FEATURES,))

    if data.is_image:
        return GAN(
            generator=lambda latent_dim: ConvGenerator(latent_dim, data.shape),
            discriminator=lambda shape: ProjectionDiscriminator(
                ConvDiscriminator(shape, outputs=FEATURES), FEATURES, embedding()
            ),
            loss=losses.non_saturating,
            hooks=diffusion,
            recipe=Recipe(
                kimg=320 if data.resolution <= 32 else 2000,
                batch_size=64,
                latent_dim=100,
                generator_optimizer=adam(2e-4, (0.5, 0.999)),
                discriminator_optimizer=adam(2e-4, (0.5, 0.999)),
            ),
        )
    return GAN(
        generator=lambda latent_dim: MLP((latent_dim,), [128, 128, 128], data.shape),
        discriminator=lambda shape: ProjectionDiscriminator(
            MLP(shape, [128, 128], (FEATURES,)), FEATURES, embedding()
        ),
        loss=losses.non_saturating,
        hooks=diffusion,
        recipe=Recipe(
            kimg=2000,
            batch_size=128,
            latent_dim=2,
            generator_optimizer=adam(5e-4, (0.5, 0.999)),
            discriminator_optimizer=adam(5e-4, (0.5, 0.999)),
            schedule="linear",
        ),
    )
