# SPDX-License-Identifier: MIT
"""ContraGAN: images lie near their class and near each other on a sphere, apart from others.

Paper: Kang and Park, ContraGAN: Contrastive Learning for Conditional Image Generation, 2020, arXiv:2006.12681

The discriminator places an image at l(x) and a class at e(y), unit vectors both. The conditional
contrastive loss 2C of image i is -log of a quotient (equation 8): above, exp(l_i . e(y_i) / t) and
exp(l_i . l_k / t) for the other images k of its class in the batch; below, the same for all other
images. ``weight`` times 2C is added to the discriminator's loss for real images, and to the
generator's for its own. The logit of the hinge loss knows no class.

Departs from the paper: networks and recipe are those of the backbone, DCGAN's by default, with one
step of the discriminator in place of five, and with labels appended to the latent; the sphere has
128 dimensions, not 512; t stays at 1.
"""

from dataclasses import dataclass

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
from ganbench.tricks.contrastive import class_contrast
from ganbench.tricks.spectral_norm import SpectralNorm

FEATURES = SPHERE = 128


@dataclass(frozen=True)
class ClassContrast(Hooks):
    """Adds ``weight`` times the 2C loss of what the discriminator places on the sphere."""

    weight: float
    temperature: float

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Place real images near their class and near each other."""
        return {"contrast": self.weight * self.contrast(turn.real, turn)}

    def generator_terms(self, turn: Turn) -> Terms:
        """Make images that are placed so."""
        return {"contrast": self.weight * self.contrast(turn.fake, turn)}

    def contrast(self, scored: Scored, turn: Turn) -> Tensor:
        """Return the mean 2C loss of examples, over the batch of all processes."""
        return class_contrast(*gathered(scored, turn), temperature=self.temperature)


@register
def contragan(
    data: DataSpec, *, backbone: str = "auto", weight: float = 1.0, temperature: float = 1.0
) -> GAN:
    """ContraGAN: contrasts between classes and between images."""
    classes = classes_needed("contragan", data)
    networks = build_backbone(backbone, data, batch_norm=False)
    return GAN(
        generator=networks.labeled_generator(classes),
        discriminator=lambda shape: ContrastiveDiscriminator(
            networks.network(shape, FEATURES), FEATURES, classes, SPHERE
        ),
        loss=losses.hinge,
        hooks=ClassContrast(weight, temperature),
        tricks=[SpectralNorm()],
        conditional=True,
        recipe=networks.recipe,
    )
