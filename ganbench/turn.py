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
    """Images (B, *shape) and what the discriminator says of them, computed when first asked for."""

    def __init__(self, turn: Turn, images: Tensor, condition: Labels) -> None:
        # A leaf that requires grad costs nothing unless a penalty differentiates: the backward
        # pass of a loss stops at the player's own parameters.
        self.images = images if images.requires_grad else images.detach().requires_grad_()
        self._turn: Turn | None = turn
        self._condition = condition

    @cached_property
    def _output(self) -> tuple[Tensor, Any]:
        # Needed once, and let go of: a cycle would keep the graph until the collector came by.
        turn, self._turn = self._turn, None
        assert turn is not None
        condition = turn.state.tricks.condition(self._condition, self, turn)
        with turn.state.autocast():
            output = turn.discriminate(turn.state.tricks.view(self.images, turn), condition)
        return output if isinstance(output, tuple) else (output, None)

    @cached_property
    def logits(self) -> Tensor:
        """The discriminator's logits (B, ...), float32 or wider, through the views."""
        logits = self._output[0]
        return logits.float() if logits.dtype in {torch.bfloat16, torch.float16} else logits

    @property
    def extras(self) -> Any:
        """What the discriminator returned beside the logits, or None."""
        return self._output[1]

    @cached_property
    def gradients(self) -> Tensor:
        """The gradient of each logit in what it was computed from, (logits, values).

        Differentiable, so that penalties can be built of it. With PacGAN a logit belongs to a
        pack of images and its gradient spans them all; several logits of one image are summed.
        """
        total = self.logits.sum()
        (gradient,) = torch.autograd.grad(total, self.images, create_graph=True)
        return gradient.reshape(len(self.logits), -1)


class Turn:
    """What one player's turn works with: real and fake examples, latents, and the networks.

    ``role`` says whose turn it is. In the discriminator's turn the fakes are drawn without the
    generator's graph; in the generator's they carry it.
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
        """The generator's examples, as many as real ones."""
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
        """The discriminator of this turn: in the generator's, a trick may provide another."""
        if self._discriminate is not None:
            return self._discriminate
        opponent = self.state.tricks.opponent(self) if self.role == "generator" else None
        return opponent or self.state.discriminate

    def generate(self, latents: Tensor, labels: Labels = None) -> Tensor:
        """Map latents (B, latent_dim) to images (B, *shape)."""
        with self.state.autocast():
            images = self.state.generate(latents, labels)
        return images.float() if images.dtype in {torch.bfloat16, torch.float16} else images

    def judge(self, images: Tensor, labels: Labels = None) -> Scored:
        """Let the discriminator see further images (B, *shape), such as interpolates."""
        return Scored(self, images, labels)

    def random(self, trick: Trick) -> torch.Generator:
        """Return the random stream of a trick, which no other purpose draws from."""
        return self.state.streams[f"trick/{name_of(trick)}"]
