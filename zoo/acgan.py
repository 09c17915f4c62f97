# SPDX-License-Identifier: MIT
"""ACGAN: the discriminator also names the class, and the generator is rewarded if it can.

Paper: Odena et al., Conditional Image Synthesis with Auxiliary Classifier GANs, 2017, arXiv:1610.09585

The generator gets a label, the discriminator does not: next to its logit it returns log-odds of
the classes. Both players maximize L_C = E log P(C = c | x) + E log P(C = c | G(z, c)); they are
opponents in the logit alone. The generator has no part in the real half of L_C.

Departs from the paper: the generator minimizes -log D(G(z, c)), where the paper's maximizes L_C - L_S
and so minimizes log(1 - D(G(z, c))); networks and recipe are DCGAN's, those for points vanilla's, so
the discriminator has no dropout; the label enters the generator as a one-hot vector.
"""

from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import cross_entropy

from ganbench import (
    GAN,
    MLP,
    ConfigError,
    ConvDiscriminator,
    ConvGenerator,
    DataSpec,
    Hooks,
    Recipe,
    Scored,
    Seen,
    Terms,
    Turn,
    adam,
    losses,
    register,
)
from ganbench.nn.conditional import LabeledGenerator, TwoHeads


@dataclass(frozen=True)
class Classification(Hooks):
    """Adds ``weight`` times the cross-entropy of the classes, which are the extras."""

    weight: float

    def see(self, seen: Seen, scored: Scored, turn: Turn) -> Seen:
        """Keep the label from the discriminator, which is to name it."""
        return seen.replace(condition=None)

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Name the classes of real and of fake examples."""
        return {
            "class": self.weight
            * (self.class_cross_entropy(turn.real) + self.class_cross_entropy(turn.fake))
        }

    def generator_terms(self, turn: Turn) -> Terms:
        """Make examples whose class is named."""
        return {"class": self.weight * self.class_cross_entropy(turn.fake)}

    def class_cross_entropy(self, scored: Scored) -> Tensor:
        """Return the mean cross-entropy of the labels of examples."""
        labels = scored.batch.labels
        assert labels is not None
        return cross_entropy(scored.extras.float(), labels)


@register
def acgan(data: DataSpec, *, classification: float = 1.0) -> GAN:
    """ACGAN: the discriminator also classifies."""
    classes = data.classes
    if not classes:
        raise ConfigError(
            f"acgan learns from labels, and {data.name} has none.",
            "Choose a model without labels: ganbench ls models",
        )
    if data.is_image:
        return GAN(
            generator=lambda latent_dim: LabeledGenerator(
                ConvGenerator(latent_dim + classes, data.shape), classes
            ),
            discriminator=lambda shape: TwoHeads(ConvDiscriminator(shape, outputs=1 + classes)),
            loss=losses.non_saturating,
            hooks=Classification(classification),
            conditional=True,
            recipe=Recipe(
                kimg=320 if data.resolution <= 32 else 2000,
                batch_size=64,
                latent_dim=100,
                generator_optimizer=adam(2e-4, (0.5, 0.999)),
                discriminator_optimizer=adam(2e-4, (0.5, 0.999)),
            ),
        )
    return GAN(
        generator=lambda latent_dim: LabeledGenerator(
            MLP((latent_dim + classes,), [128, 128, 128], data.shape), classes
        ),
        discriminator=lambda shape: TwoHeads(MLP(shape, [128, 128, 128], (1 + classes,))),
        loss=losses.non_saturating,
        hooks=Classification(classification),
        conditional=True,
        recipe=Recipe(
            kimg=2000,
            batch_size=128,
            latent_dim=2,
            generator_optimizer=adam(5e-4, (0.5, 0.999)),
            discriminator_optimizer=adam(5e-4, (0.5, 0.999)),
            schedule="linear",
        ),
    )
