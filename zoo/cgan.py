# SPDX-License-Identifier: MIT
"""CGAN: both networks are told the class, so that samples can be drawn by class.

Paper: Mirza and Osindero, Conditional Generative Adversarial Nets, 2014, arXiv:1411.1784

min over G, max over D of E log D(x | y) + E log(1 - D(G(z | y) | y)). The generator's latent has
the label appended. The discriminator maps the label to 50 features, the image to others, and a
hidden layer looks at both together.

Departs from the paper: networks and recipe are those of the backbone, in place of perceptrons, whose
discriminator has maxout layers and dropout; the paper's generator maps latent and label to hidden
layers of their own before it joins them; the generator minimizes -log D, not log(1 - D).
"""

from torch import nn

from ganbench import GAN, DataSpec, build_backbone, losses, register
from ganbench.backbone import classes_needed
from ganbench.nn.pairs import PairDiscriminator

FEATURES, LABEL_FEATURES = 128, 50


@register
def cgan(data: DataSpec, *, backbone: str = "auto") -> GAN:
    """CGAN: labels enter both networks by concatenation."""
    classes = classes_needed("cgan", data)
    networks = build_backbone(backbone, data)
    return GAN(
        generator=networks.labeled_generator(classes),
        discriminator=lambda shape: PairDiscriminator(
            networks.network(shape, FEATURES),
            FEATURES,
            nn.Embedding(classes, LABEL_FEATURES),
            LABEL_FEATURES,
        ),
        loss=losses.non_saturating,
        conditional=True,
        recipe=networks.recipe,
    )
