# SPDX-License-Identifier: MIT
"""ADA: the discriminator sees augmented images, the more often the more it overfits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from ganbench.config import Recipe
from ganbench.errors import ConfigError
from ganbench.gan import GAN, DataSpec
from ganbench.images_per_update import images_per_update
from ganbench.nn.mirror import mirrored
from ganbench.registry import register
from ganbench.state import State
from ganbench.trick import Trick, TrickState, hooks_name
from ganbench.tricks.diffaugment import refuse_further_images, refuse_sources
from ganbench.turn import Scored, Seen, Turn


@register("ada")
@dataclass(frozen=True)
class ADA(Trick):
    """Augments all images that the discriminator sees, with a probability p that is controlled.

    Paper: Karras et al., 2020, arXiv:2006.06676

    ``p <- clip(p + sign(r - target) * n / (1000 * speed_kimg), 0, 1)`` after every ``every``
    updates, with ``r = E sign(D(x))`` over the real examples of these updates and the number n of
    real images shown for them; the second batch of extragradient counts too. The authors' code does
    not clip p at 1, beyond which it only takes longer to come back. The sign tells real
    from fake where the loss has its boundary at a logit of 0, as the logistic and hinge losses do.
    ``target`` is 0.6 and ``speed_kimg`` 500, of trainings of 25,000 kimg: p gets nowhere in short
    ones at that speed. p starts at ``initial``.

    Of the paper's augmentations there are the following, each applied to an image with probability
    p: a ``flip`` from left to right and a ``rotation`` by a multiple of 90 degrees, a
    ``translation`` by whole pixels up to this share of the size, a ``scale`` by 2^N(0, scale^2),
    then brightness by N(0, 0.2^2), contrast by 2^N(0, 0.5^2) and, of RGB images, saturation by
    2^N(0, 1), whose exponents and standard deviations ``color`` multiplies. Margins are filled by
    reflection. 0 turns an augmentation off. The paper has quarter turns on; here they are off by
    default, as flips are, because they change what digits and letters mean: a 6 becomes a 9. Left
    out are rotation by other angles, translation by parts of a pixel, unequal scaling, luma flip,
    hue, filters, noise and cutout.
    """

    target: Annotated[float, Field(ge=-1, le=1)] = 0.6
    speed_kimg: Annotated[float, Field(gt=0)] = 500.0
    every: Annotated[int, Field(ge=1)] = 4
    initial: Annotated[float, Field(ge=0, le=1)] = 0.0
    flip: bool = False
    rotation: bool = False
    translation: Annotated[float, Field(ge=0, lt=1)] = 0.125
    scale: Annotated[float, Field(ge=0)] = 0.2
    color: Annotated[float, Field(ge=0)] = 1.0

    neutral: ClassVar = {"target": 1.0, "initial": 0.0}
    needs_ordered_logits: ClassVar = True

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse data other than images, sources, and turns of oblong images.

        Raises:
            ConfigError: The data are of another kind, the model gets a source for each image, or
                images to be rotated are not square.
        """
        if not data.is_image:
            raise ConfigError(
                f"ada changes images, and {data.name} has {data.plural} of {data.size} numbers.",
                "Remove the trick, or choose images: ganbench ls datasets",
            )
        if self.rotation and data.shape[1] != data.shape[2]:
            raise ConfigError(
                f"ada rotates by 90 degrees, and the images of {data.name} are not square.",
                "Turn the rotation off: --trick ada:rotation=false",
            )
        refuse_sources("ada", gan)

    def start(self, state: State) -> TrickState:
        """Start with the initial probability, and no signs."""
        return {
            "p": torch.tensor(self.initial, device=state.device),
            "signs": torch.tensor(0.0, device=state.device),
        }

    def see(self, seen: Seen, scored: Scored, turn: Turn) -> Seen:
        """Return augmented images (B, C, H, W) with their condition.

        Raises:
            ConfigError: The discriminator is shown several images of each example.
        """
        refuse_further_images("ada", seen.condition)
        p = turn.state.tensor_of(self, "p")
        return seen.replace(images=self.augment(seen.images, p, turn.random(self)))

    @torch.no_grad()
    def after_step(self, turn: Turn) -> None:
        """Note the signs of the real logits, and move the probability when it is due."""
        if turn.role == "discriminator":
            follow_signs(
                self, turn, target=self.target, speed_kimg=self.speed_kimg, every=self.every
            )

    def augment(self, images: Tensor, p: Tensor, stream: torch.Generator) -> Tensor:
        """Return images (B, C, H, W) after augmentations, each with probability p, a scalar."""
        count, device, dtype = len(images), images.device, images.dtype

        def uniform() -> Tensor:
            return torch.rand(count, generator=stream, device=device, dtype=dtype)

        def normal() -> Tensor:
            return torch.randn(count, generator=stream, device=device, dtype=dtype)

        def chosen() -> Tensor:
            return uniform() < p

        if self.flip:
            flipped = chosen() & (uniform() < 0.5)
            images = torch.where(_spread(flipped), images.flip(3), images)
        if self.rotation:
            images = _rotate(images, torch.where(chosen(), (4 * uniform()).floor(), 0.0))
        if self.translation or self.scale:
            moved, scaled = chosen(), chosen()
            factors = torch.where(scaled, torch.exp2(self.scale * normal()), 1.0)
            vertical, horizontal = (
                _weights(size, torch.where(moved, self._shift(size, uniform()), 0.0), factors)
                for size in images.shape[2:]
            )
            resampled = vertical[:, None] @ images @ horizontal[:, None].mT
            # Products of lower precision, such as TF32, round even where nothing moves.
            images = torch.where(_spread(moved | scaled), resampled, images)
        if self.color:
            brightness = torch.where(chosen(), 0.2 * self.color * normal(), 0.0)
            contrast = torch.where(chosen(), torch.exp2(0.5 * self.color * normal()), 1.0)
            images = (images + _spread(brightness)) * _spread(contrast)
            if images.shape[1] == 3:
                saturation = torch.where(chosen(), torch.exp2(self.color * normal()), 1.0)
                gray = images.mean(1, keepdim=True)  # (B, 1, H, W)
                images = torch.lerp(gray, images, _spread(saturation))
        return images

    def _shift(self, size: int, share: Tensor) -> Tensor:
        """Return whole numbers of pixels (B,), for uniform numbers in [0, 1)."""
        return ((2 * share - 1) * self.translation * size).round()


def follow_signs(trick: Trick, turn: Turn, *, target: float, speed_kimg: float, every: int) -> None:
    """Note the signs of real logits, and move the probability ``p`` of a trick when it is due.

    Args:
        trick: The trick, which has gathered ``p``, and the mean of ``signs`` since the last move.
        turn: The discriminator's turn.
        target: The mean sign above which p rises.
        speed_kimg: The number of real images, in thousands, in which p may move by one.
        every: The number of updates from move to move.
    """
    state = turn.state
    p, signs = state.tensor_of(trick, "p"), state.tensor_of(trick, "signs")
    (sign,) = state.group.average([turn.real.logits.sign().mean().to(signs)])
    signs = signs + sign / every
    if state.updates["discriminator"] % every == 0:
        images = every * images_per_update(state, "discriminator")
        step = images / (1000 * speed_kimg)
        p = (p + step * (signs - target).sign()).clamp(0, 1)
        signs = torch.zeros_like(signs)
    state.memory_of(trick).update(p=p, signs=signs)
    state.statistics.add(f"{hooks_name(trick)}/p", p)


def _spread(values: Tensor) -> Tensor:
    """Return one value for each image, (B,), in a shape that fits images: (B, 1, 1, 1)."""
    return values[:, None, None, None]


def _rotate(images: Tensor, quarters: Tensor) -> Tensor:
    """Turn each image (B, C, N, N) by a number of quarters (B,), 0 to 3."""
    rotated = images
    for quarter in (1, 2, 3):
        rotated = torch.where(_spread(quarters == quarter), images.rot90(quarter, (2, 3)), rotated)
    return rotated


def _weights(size: int, shifts: Tensor, factors: Tensor) -> Tensor:
    """Return the matrices (B, size, size) that move the pixels of a line, then scale the line.

    Pixels are interpolated linearly. A product with a matrix can be differentiated any number of
    times, which penalties on gradients need.

    Args:
        size: The number of pixels of the line.
        shifts: How far each line is moved, (B,) in pixels.
        factors: The factors (B,) by which lines then grow around their middle.
    """
    last = size - 1
    place = torch.arange(size, device=shifts.device, dtype=shifts.dtype)  # (size,)
    centered = (place - last / 2) / factors[:, None]  # (B, size)
    source = last / 2 + centered - shifts[:, None]
    reflected = mirrored(source, last)
    return (1 - (reflected[:, :, None] - place).abs()).clamp(min=0)  # (B, size, size)
