# SPDX-License-Identifier: MIT
"""VEEGAN: a reconstructor maps samples back to their latents, so that no mode is given up.

Paper: Srivastava et al., VEEGAN: Reducing Mode Collapse in GANs using Implicit Variational Learning, 2017, arXiv:1705.07761

The reconstructor F maps examples to latents. The discriminator tells pairs (G(z), z) from pairs
(x, F(x)), and so estimates their log density ratio. The generator minimizes that ratio, which is
minus the logit here, plus ``weight`` * ||z - F(G(z))||^2; F minimizes the distance alone. Where G
drops a mode, F maps its data to latents that are not from the prior, and the pairs differ.

Departs from the paper: networks and recipe are those of the backbone; the squared distance is a
mean over the values of a latent, or it would drown the ratio; the latent joins the example after
the convolutions; F has no noise of its own. A penalty on the discriminator's slope, if one is
added, is on its slope in the example alone.
"""

from dataclasses import dataclass

import torch
from torch import nn
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

log_ratio = additive(
    "log-ratio",
    real=lambda r: softplus(-r),
    fake=softplus,
    generator=torch.neg,
)


@dataclass(frozen=True)
class LatentReconstruction(Hooks):
    """Shows examples with their latents, and adds how far reconstructed latents are off."""

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

    @torch.no_grad()
    def see(self, seen: Seen, scored: Scored, turn: Turn) -> Seen:
        """Add the latents of samples, and what F makes of data; interpolates bring theirs along."""
        if scored.kind == "other":
            return seen
        if scored.kind == "fake":
            return seen.replace(condition=scored.batch.latents)
        images = scored.batch.images
        with turn.state.autocast():
            latents = turn.state.partners["reconstructor"](images)
        return seen.replace(condition=latents.to(images.dtype))

    def generator_terms(self, turn: Turn) -> Terms:
        """Return the squared distance between the latents and what F makes of the samples."""
        latents = turn.fake.batch.latents
        assert latents is not None
        with turn.state.autocast():
            read = turn.state.partners["reconstructor"](turn.fake.images)
        return {"reconstruction": self.weight * (latents - read.float()).square().mean()}


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
        partners={"reconstructor": Partner(networks.encoder)},
        loss=log_ratio,
        hooks=LatentReconstruction(size, weight),
        recipe=networks.recipe.replace(latent_dim=size),
    )
