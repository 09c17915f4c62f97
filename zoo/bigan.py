# SPDX-License-Identifier: MIT
"""BiGAN: an encoder learns to invert the generator, because the discriminator sees both.

Paper: Donahue et al., Adversarial Feature Learning, 2017, arXiv:1605.09782

The discriminator tells pairs (x, E(x)) of data and their codes from pairs (G(z), z) of samples and
their latents. Generator and encoder move together, against it: they minimize -log D(G(z), z) and
-log(1 - D(x, E(x))), the same game with its labels exchanged. At the optimum E inverts G.

Departs from the paper: the convolutional networks are DCGAN's, those for points vanilla's; the
code joins the image after its convolutions; no weight decay; the learning rate is constant for
images and falls linearly for points, where the authors' falls exponentially in the second half of
the training; the discriminator moves first, where the authors' code moves all networks at once. A
penalty on the discriminator's slope, if one is added, is on its slope in the image alone.
"""

from dataclasses import dataclass

from torch import nn
from torch.nn.functional import softplus

from ganbench import (
    GAN,
    MLP,
    ConfigError,
    ConvDiscriminator,
    ConvGenerator,
    DataSpec,
    Hooks,
    Loss,
    Partner,
    Recipe,
    Scored,
    Seen,
    Turn,
    adam,
    register,
)
from ganbench.nn.pairs import PairDiscriminator

FEATURES = 128


exchanged_labels = Loss(
    name="exchanged-labels",
    discriminator=lambda r, f: softplus(-r).mean() + softplus(f).mean(),
    generator=lambda r, f: softplus(r).mean() + softplus(-f).mean(),
    paired=True,  # the encoder learns from real pairs
    real_part=lambda r: softplus(-r),
    fake_part=softplus,
)


@dataclass(frozen=True)
class JointPairs(Hooks):
    """Shows the discriminator each real image with its code, each sample with its latent."""

    latent_dim: int

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse what the discriminator or the encoder does not work with.

        Raises:
            ConfigError: Latents have another size than the discriminator is built for, or the
                encoder would not learn from the loss.
        """
        if recipe.latent_dim != self.latent_dim:
            raise ConfigError(
                f"bigan's discriminator takes codes of {self.latent_dim} values, "
                f"and recipe.latent_dim is {recipe.latent_dim}.",
                f"Use --set model.latent_dim={recipe.latent_dim}, which sets both.",
            )
        if not gan.loss.paired:
            raise ConfigError(
                "bigan's encoder learns from the logits of real examples, which the loss "
                f"{gan.loss.name} does not show to the generator's side.",
                "Leave out --set loss=..., or choose one that compares: --set loss=relativistic",
            )

    def see(self, seen: Seen, scored: Scored, turn: Turn) -> Seen:
        """Add the other half of each pair; interpolates bring theirs along."""
        if scored.kind == "other":
            return seen
        if scored.kind == "fake":
            return seen.replace(condition=scored.batch.latents)
        # The batch, not the leaf that penalties differentiate: theirs is the slope at a fixed code.
        images = scored.batch.images
        with turn.state.autocast():
            codes = turn.state.partners["encoder"](images)
        return seen.replace(condition=codes.to(images.dtype))


@register
def bigan(data: DataSpec, *, latent_dim: int = 50) -> GAN:
    """BiGAN: an encoder learns to invert the generator."""

    def joint(network: nn.Module) -> nn.Module:
        return PairDiscriminator(network, FEATURES, nn.Identity(), latent_dim)

    if data.is_image:
        return GAN(
            generator=lambda size: ConvGenerator(size, data.shape),
            discriminator=lambda shape: joint(ConvDiscriminator(shape, outputs=FEATURES)),
            partners={
                "encoder": Partner(lambda codes, shape: ConvDiscriminator(shape, outputs=codes))
            },
            loss=exchanged_labels,
            hooks=JointPairs(latent_dim),
            recipe=Recipe(
                kimg=320 if data.resolution <= 32 else 2000,
                batch_size=128,
                latent_dim=latent_dim,
                prior="uniform",
                generator_optimizer=adam(2e-4, (0.5, 0.999)),
                discriminator_optimizer=adam(2e-4, (0.5, 0.999)),
            ),
        )
    return GAN(
        generator=lambda size: MLP((size,), [128, 128, 128], data.shape),
        discriminator=lambda shape: joint(MLP(shape, [128, 128], (FEATURES,))),
        partners={"encoder": Partner(lambda codes, shape: MLP(shape, [128, 128, 128], (codes,)))},
        loss=exchanged_labels,
        hooks=JointPairs(latent_dim),
        recipe=Recipe(
            kimg=2000,
            batch_size=128,
            latent_dim=latent_dim,
            prior="uniform",
            generator_optimizer=adam(5e-4, (0.5, 0.999)),
            discriminator_optimizer=adam(5e-4, (0.5, 0.999)),
            schedule="linear",
        ),
    )
