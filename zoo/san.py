# SPDX-License-Identifier: MIT
"""SAN: the last layer's direction is learned apart from the features that it is applied to.

Paper: Takida et al., SAN: Inducing Metrizability of GAN with Discriminative Normalized Linear Layer, 2024, arXiv:2301.12811

D(x) = <w, h(x)> with |w| = 1. The usual loss, here the hinge, teaches the features h alone, at a
fixed direction; the direction w maximizes E <w, h(x)> - E <w, h(G(z))> at fixed features. Then w is
the direction that tells the two kinds of features apart best: a sliced optimal transport, in which
the loss of the generator measures a distance.

The direction's objective is that of the hinge and of the Wasserstein loss; other losses need
another, and are refused.

Departs from the paper: networks and recipe are those of the backbone, with no batch normalization
in the discriminator; h is a LeakyReLU of 128 linear values. The authors' layer multiplies the
logits by a learned scale, which starts at the length of the layer's first weights, and adds biases
to the features; here the length stays at one, and every layer before the direction is spectrally
normalized.
"""

from torch import Tensor

from ganbench import (
    GAN,
    ConfigError,
    DataSpec,
    Hooks,
    Recipe,
    Terms,
    Turn,
    build_backbone,
    losses,
    register,
)
from ganbench.nn.sliced import SlicedDiscriminator
from ganbench.trick import refusal
from ganbench.tricks.label_smoothing import LabelSmoothing
from ganbench.tricks.spectral_norm import SpectralNorm

FEATURES = 128


class Direction(Hooks):
    """Teaches the direction what the loss does not."""

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse losses whose direction has another objective than a difference of means.

        Raises:
            ConfigError: The loss is neither the hinge nor Wasserstein, or its labels are smoothed.
        """
        if any(isinstance(trick, LabelSmoothing) for trick in gan.tricks):
            sentence = "The direction of {others} is taught for hard labels."
            raise refusal("label-smoothing", [self], sentence)
        if gan.loss not in (losses.hinge, losses.wasserstein):
            raise ConfigError(
                "san's direction is taught for the losses hinge and wasserstein, and "
                f"{gan.loss.name} needs another objective of it.",
                "Leave out --set loss=..., or choose one of the two.",
            )

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
