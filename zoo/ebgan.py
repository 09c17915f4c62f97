# SPDX-License-Identifier: MIT
"""EBGAN: the discriminator is an energy, low on data and at least a margin elsewhere.

Paper: Zhao et al., Energy-based Generative Adversarial Network, 2017, arXiv:1609.03126

The energy is what an autoencoder fails to rebuild: E(x) = ||x - Dec(Enc(x))||. The discriminator
minimizes E(x) + max(0, margin - E(G(z))), the generator E(G(z)) plus ``pull`` times the
pulling-away term: the mean squared cosine between the codes of two samples of a batch, which
keeps samples apart. The logit is -E: higher means more real.

Departs from the paper: networks and recipe are those of the backbone, with codes of 64 values; the
norm is divided by the root of the number of values, so that the margin, which is the paper's 10 for
the 784 values of MNIST, is alike for images of all sizes.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import normalize, relu

from ganbench import GAN, DataSpec, Hooks, Terms, Turn, additive, build_backbone, register
from ganbench.backbone import images_only
from ganbench.nn.autoencoder import EnergyAutoencoder

CODE_SIZE = 64


@dataclass(frozen=True)
class PullingAway(Hooks):
    """Adds ``weight`` times the mean squared cosine between the codes of two samples."""

    weight: float

    def generator_terms(self, turn: Turn) -> Terms:
        """Return the term over all pairs of the batch of all processes."""
        codes = turn.state.group.gather(turn.fake.extras.float()).flatten(0, 1)
        return {"pull": self.weight * mean_squared_cosine(codes)}


def mean_squared_cosine(codes: Tensor) -> Tensor:
    """Return the mean of the squared cosines between two of the codes (B, size), a scalar."""
    count = len(codes)
    directions = normalize(codes)
    squares = (directions @ directions.T).square()  # (B, B), one on the diagonal
    return (squares.sum() - squares.diagonal().sum()) / max(1, count * (count - 1))


@register
def ebgan(
    data: DataSpec, *, backbone: str = "auto", margin: float = 10 / 28, pull: float = 0.1
) -> GAN:
    """EBGAN: an autoencoder's error as the energy, up to a margin."""
    images_only("ebgan", data)
    networks = build_backbone(backbone, data)

    def autoencoder(shape: tuple[int, ...]) -> EnergyAutoencoder:
        judged = build_backbone(backbone, replace(data, shape=shape))  # a pack may have been made
        return EnergyAutoencoder(judged.encoder(CODE_SIZE, shape), judged.generator(CODE_SIZE))

    return GAN(
        generator=networks.generator,
        discriminator=autoencoder,
        loss=additive(
            "energy-margin",
            real=torch.neg,
            fake=lambda f: relu(margin + f),
            generator=torch.neg,
        ),
        hooks=PullingAway(pull),
        recipe=networks.recipe,
    )
