# SPDX-License-Identifier: MIT
"""VEEGAN: a reconstructor maps samples back to their latents, so that no mode is given up.

Paper: Srivastava et al., VEEGAN: Reducing Mode Collapse in GANs using Implicit Variational Learning, 2017, arXiv:1705.07761

The reconstructor maps an example to a normal distribution of its latent, with means F(x) and
deviations s(x). The discriminator tells pairs (G(z), z) from pairs of data and latents that the
reconstructor draws for them, and so estimates their log density ratio. The generator minimizes
that ratio, which is minus the logit here, plus ``weight`` times the distance -log p(z | G(z)) of
its latents; the reconstructor minimizes the distance alone. Where G drops a mode, its data get
latents that are not from the prior, and the pairs differ.

Departs from the paper: networks and recipe are those of the backbone; the distance is a mean over
the values of a latent, or it would drown the ratio; deviations are at least 0.05; the latent joins
the example after the convolutions. A penalty on the discriminator's slope, if one is added, is on
its slope in the example alone.
"""

from dataclasses import dataclass
from math import log, pi

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from ganbench import (
    GAN,
    ConfigError,
    DataSpec,
    Hooks,
    Partner,
    Recipe,
    Scored,
    Seen,
    Terms,
    Turn,
    additive,
    build_backbone,
    register,
)
from ganbench.nn.pairs import PairDiscriminator

FEATURES = 128
LEAST_DEVIATION = 0.05

log_ratio = additive(
    "log-ratio",
    real=lambda r: softplus(-r),
    fake=softplus,
    generator=torch.neg,
)


@dataclass(frozen=True)
class LatentReconstruction(Hooks):
    """Shows examples with their latents, and adds how unlikely the reconstructor finds them."""

    latent_dim: int
    weight: float

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse latents of another size than the discriminator is built for."""
        if recipe.latent_dim != self.latent_dim:
            raise ConfigError(
                f"veegan's discriminator takes latents of {self.latent_dim} values, "
                f"and recipe.latent_dim is {recipe.latent_dim}.",
                f"Use --set model.latent_dim={recipe.latent_dim}, which sets both.",
            )

    def latents_of(self, images: Tensor, turn: Turn) -> tuple[Tensor, Tensor]:
        """Return the means and deviations (B, latent_dim) of the latents of images (B, *shape)."""
        with turn.state.autocast():
            means, logarithms = turn.state.partners["reconstructor"](images).chunk(2, 1)
        return means.float(), LEAST_DEVIATION + logarithms.float().exp()

    @torch.no_grad()
    def see(self, seen: Seen, scored: Scored, turn: Turn) -> Seen:
        """Add the latents of samples, and latents drawn for data; interpolates bring theirs."""
        if scored.kind == "other":
            return seen
        if scored.kind == "fake":
            return seen.replace(condition=scored.batch.latents)
        means, deviations = self.latents_of(scored.batch.images, turn)
        noise = torch.randn(means.shape, generator=turn.random(self), device=means.device)
        return seen.replace(condition=means + deviations * noise)

    def generator_terms(self, turn: Turn) -> Terms:
        """Return the distance of the latents from what the reconstructor makes of the samples."""
        latents = turn.fake.batch.latents
        assert latents is not None
        means, deviations = self.latents_of(turn.fake.images, turn)
        errors = (latents - means) / deviations
        distances = 0.5 * errors.square() + deviations.log() + 0.5 * log(2 * pi)
        return {"reconstruction": self.weight * distances.mean()}


@register
def veegan(
    data: DataSpec, *, backbone: str = "auto", latent_dim: int = 0, weight: float = 1.0
) -> GAN:
    """VEEGAN: latents are reconstructed from samples."""
    networks = build_backbone(backbone, data)
    size = latent_dim or networks.recipe.latent_dim
    return GAN(
        generator=networks.generator,
        discriminator=lambda shape: PairDiscriminator(
            networks.network(shape, FEATURES), FEATURES, nn.Identity(), size
        ),
        partners={"reconstructor": Partner(lambda _, shape: networks.encoder(2 * size, shape))},
        loss=log_ratio,
        hooks=LatentReconstruction(size, weight),
        recipe=networks.recipe.replace(latent_dim=size),
    )
