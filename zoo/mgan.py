# SPDX-License-Identifier: MIT
"""MGAN: a mixture of generators, which a classifier keeps apart from each other.

Paper: Hoang et al., MGAN: Training Generative Adversarial Nets with Multiple Generators, 2018, arXiv:1708.02556

Generators G_1 to G_K share all layers but the first, and draw equally often. A classifier C, which
shares all layers of the discriminator but the last, names the generator of a sample: it minimizes
-E log C_k(G_k(z)), and the generators ``diversity`` (beta) times that, next to the usual game
between the mixture and D. So the generators cover the data together, each a part of its own.

Departs from the paper: networks and recipe are those of the backbone, where batch normalization
behind the first layers is over the samples of all generators; a normal prior; which generator draws
a sample is chosen at random, not in equal numbers. The paper's objective weighs the classifier's
loss by beta, too; the authors' code does not, and neither does this. The paper tunes K and the
diversity for each dataset.
"""

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
    build_backbone,
    losses,
    register,
)
from ganbench.nn.several import SeveralGenerators


@dataclass(frozen=True)
class NamedGenerators(Hooks):
    """Chooses a generator in each latent, and adds the cross-entropy of naming it.

    ``diversity`` weighs it in the generators' loss.
    """

    generators: int
    diversity: float

    def prior(self, count: int, latent_dim: int, generator: torch.Generator) -> Tensor:
        """Draw noise and a one-hot choice of the generator: (count, latent_dim)."""
        device = generator.device
        size = (count, latent_dim - self.generators)
        noise = torch.randn(size, generator=generator, device=device)
        chosen = torch.randint(self.generators, (count,), generator=generator, device=device)
        return torch.cat([noise, one_hot(chosen, self.generators)], 1)

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse latents without room for noise."""
        if recipe.latent_dim <= self.generators:
            raise ConfigError(
                f"mgan's choice of a generator takes {self.generators} values of a latent, "
                f"and recipe.latent_dim is {recipe.latent_dim}.",
                f"For example: --set recipe.latent_dim={self.generators + 100}",
            )

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Let C, and the layers it shares, name the generators of the fakes."""
        return {"generator": self.naming_error(turn)}

    def generator_terms(self, turn: Turn) -> Terms:
        """Make samples of which the generator can be named."""
        return {"generator": self.diversity * self.naming_error(turn)}

    def naming_error(self, turn: Turn) -> Tensor:
        """Return the cross-entropy of naming the generators of the fakes, a scalar."""
        latents = turn.fake.batch.latents
        assert latents is not None
        chosen = latents[:, -self.generators :]  # (B, generators)
        return cross_entropy(turn.fake.extras.float(), chosen)


@register
def mgan(
    data: DataSpec, *, backbone: str = "auto", generators: int = 8, diversity: float = 0.1
) -> GAN:
    """MGAN: several generators and a classifier that tells them apart."""
    networks = build_backbone(backbone, data)
    named = NamedGenerators(generators, diversity)

    def several(latent_dim: int) -> SeveralGenerators:
        return SeveralGenerators(networks.generator, latent_dim - generators, generators)

    return GAN(
        generator=several,
        discriminator=networks.two_heads(generators),
        loss=losses.non_saturating,
        hooks=named,
        prior=named.prior,
        recipe=networks.recipe.replace(latent_dim=networks.recipe.latent_dim + generators),
    )
