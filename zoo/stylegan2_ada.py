# SPDX-License-Identifier: MIT
"""StyleGAN2-ADA: StyleGAN2 whose discriminator sees augmented images, as often as it overfits.

Paper: Karras et al., Training Generative Adversarial Networks with Limited Data, 2020, arXiv:2006.06676

All images that the discriminator sees, real or not, are augmented with a probability p: as long as it
stays well below one, the augmentations do not leak into samples. p rises while the sign of the logits
of real images, r = E sign(D(x)), is above 0.6, and falls while it is below; it is clipped to [0, 1].
R1 is lazy, due in every 16th update, and Adam is adapted to that: its weight is 0.01 for images of
up to 32 pixels, as for CIFAR-10, and 0.0002 times the pixels over 32, the recipe's batch size, otherwise.
On other backbones, whose weights are not equalized, the optimizers are those of the backbone.

Departs from the paper: small networks, with 16 channels at the image, half as many as in the model
stylegan2, and at most 256; what the model stylegan2 says of its layers holds here, too; no path
length regularization, as in the paper for CIFAR-10; styles are mixed for every size; p moves by one
in 100 kimg, where the paper has 500, because runs are short, and half as long as those of most models
here; the average of the generator's weights forgets half in 10 kimg; of the augmentations those of
the trick ada, without flips and turns, which change what digits mean.
"""

from dataclasses import dataclass

from ganbench import (
    ADA,
    EMA,
    GAN,
    R1,
    ConfigError,
    DataSpec,
    Hooks,
    adam,
    build_backbone,
    images_only,
    losses,
    register,
)

OWN = "stylegan2"
"""The backbone for whose equalized weights the learning rate is meant."""
RATE = 0.0025
R1_EVERY = 16
SHARE = R1_EVERY / (R1_EVERY + 1)
"""By which the discriminator's learning rate is lowered, because the penalty is lazy."""
BATCH = 32
GROUP = 4
"""The number of examples whose deviation the discriminator sees."""


@dataclass(frozen=True)
class WholeGroups(Hooks):
    """Keeps together the examples whose deviation is seen."""

    def check_parts(self, part: int, processes: int) -> None:
        """Refuse parts of a batch that do not divide into groups."""
        if part % GROUP:
            raise ConfigError(
                f"stylegan2-ada needs a multiple of {GROUP} examples in each process, and each of "
                f"{processes} processes has {part} of a batch.",
                f"For example: --batch-size {-(-part // GROUP) * GROUP * processes}",
            )


@register
def stylegan2_ada(data: DataSpec, *, backbone: str = "auto") -> GAN:
    """StyleGAN2-ADA, small: adaptive augmentation for little data."""
    images_only("stylegan2-ada", data)
    networks = build_backbone(backbone, data, images=OWN, batch_norm=False)
    recipe = networks.recipe
    if backbone.partition(":")[0].strip().lower() in ("auto", OWN):
        recipe = recipe.replace(
            generator_optimizer=adam(RATE, (0.0, 0.99)),
            discriminator_optimizer=adam(RATE * SHARE, (0.0, 0.99**SHARE)),
        )
    pixels = data.shape[1] * data.shape[2]
    weight = 0.01 if data.resolution <= 32 else 2e-4 * pixels / BATCH
    return GAN(
        generator=networks.generator,
        discriminator=networks.discriminator,
        loss=losses.non_saturating,
        hooks=WholeGroups(),
        tricks=[ADA(speed_kimg=100.0), R1(weight=weight, every=R1_EVERY), EMA()],
        recipe=recipe.replace(kimg=recipe.kimg / 2, batch_size=BATCH),
    )
