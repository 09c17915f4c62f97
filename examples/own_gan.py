# SPDX-License-Identifier: MIT
"""Write a GAN of your own as a function, train it, and compare it with another one.

A file with such a function works on the command line, too: ganbench run --model ./own_gan.py:narrow
"""

import ganbench
from ganbench import GAN, MLP, DataSpec, Recipe, adam, losses, register


@register
def narrow(data: DataSpec, *, width: int = 32) -> GAN:
    """Perceptrons with narrow layers, the hinge loss, and a discriminator that learns faster.

    Paper: Heusel et al., 2017, arXiv:1706.08500
    """
    return GAN(
        generator=lambda latent_dim: MLP((latent_dim,), [width, width], data.shape),
        discriminator=lambda shape: MLP(shape, [width, width], (1,)),
        loss=losses.hinge,
        recipe=Recipe(
            kimg=100,
            latent_dim=16,
            generator_optimizer=adam(2e-4, (0.5, 0.999)),
            discriminator_optimizer=adam(8e-4, (0.5, 0.999)),
        ),
    )


if __name__ == "__main__":
    run = ganbench.run(narrow, "ring8", settings={"kimg": 100, "model.width": 64})
    print(run.metrics)

    # Runs of one seed share batches and latents, so models are compared in pairs.
    comparison = ganbench.compare(
        [narrow, "vanilla"], data="ring8", seeds=range(5), settings={"kimg": 50}
    )
    print(comparison)
