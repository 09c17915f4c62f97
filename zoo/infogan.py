# SPDX-License-Identifier: MIT
"""InfoGAN: codes that the discriminator can read back from an image come to mean something.

Paper: Chen et al., InfoGAN: Interpretable Representation Learning by Information Maximizing GANs, 2016, arXiv:1606.03657

The latent is noise, a one-hot code, and codes in [-1, 1]. A head Q on the discriminator's layers
guesses the codes c from an image. The bound L = E log Q(c | G(z, c)) + H(c) on the mutual
information is maximized: min over G and Q, max over D, of V(D, G) - info * L. Q shares all layers
with D but its last. Both objectives therefore contain -info * L: Q's head and the shared layers
maximize L in the discriminator's turn, G in its own.

Departs from the paper: Q has no hidden layer of its own, and its Gaussians have unit variance;
networks and learning rates are DCGAN's, those for points vanilla's.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from ganbench import (
    GAN,
    MLP,
    ConfigError,
    ConvDiscriminator,
    ConvGenerator,
    DataSpec,
    Hooks,
    Recipe,
    Terms,
    Turn,
    adam,
    losses,
    register,
)
from ganbench.nn.conditional import TwoHeads


@dataclass(frozen=True)
class MutualInformation(Hooks):
    """Adds ``-weight * L``, in nats; the codes are the last values of each latent."""

    categories: int
    continuous: int
    weight: float

    @property
    def size(self) -> int:
        """The number of values of a code."""
        return self.categories + self.continuous

    def prior(self, count: int, latent_dim: int, generator: torch.Generator) -> Tensor:
        """Draw noise, one-hot codes, and codes in [-1, 1]: (count, latent_dim)."""
        device = generator.device
        noise = torch.randn(count, latent_dim - self.size, generator=generator, device=device)
        drawn = torch.randint(self.categories, (count,), generator=generator, device=device)
        uniform = torch.rand(count, self.continuous, generator=generator, device=device)
        return torch.cat([noise, one_hot(drawn, self.categories), 2 * uniform - 1], 1)

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse latents without room for noise."""
        if recipe.latent_dim <= self.size:
            raise ConfigError(
                f"infogan's codes take {self.size} values of a latent, "
                f"and recipe.latent_dim is {recipe.latent_dim}.",
                f"For example: --set recipe.latent_dim={self.size + 62}",
            )

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Let Q, and the layers it shares, read the codes of the fakes."""
        latents = turn.fake.batch.latents
        assert latents is not None
        bound = self.bound(latents[:, -self.size :], turn.fake.extras.float())
        return {"information": -self.weight * bound}

    def generator_terms(self, turn: Turn) -> Terms:
        """Let G make images from which the codes can be read."""
        return self.discriminator_terms(turn)

    def bound(self, codes: Tensor, read: Tensor) -> Tensor:
        """Return L for codes (B, size) and what Q reads (B, size): log-odds, then means."""
        classes, log_odds = codes[:, : self.categories], read[:, : self.categories]
        errors = codes[:, self.categories :] - read[:, self.categories :]
        categorical = math.log(self.categories) - cross_entropy(log_odds, classes)
        log_likelihoods = -0.5 * errors.square() - 0.5 * math.log(2 * math.pi)
        bound: Tensor = categorical + (math.log(2) + log_likelihoods).sum(1).mean()
        return bound


@register
def infogan(data: DataSpec, *, categories: int = 10, continuous: int = 2, info: float = 1.0) -> GAN:
    """InfoGAN: codes that are read back from the image."""
    information = MutualInformation(categories, continuous, info)
    outputs = 1 + information.size
    if data.is_image:
        return GAN(
            generator=lambda latent_dim: ConvGenerator(latent_dim, data.shape),
            discriminator=lambda shape: TwoHeads(ConvDiscriminator(shape, outputs=outputs)),
            loss=losses.non_saturating,
            hooks=information,
            prior=information.prior,
            recipe=Recipe(
                kimg=320 if data.resolution <= 32 else 2000,
                batch_size=64,
                latent_dim=62 + information.size,
                generator_optimizer=adam(1e-3, (0.5, 0.999)),
                discriminator_optimizer=adam(2e-4, (0.5, 0.999)),
            ),
        )
    return GAN(
        generator=lambda latent_dim: MLP((latent_dim,), [128, 128, 128], data.shape),
        discriminator=lambda shape: TwoHeads(MLP(shape, [128, 128, 128], (outputs,))),
        loss=losses.non_saturating,
        hooks=information,
        prior=information.prior,
        recipe=Recipe(
            kimg=2000,
            batch_size=128,
            latent_dim=2 + information.size,
            generator_optimizer=adam(5e-4, (0.5, 0.999)),
            discriminator_optimizer=adam(5e-4, (0.5, 0.999)),
            schedule="linear",
        ),
    )
