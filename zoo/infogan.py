# SPDX-License-Identifier: MIT
"""InfoGAN: codes that the discriminator can read back from an image come to mean something.

Paper: Chen et al., InfoGAN: Interpretable Representation Learning by Information Maximizing GANs, 2016, arXiv:1606.03657

The latent is noise, a one-hot code, and codes in [-1, 1]. A head Q on the discriminator's layers
guesses the codes c from an image. The bound L = E log Q(c | G(z, c)) + H(c) on the mutual
information is maximized: min over G and Q, max over D, of V(D, G) - info * L. Q shares all layers
with D but its last. Both objectives therefore contain -info * L: Q's head and the shared layers
maximize L in the discriminator's turn, G in its own.

Departs from the paper: Q has no hidden layer of its own, and its Gaussians have unit variance;
networks and recipe are those of the backbone, with the authors' rate of the generator on images; the
noise is normal, where the authors' code for digits draws it uniformly.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from ganbench import (
    GAN,
    ConfigError,
    DataSpec,
    Hooks,
    Recipe,
    Terms,
    Turn,
    adam,
    build_backbone,
    losses,
    register,
)


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
def infogan(
    data: DataSpec,
    *,
    backbone: str = "auto",
    categories: int = 10,
    continuous: int = 2,
    info: float = 1.0,
) -> GAN:
    """InfoGAN: codes that are read back from the image."""
    information = MutualInformation(categories, continuous, info)
    networks = build_backbone(backbone, data)
    noise, optimizer = (62, adam(1e-3, (0.5, 0.999))) if data.is_image else (2, None)
    return GAN(
        generator=networks.generator,
        discriminator=networks.two_heads(information.size),
        loss=losses.non_saturating,
        hooks=information,
        prior=information.prior,
        recipe=networks.recipe.replace(
            latent_dim=noise + information.size, generator_optimizer=optimizer
        ),
    )
