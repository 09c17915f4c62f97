# SPDX-License-Identifier: MIT
"""CoGAN: two GANs with shared layers make pairs of images, though none are shown to them.

Paper: Liu and Tuzel, Coupled Generative Adversarial Networks, 2016, arXiv:1606.07536

Two generators make the images of two domains from the same latent; they share all layers but the
last, so that a latent means the same in both. Two discriminators share all layers but the first,
and each judges one domain. Real images of the domains come from different examples: that samples
belong together is learned from the marginal distributions alone.

The second domain is made of the data, as in the paper's experiments with digits: ``edges``
are the dilation of an image minus the image, ``negative`` is its negative. A sample is the image
of the first domain, with that of the second next to it (``made``).

Departs from the paper: networks and recipe are those of the backbone; the discriminators' own
layers are convolutions of 3 x 3 pixels in front of it; both domains come from all examples, in
different rows of a batch, not from different halves of the data. Where the backbone's
discriminator has batch normalization, it normalizes each domain by itself; the authors' has none.
Edges are learned more slowly than images.
"""

from dataclasses import dataclass, replace
from typing import Literal

from torch import Tensor
from torch.nn.functional import max_pool2d

from ganbench import (
    GAN,
    DataSpec,
    Hooks,
    Scored,
    Seen,
    Turn,
    build_backbone,
    losses,
    register,
)
from ganbench.backbone import images_only
from ganbench.nn.coupled import CoupledDiscriminator, CoupledGenerator

Domain = Literal["edges", "negative"]
MAPS = 16


@dataclass(frozen=True)
class TwoDomains(Hooks):
    """Shows the discriminators images of both domains."""

    domain: Domain

    def see(self, seen: Seen, scored: Scored, turn: Turn) -> Seen:
        """Add the other image that was made, or those of other examples; the rest bring theirs."""
        if scored.kind == "other":
            return seen
        if scored.made is not None:
            return seen.replace(condition=scored.made)
        return seen.replace(condition=(self.other(scored.batch.images.roll(1, 0)),))

    def other(self, images: Tensor) -> Tensor:
        """Return images (B, C, H, W) in [-1, 1] in the second domain."""
        if self.domain == "negative":
            return -images
        return max_pool2d(images, 3, stride=1, padding=1) - images - 1


@register
def cogan(data: DataSpec, *, backbone: str = "auto", domain: Domain = "edges") -> GAN:
    """CoGAN: coupled GANs for images and their edges, or their negatives."""
    images_only("cogan", data)
    channels, *size = data.shape
    networks = build_backbone(backbone, data)
    both = build_backbone(backbone, replace(data, shape=(2 * channels, *size)))
    return GAN(
        generator=lambda latent_dim: CoupledGenerator(both.generator(latent_dim)),
        discriminator=lambda shape: CoupledDiscriminator(
            networks.network((MAPS, *shape[1:]), 1), shape[0], MAPS
        ),
        loss=losses.non_saturating,
        hooks=TwoDomains(domain),
        recipe=networks.recipe,
    )
