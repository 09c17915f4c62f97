# SPDX-License-Identifier: MIT
"""SAN: the last layer's direction is learned apart from the features that it is applied to.

Paper: Takida et al., SAN: Inducing Metrizability of GAN with Discriminative Normalized Linear Layer, 2024, arXiv:2301.12811

D(x) = <w, h(x)> with |w| = 1. The usual loss, here the hinge, teaches the features h alone, at a
fixed direction; the direction w maximizes E <w, h(x)> - E <w, h(G(z))> at fixed features. Then w is
the direction that tells the two kinds of features apart best: a sliced optimal transport, in which
the loss of the generator measures a distance.

Departs from the paper: networks and recipe are those of the backbone, with no batch normalization
in the discriminator; h is a LeakyReLU of 128 linear values.
"""

from torch import Tensor

from ganbench import GAN, DataSpec, Hooks, Terms, Turn, build_backbone, losses, register
from ganbench.nn.sliced import SlicedDiscriminator
from ganbench.tricks.spectral_norm import SpectralNorm

FEATURES = 128


class Direction(Hooks):
    """Teaches the direction what the loss does not."""

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Return how much more fake than real features point along the direction."""
        real: Tensor = turn.real.extras
        fake: Tensor = turn.fake.extras
        return {"direction": fake.mean() - real.mean()}


@register
def san(data: DataSpec, *, backbone: str = "auto") -> GAN:
    """SAN: a normalized last layer that is taught apart."""
    networks = build_backbone(backbone, data, batch_norm=False)

    def discriminator(shape: tuple[int, ...]) -> SlicedDiscriminator:
        return SlicedDiscriminator(networks.network(shape, FEATURES), FEATURES)

    return GAN(
        generator=networks.generator,
        discriminator=discriminator,
        loss=losses.hinge,
        hooks=Direction(),
        tricks=[SpectralNorm()],
        recipe=networks.recipe,
    )
