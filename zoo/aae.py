# SPDX-License-Identifier: MIT
"""AAE: an autoencoder whose codes an adversary makes look like draws from the prior.

Paper: Makhzani et al., Adversarial Autoencoders, 2016, arXiv:1511.05644

The generator is the decoder. An encoder, which learns with it, maps data to codes, and the
discriminator tells the codes of data from latents of the prior: it is shown E(x) for a real
example and z for G(z). Encoder and decoder minimize ``reconstruction`` times the squared error of
G(E(x)), summed over values, and the encoder minimizes -log(1 - D(E(x))): its codes are to pass for
latents. Then data have a code wherever the prior draws a latent, and G(z) looks like data.

Departs from the paper: networks and recipe are those of the backbone; reconstruction and
adversary move the encoder in one update, not in two; the prior has a deviation of 1, not 5. Images
only: between the codes of points of separate modes the decoder learns nothing.
"""

from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch.nn.functional import softplus

from ganbench import (
    GAN,
    MLP,
    ConfigError,
    DataSpec,
    Hooks,
    Loss,
    Partner,
    Recipe,
    Scored,
    Seen,
    State,
    Terms,
    TrickState,
    Turn,
    build_backbone,
    register,
)
from ganbench.backbone import images_only
from ganbench.trick import hooks_name, overridden_hooks

HIDDEN = [256, 256]

codes_as_latents = Loss(
    name="codes-as-latents",
    discriminator=lambda r, f: softplus(-r).mean() + softplus(f).mean(),
    generator=lambda r, f: softplus(r).mean(),
    paired=True,
    real_part=lambda r: softplus(-r),
    fake_part=softplus,
)


@dataclass(frozen=True)
class CodesAndLatents(Hooks):
    """Shows the discriminator codes of data and latents, and adds the error of the autoencoder."""

    latent_dim: int
    weight: float

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse what the discriminator or the encoder does not work with.

        Raises:
            ConfigError: Latents have another size than the discriminator is built for, or the
                encoder would not learn from the loss.
        """
        if recipe.latent_dim != self.latent_dim:
            raise ConfigError(
                f"aae's discriminator takes codes of {self.latent_dim} values, "
                f"and recipe.latent_dim is {recipe.latent_dim}.",
                f"Use --set model.latent_dim={recipe.latent_dim}, which sets both.",
            )
        if gan.loss is not codes_as_latents:
            raise ConfigError(
                "aae's encoder learns from the logits of real examples, and the loss "
                f"{gan.loss.name} rewards those of fakes.",
                "Leave out --set loss=...",
            )

    def start(self, state: State) -> TrickState:
        """Refuse tricks on images that the discriminator is not shown.

        Raises:
            ConfigError: A trick changes what the discriminator sees, or differentiates by it.
        """
        for hooks in state.tricks:
            on_images = hooks.differentiates or "see" in overridden_hooks(hooks)
            if hooks is not self and on_images:
                raise ConfigError(
                    f"aae's discriminator is shown codes, and {hooks_name(hooks)} works on what "
                    "it is shown as on examples.",
                    f"Remove the trick: --trick {hooks_name(hooks)}:off",
                )
        return {}

    def see(self, seen: Seen, scored: Scored, turn: Turn) -> Seen:
        """Show latents in place of samples, and codes in place of all other examples."""
        if scored.kind == "fake":
            return seen.replace(images=scored.batch.latents)
        images = scored.batch.images
        learns = turn.role == "generator"
        with nullcontext() if learns else torch.no_grad(), turn.state.autocast():
            codes = turn.state.partners["encoder"](images)
        return seen.replace(images=codes.to(images.dtype))

    def generator_terms(self, turn: Turn) -> Terms:
        """Return the squared error of what the generator makes of the codes of data."""
        rebuilt, _ = turn.make(turn.real.seen.images, tracked=False)
        errors = (turn.batch.images - rebuilt).square().flatten(1).sum(1)  # (B,)
        return {"reconstruction": self.weight * errors.mean()}


@register
def aae(
    data: DataSpec, *, backbone: str = "auto", latent_dim: int = 8, reconstruction: float = 0.1
) -> GAN:
    """AAE: an adversary shapes the codes of an autoencoder."""
    images_only("aae", data)
    networks = build_backbone(backbone, data)
    return GAN(
        generator=networks.generator,
        discriminator=lambda shape: MLP((latent_dim,), HIDDEN, (1,)),
        partners={"encoder": Partner(networks.encoder)},
        loss=codes_as_latents,
        hooks=CodesAndLatents(latent_dim, reconstruction),
        recipe=networks.recipe.replace(latent_dim=latent_dim),
    )
