# SPDX-License-Identifier: MIT
"""PacGAN: a discriminator that sees several examples at once notices a lack of variety."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor, nn

from ganbench.config import Recipe
from ganbench.errors import ConfigError
from ganbench.gan import GAN, DataSpec, DiscriminatorFactory, Shape
from ganbench.registry import register
from ganbench.trick import Trick, overridden_hooks


@register("pacgan")
@dataclass(frozen=True)
class PacGAN(Trick):
    """Lets the discriminator judge packs of examples, all real or all fake, instead of single ones.

    Paper: Lin, Khetan, Fanti and Oh, 2018, arXiv:1712.04086

    ``D(x_1, ..., x_m)``: consecutive examples of a batch are stacked along the channels of images
    or the coordinates of points, so that only the first layer grows. ``size`` (m) is 2 to 4. A
    batch of B examples gives B / m logits; the authors' code has B packs, of m times as many.
    """

    size: Annotated[int, Field(ge=1)] = 2

    neutral: ClassVar = {"size": 1}

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse models that treat examples singly, and batches that do not divide into packs.

        Raises:
            ConfigError: The model is conditional, or has hooks on what the discriminator sees or
                says of each example, or the batch size is no multiple of the size.
        """
        if self.size == 1:
            return
        if gan.conditional:
            raise ConfigError(
                "pacgan packs examples regardless of their class, and the model is conditional.",
                "Remove the trick, or choose a model without labels: ganbench ls models",
            )
        if gan.hooks and overridden_hooks(gan.hooks) & {"see", "discriminator_terms"}:
            raise ConfigError(
                "pacgan lets the discriminator judge packs of examples, and this model shows it "
                "something else with each example, or reads something of each.",
                "Remove the trick, or choose another model: ganbench ls models",
            )
        if recipe.batch_size % self.size:
            raise ConfigError(
                f"pacgan needs a batch size that is a multiple of {self.size}, "
                f"not {recipe.batch_size}.",
                f"For example: --batch-size {-(-recipe.batch_size // self.size) * self.size}",
            )

    def check_parts(self, part: int, processes: int) -> None:
        """Refuse parts of a batch that do not divide into packs.

        Raises:
            ConfigError: A part is no multiple of the size.
        """
        if part % self.size:
            batch_size = -(-part // self.size) * self.size * processes
            raise ConfigError(
                f"pacgan needs a multiple of {self.size} examples in each process, and each of "
                f"{processes} processes has {part} of a batch.",
                f"For example: --batch-size {batch_size}",
            )

    def wrap_discriminator(
        self, build: DiscriminatorFactory, data: DataSpec
    ) -> DiscriminatorFactory:
        """Build the discriminator for the shape of a pack, and pack its input."""
        if self.size == 1:
            return build

        def packing(shape: Shape) -> nn.Module:
            first, *rest = shape
            return Packing(build((self.size * first, *rest)), self.size)

        return packing


class Packing(nn.Module):
    """A discriminator whose input is packed first: (B, C, ...) -> (B / size, size * C, ...)."""

    def __init__(self, network: nn.Module, size: int) -> None:
        super().__init__()
        self.network = network
        self.size = size

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, object]:
        """Map images (B, C, ...) to logits (B / size, ...); B must be a multiple of the size."""
        count, channels, *rest = images.shape
        packs = images.reshape(count // self.size, self.size * channels, *rest)
        output: Tensor | tuple[Tensor, object] = self.network(packs)
        return output
