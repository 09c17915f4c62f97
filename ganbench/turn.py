# SPDX-License-Identifier: MIT
"""One player's turn as the loss terms see it: each forward pass is made once, when asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ganbench.gan import Batch, Labels, Role
from ganbench.registry import name_of
from ganbench.trick import Discriminate, Trick

if TYPE_CHECKING:
    from ganbench.state import State


class Scored:
    """Images (B, *shape) and the discriminator's verdict on them, computed when first asked for.

    Args:
        turn: The turn in which the discriminator sees the images.
        images: The images (B, *shape), before the views that tricks add.
        condition: What enters the discriminator next to them, such as labels (B,); or None.
    """

    def __init__(self, turn: Turn, images: Tensor, condition: Labels) -> None:
        # A leaf that requires grad costs nothing unless a penalty differentiates: the backward
        # pass of a loss stops at the player's own parameters.
        self.images = images if images.requires_grad else images.detach().requires_grad_()
        self._turn: Turn | None = turn
        self._condition = condition

    @cached_property
    def _output(self) -> tuple[Tensor, Any]:
        # The turn is needed once, then released: a cycle would keep the graph alive until the
        # garbage collector ran.
        turn, self._turn = self._turn, None
        assert turn is not None
        condition = turn.state.tricks.condition(self._condition, self, turn)
        with turn.state.autocast():
            output = turn.discriminate(turn.state.tricks.view(self.images, turn), condition)
        return output if isinstance(output, tuple) else (output, None)

    @cached_property
    def logits(self) -> Tensor:
        """The discriminator's logits (B, ...) for the images as viewed, in float32 or wider."""
        return _at_least_float32(self._output[0])

    @property
    def extras(self) -> Any:
        """What the discriminator returned next to the logits, or None."""
        return self._output[1]

    @cached_property
    def gradients(self) -> Tensor:
        """The gradient of each logit with respect to its images, (logits, values).

        It is differentiable, so that penalties can be built from it. With PacGAN a logit belongs
        to a pack of images, and its gradient spans them all; several logits of one image are
        summed.
        """
        total = self.logits.sum()
        (gradient,) = torch.autograd.grad(total, self.images, create_graph=True)
        return gradient.reshape(len(self.logits), -1)


class Turn:
    """What one player works with in its turn: real and fake examples, latents, and the networks.

    In the discriminator's turn the fakes are drawn without the generator's graph; in the
    generator's turn they carry it.

    Args:
        state: The training state.
        role: The player whose turn it is.
        batch: The real examples.
        discriminate: The discriminator of this turn; None for the state's own, or for the
            opponent that a trick provides to the generator.
        fakes: Examples (B, *shape) to use in place of the generator's.
    """

    def __init__(
        self,
        state: State,
        role: Role,
        batch: Batch,
        *,
        discriminate: Discriminate | None = None,
        fakes: Tensor | None = None,
    ) -> None:
        self.state = state
        self.role: Role = role
        self.batch = batch
        self.labels = batch.labels if state.conditional else None
        self._discriminate = discriminate
        self._fakes = fakes

    @cached_property
    def latents(self) -> Tensor:
        """The latents (B, latent_dim) of this turn's fakes."""
        drawn = self.state.draw_latents(len(self.batch))
        return self.state.tricks.latents(drawn, self)

    @cached_property
    def real(self) -> Scored:
        """The real examples of the batch."""
        images = self.batch.images
        if self.role == "discriminator":
            images = self.state.tricks.reals(images, self)
        return Scored(self, images, self.labels)

    @cached_property
    def fake(self) -> Scored:
        """The generator's examples, as many as there are real ones."""
        if self._fakes is not None:
            images = self._fakes
        elif self.role == "generator":
            images = self.generate(self.latents, self.labels)
        else:
            latents = self.latents
            with torch.no_grad():  # the generator does not learn now: its graph is not needed
                # Detached, because even here a view of a weight would require a gradient.
                images = self.generate(latents, self.labels).detach()
            images = self.state.tricks.fakes(images, self)
        return Scored(self, images, self.labels)

    @cached_property
    def discriminate(self) -> Discriminate:
        """The discriminator of this turn: in the generator's turn, a trick may provide another."""
        if self._discriminate is not None:
            return self._discriminate
        opponent = self.state.tricks.opponent(self) if self.role == "generator" else None
        return opponent or self.state.discriminate

    def generate(self, latents: Tensor, labels: Labels = None) -> Tensor:
        """Map latents (B, latent_dim) to images (B, *shape), in float32 or wider."""
        with self.state.autocast():
            images = self.state.generate(latents, labels)
        return _at_least_float32(images)

    def judge(self, images: Tensor, labels: Labels = None) -> Scored:
        """Let the discriminator see further images (B, *shape), such as interpolates."""
        return Scored(self, images, labels)

    def random(self, trick: Trick) -> torch.Generator:
        """Return the random stream of a trick, which no other purpose draws from."""
        return self.state.streams[f"trick/{name_of(trick)}"]


def _at_least_float32(values: Tensor) -> Tensor:
    """Return values of a half-precision format as float32, others as they are."""
    return values.float() if values.dtype in {torch.bfloat16, torch.float16} else values
