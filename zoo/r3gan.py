# SPDX-License-Identifier: MIT
"""R3GAN: relativistic pairs, with the discriminator flat at real and at generated examples.

Paper: Huang et al., The GAN Is Dead; Long Live the GAN! A Modern GAN Baseline, 2025, arXiv:2501.05441

RpGAN's loss, in which the discriminator compares pairs of a real and a generated example, does not
collapse but need not converge. With gamma / 2 E |grad D|^2 at real examples (R1) and at generated
ones (R2), both in every update, it converges locally. On images gamma falls to a tenth, the
learning rate from 2e-4 to 5e-5, as in the authors' code; up to 32 pixels gamma begins at 0.5, as in
their ImageNet-32, above at 2, as in their FFHQ-64. Samples are drawn with averaged weights.

Departs from the paper: the networks, its own residual ones without normalization, are narrower, with
one block at each size, not two, and a tanh at the end; beta2 is 0.99 from the start, not after a
rise from 0.9; no augmentation. On points the networks are perceptrons with their learning rate, 5e-4,
which falls to zero; Adam's betas are 0 and 0.99 there as well, and gamma falls from 1 to 0.1.
"""

from ganbench import EMA, GAN, R1, R2, DataSpec, Moving, adam, build_backbone, losses, register


@register
def r3gan(data: DataSpec, *, backbone: str = "auto") -> GAN:
    """R3GAN: relativistic pairs with R1 and R2."""
    networks = build_backbone(backbone, data, images="r3gan", batch_norm=False)
    if data.is_image:
        gamma = Moving(0.5, 0.05) if data.resolution <= 32 else Moving(2.0, 0.2)
        optimizer = adam(Moving(2e-4, 5e-5), (0.0, 0.99))
    else:
        gamma, optimizer = Moving(1.0, 0.1), adam(5e-4, (0.0, 0.99))
    return GAN(
        generator=networks.generator,
        discriminator=networks.discriminator,
        loss=losses.relativistic,
        tricks=[R1(weight=gamma), R2(weight=gamma), EMA()],
        recipe=networks.recipe.replace(
            generator_optimizer=optimizer, discriminator_optimizer=optimizer
        ),
    )
