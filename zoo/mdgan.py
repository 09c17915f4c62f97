# SPDX-License-Identifier: MIT
"""MDGAN: an encoder brings samples onto the data, then samples spread over what it rebuilt.

Paper: Che et al., Mode Regularized Generative Adversarial Networks, 2017, arXiv:1612.02136

Every example has a code E(x), so the generator is led to every mode of the data. The manifold
step: a discriminator D_1 tells x from G(E(x)); generator and encoder minimize the squared error
of G(E(x)), summed over values, plus ``game`` times -log D_1(G(E(x))). The diffusion step: a
discriminator D_2 tells G(E(x)) from G(z), and the generator minimizes -log D_2(G(z)). D_2 is the
discriminator here, whose real examples are reconstructions; D_1 is its partner.

Departs from the paper: networks and recipe are those of the backbone; both steps are made in one
update of each player, in which the first weighs ``reconstruction``. Tricks that change the loss,
such as label-smoothing, change that of the diffusion step alone.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import softplus

from ganbench import (
    GAN,
    Batch,
    ConfigError,
    DataSpec,
    Hooks,
    Partner,
    Recipe,
    Terms,
    Turn,
    build_backbone,
    losses,
    register,
)


@dataclass(frozen=True)
class ManifoldAndDiffusion(Hooks):
    """Replaces real examples by reconstructions, and adds the game of the manifold step."""

    reconstruction: float
    game: float

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse losses that only one of the two games would have.

        Raises:
            ConfigError: The loss is another than the model's own.
        """
        if gan.loss is not losses.non_saturating:
            raise ConfigError(
                f"mdgan plays two games with one loss, and {gan.loss.name} would be that of the "
                "diffusion step alone.",
                "Leave out --set loss=...",
            )

    def rebuilt(self, images: Tensor, turn: Turn) -> Tensor:
        """Return what the generator makes of the codes of images (B, *shape)."""
        with turn.state.autocast():
            codes = turn.state.partners["encoder"](images)
        return turn.make(codes.to(images.dtype), tracked=False)[0]

    @torch.no_grad()
    def reals(self, batch: Batch, turn: Turn) -> Batch:
        """Let the discriminator learn from reconstructions."""
        return replace(batch, images=self.rebuilt(batch.images, turn))

    def manifold(self, images: Tensor, turn: Turn) -> Tensor:
        """Return the logits (B, 1) of D_1."""
        with turn.state.autocast():
            logits: Tensor = turn.state.partners["manifold"](images)
        return logits.float()

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Let D_1 tell the data from reconstructions."""
        real = self.manifold(turn.batch.images, turn)
        rebuilt = self.manifold(turn.real.batch.images, turn)
        return {"manifold": softplus(-real).mean() + softplus(rebuilt).mean()}

    def generator_terms(self, turn: Turn) -> Terms:
        """Rebuild the data, so that D_1 takes it for data."""
        rebuilt = self.rebuilt(turn.batch.images, turn)
        errors = (turn.batch.images - rebuilt).square().flatten(1).sum(1)  # (B,)
        played = softplus(-self.manifold(rebuilt, turn)).mean()
        return {
            "reconstruction": self.reconstruction * errors.mean(),
            "manifold": self.reconstruction * self.game * played,
        }


@register
def mdgan(
    data: DataSpec, *, backbone: str = "auto", reconstruction: float = 0.1, game: float = 0.01
) -> GAN:
    """MDGAN: mode regularization by an encoder, in two steps."""
    networks = build_backbone(backbone, data)
    return GAN(
        generator=networks.generator,
        discriminator=networks.discriminator,
        partners={
            "encoder": Partner(networks.encoder),
            "manifold": Partner(lambda _, shape: networks.discriminator(shape), "discriminator"),
        },
        loss=losses.non_saturating,
        hooks=ManifoldAndDiffusion(reconstruction, game),
        recipe=networks.recipe,
    )
