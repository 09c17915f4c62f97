# SPDX-License-Identifier: MIT
"""WaveGAN: DCGAN flattened to one dimension draws raw sound.

Paper: Donahue et al., Adversarial Audio Synthesis, 2018, arXiv:1802.04208

Transposed convolutions of 25 steps lengthen a map by four each, in place of DCGAN's 5 x 5 filters
and doubled squares; no batch normalization. Between the critic's layers phase shuffle shifts every
map at random, so that the critic cannot tell generated sounds by the phase of an artifact. The loss
is that of WGAN-GP, with five steps of the critic for one of the generator.

Departs from the paper: a length other than 16,384 steps, a power of two from 64, takes fewer
layers; PyTorch's initial weights; shorter training.
"""

from ganbench import GAN, ConfigError, DataSpec, Recipe, adam, losses, register
from ganbench.nn.waveform import WaveDiscriminator, WaveGenerator, time_stages
from ganbench.tricks.gradient_penalty import GradientPenalty


@register
def wavegan(data: DataSpec, *, width: int = 64, phase_shuffle: int = 2) -> GAN:
    """WaveGAN: one-dimensional convolutions draw raw sound."""
    if data.kind != "sequence" or data.alphabet is not None:
        held = data.plural if data.alphabet is None else "text"
        raise ConfigError(
            f"wavegan draws sounds, and {data.name} holds {held}.",
            "Sounds are a folder of WAV files, or 'sequences' in an npz file: floats (N, C, L).",
        )
    time_stages(data.shape[1])  # refused before anything is built
    return GAN(
        generator=lambda latent_dim: WaveGenerator(latent_dim, data.shape, width=width),
        discriminator=lambda shape: WaveDiscriminator(shape, width=width, shuffle=phase_shuffle),
        loss=losses.wasserstein,
        tricks=[GradientPenalty(weight=10.0)],
        recipe=Recipe(
            kimg=640 if data.shape[1] <= 4096 else 3200,
            batch_size=64,
            discriminator_steps=5,
            latent_dim=100,
            prior="uniform",
            generator_optimizer=adam(1e-4, (0.5, 0.9)),
            discriminator_optimizer=adam(1e-4, (0.5, 0.9)),
        ),
    )
