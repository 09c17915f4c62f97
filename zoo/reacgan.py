# SPDX-License-Identifier: MIT
"""ReACGAN: a classifier on a sphere, whose other classes are the other images of the batch.

Paper: Kang et al., Rebooting ACGAN: Auxiliary Classifier GANs with Stable Training, 2021, arXiv:2111.01118

ACGAN's classifier has gradients that explode with the norms of features, and knows nothing of how
images relate. Here features f and classes w are unit vectors, and the data-to-data cross-entropy
of image i is -log of a / (a + b) with a = exp(min(f_i . w_(y_i) - m, 0) / t) and b the sum of
exp(max(f_i . f_k - (1 - m), 0) / t) over the images k of other classes: easy pairs, beyond the
margins, do not count. ``weight`` times it is added to the discriminator's loss for real images, and
to the generator's for its own. m is 0.98; weight and t are the authors' for CIFAR-10.

Departs from the paper: networks and recipe are those of the backbone, DCGAN's by default, with
labels appended to the latent; the sphere has 128 dimensions, not 512.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench import (
    GAN,
    DataSpec,
    Hooks,
    Scored,
    Terms,
    Turn,
    build_backbone,
    losses,
    register,
)
from ganbench.backbone import classes_needed
from ganbench.nn.features import ContrastiveDiscriminator, gathered
from ganbench.tricks.spectral_norm import SpectralNorm

FEATURES = SPHERE = 128


@dataclass(frozen=True)
class DataToData(Hooks):
    """Adds ``weight`` times the cross-entropy of what the discriminator places on the sphere."""

    weight: float
    temperature: float
    margin: float

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Place real images near their class and apart from those of others."""
        return {"class": self.weight * self.cross_entropy(turn.real, turn)}

    def generator_terms(self, turn: Turn) -> Terms:
        """Make images that are placed so."""
        return {"class": self.weight * self.cross_entropy(turn.fake, turn)}

    def cross_entropy(self, scored: Scored, turn: Turn) -> Tensor:
        """Return the mean cross-entropy of examples, over the batch of all processes."""
        places, classes, labels = gathered(scored, turn)
        to_class = (places * classes).sum(1, keepdim=True)  # (B, 1)
        own = (to_class - self.margin).clamp(max=0) / self.temperature
        others = (places @ places.T - (1 - self.margin)).clamp(min=0) / self.temperature  # (B, B)
        others = others.masked_fill(labels == labels[:, None], -torch.inf)
        return (torch.cat([own, others], 1).logsumexp(1) - own[:, 0]).mean()


@register
def reacgan(
    data: DataSpec,
    *,
    backbone: str = "auto",
    weight: float = 0.5,
    temperature: float = 0.5,
    margin: float = 0.98,
) -> GAN:
    """ReACGAN: a classifier with data-to-data cross-entropy."""
    classes = classes_needed("reacgan", data)
    networks = build_backbone(backbone, data, batch_norm=False)
    return GAN(
        generator=networks.labeled_generator(classes),
        discriminator=lambda shape: ContrastiveDiscriminator(
            networks.network(shape, FEATURES), FEATURES, classes, SPHERE
        ),
        loss=losses.hinge,
        hooks=DataToData(weight, temperature, margin),
        tricks=[SpectralNorm()],
        conditional=True,
        recipe=networks.recipe,
    )
