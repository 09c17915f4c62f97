# SPDX-License-Identifier: MIT
"""MMD-GAN: the critic learns features whose kernel tells the data from the samples.

Paper: Li et al., MMD GAN: Towards Deeper Understanding of Moment Matching Network, 2017, arXiv:1705.08584

The generator minimizes the squared maximum mean discrepancy of real and generated features,
E k(x, x') - 2 E k(x, y) + E k(y, y'), with a sum of Gaussian kernels k; the critic maximizes it. With
``repulsive`` the critic minimizes E k(x, x') - E k(y, y') instead: it spreads real features, so
that it learns their details, and gathers those of the samples (Wang et al., 2019,
arXiv:1812.09916).

Departs from the paper: the repulsive loss is the default; spectral normalization in place of
clipped weights, as in the later paper; no autoencoder; no reduction of the feasible set, a
one-sided hinge on the difference of mean features, which has a weight of 16 in both players of the
authors' code; one step of the critic for one of the generator, where their code takes five; the
square of the discrepancy, not its root. Networks and recipe are those of the backbone, with no
batch normalization in the critic, and a LeakyReLU on its 16 features. The later paper has one
kernel of width 1, and multiplies the values of each layer to make up for what the normalization
takes; here there are five kernels, and nothing is multiplied.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ganbench import GAN, ConfigError, DataSpec, Hooks, Loss, Recipe, build_backbone, register
from ganbench.tricks.spectral_norm import SpectralNorm

FEATURES = 16
WIDTHS = (1.0, 2.0, 4.0, 8.0, 16.0)


def kernel(x: Tensor, y: Tensor) -> Tensor:
    """Return the sum of Gaussian kernels of features (N, D) and (M, D): (N, M)."""
    square = (x[:, None] - y[None]).square().sum(2)  # (N, M)
    return torch.stack([(-square / (2 * width**2)).exp() for width in WIDTHS]).sum(0)


def mean_of_pairs(x: Tensor) -> Tensor:
    """Return the mean of the kernel over pairs of different rows of features (N, D)."""
    count = len(x)
    values = kernel(x, x)
    return (values.sum() - values.trace()) / (count * (count - 1))


def discrepancy(real: Tensor, fake: Tensor) -> Tensor:
    """Return the unbiased estimate of the squared discrepancy of features (N, D) and (M, D)."""
    return mean_of_pairs(real) - 2 * kernel(real, fake).mean() + mean_of_pairs(fake)


def repulsion(real: Tensor, fake: Tensor) -> Tensor:
    """Return by how much real features (N, D) attract each other more than fake ones do."""
    return mean_of_pairs(real) - mean_of_pairs(fake)


@dataclass(frozen=True)
class OfFeatures(Hooks):
    """Keeps losses of logits away from the critic's features."""

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse losses of logits.

        Raises:
            ConfigError: A higher logit means more real in the loss.
        """
        if gan.loss.higher_is_real:
            raise ConfigError(
                f"mmdgan's critic gives features, and the loss {gan.loss.name} takes logits.",
                "Leave out --set loss=...",
            )


@register
def mmdgan(data: DataSpec, *, backbone: str = "auto", repulsive: bool = True) -> GAN:
    """MMD-GAN: a kernel on learned features."""
    networks = build_backbone(backbone, data, batch_norm=False)
    return GAN(
        generator=networks.generator,
        discriminator=lambda shape: nn.Sequential(
            networks.network(shape, FEATURES), nn.LeakyReLU(0.2)
        ),
        loss=Loss(
            name="repulsive-mmd" if repulsive else "mmd",
            discriminator=repulsion if repulsive else lambda r, f: -discrepancy(r, f),
            generator=discrepancy,
            paired=True,
            mean=False,
            higher_is_real=False,
        ),
        hooks=OfFeatures(),
        tricks=[SpectralNorm()],
        recipe=networks.recipe,
    )
