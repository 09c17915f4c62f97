# SPDX-License-Identifier: MIT
"""One player's turn as the hooks see it: each forward pass is made once, when asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ganbench.gan import Batch, Condition, Role
from ganbench.runtime.global_random import Position, position, replayed
from ganbench.trick import Discriminate, Hooks, Terms, hooks_name

if TYPE_CHECKING:
    from ganbench.state import State

ExampleKind = Literal["real", "fake", "other"]
"""What examples are: of the data, of the generator, or neither, such as interpolates."""


@dataclass(frozen=True)
class Seen:
    """What the discriminator is shown: examples (B, *shape), and their condition or None."""

    images: Tensor
    condition: Condition = None

    def replace(self, **changes: Any) -> Seen:
        """Return a copy with ``images`` or ``condition`` replaced."""
        return replace(self, **changes)


class Scored:
    """Examples and the discriminator's verdict on them, computed when first asked for.

    Args:
        turn: The turn in which the discriminator is shown the examples.
        batch: The examples and what belongs to them.
        kind: What the examples are.
        condition: What enters the discriminator next to them, before hooks change it.
        discriminate: The discriminator; None for that of the turn.
        seen: What the discriminator is shown; None for the examples and the condition, as hooks
            change them.
    """

    def __init__(
        self,
        turn: Turn,
        batch: Batch,
        kind: ExampleKind,
        condition: Condition,
        *,
        discriminate: Discriminate | None = None,
        seen: Seen | None = None,
    ) -> None:
        # A leaf that requires grad costs nothing unless a penalty differentiates: the backward
        # pass of a loss stops at the player's own parameters.
        images = batch.images
        self.images = images if images.requires_grad else images.detach().requires_grad_()
        self.batch = batch
        self.kind: ExampleKind = kind
        self._turn: Turn | None = turn
        self._condition = condition
        self._discriminate = discriminate
        self._seen = seen

    @cached_property
    def _shown(self) -> tuple[Seen, Tensor, Any, dict[str, tuple[Tensor, ...]]]:
        # The turn is needed once, then released: a cycle would keep the graph alive until the
        # garbage collector ran.
        turn, self._turn = self._turn, None
        assert turn is not None
        seen = self._seen
        if seen is None:
            seen = turn.state.tricks.see(Seen(self.images, self._condition), self, turn)
        discriminate = self._discriminate or turn.discriminate
        with turn.state.autocast(), turn.state.noting() as noted:
            output = discriminate(seen.images, seen.condition)
        logits, extras = output if isinstance(output, tuple) else (output, None)
        return seen, _at_least_float32(logits), extras, noted

    @property
    def made(self) -> Any:
        """What the generator returned next to the examples, or None."""
        return self.batch.made

    @property
    def seen(self) -> Seen:
        """What the discriminator was shown."""
        return self._shown[0]

    @property
    def logits(self) -> Tensor:
        """The discriminator's logits (B, ...) for what it was shown, in float32 or wider.

        A higher logit means that it takes an example for more real.
        """
        return self._shown[1]

    @property
    def extras(self) -> Any:
        """What the discriminator returned next to the logits, or None."""
        return self._shown[2]

    def noted(self, hooks: Hooks) -> tuple[Tensor, ...]:
        """Return what entered the part of the discriminator that a trick or variant watches.

        The values are float32 or wider.
        """
        return tuple(_at_least_float32(values) for values in self._shown[3][hooks_name(hooks)])

    @cached_property
    def gradients(self) -> Tensor:
        """The gradient of each example's logit with respect to the example, (logits, values).

        It is differentiable, so that penalties can be built from it. Where an example has several
        logits, as with a patch discriminator, it is the gradient of their mean, so that a penalty
        does not grow with their number. With PacGAN a logit belongs to a pack of examples, and its
        gradient spans them all.
        """
        logits = self.logits
        single = logits.numel() == len(logits)
        total = logits.sum() if single else logits.flatten(1).mean(1).sum()
        (gradient,) = torch.autograd.grad(total, self.images, create_graph=True)
        return gradient.reshape(len(logits), -1)


class Turn:
    """What one player works with in its turn: real and fake examples, latents, and the networks.

    In the discriminator's turn the fakes are drawn without the generator's graph; in the
    generator's turn they carry it.

    Args:
        state: The training state.
        role: The player whose turn it is.
        batch: The real examples.
        beside: A turn of the same moment, whose latents this one shares: the generator's turn
            around a discriminator's inner step, or the other player's where both move at once.
        discriminate: The discriminator of this turn; None for the state's own, or for the
            opponent that a trick provides to the generator.
        fakes: Examples to use in place of the generator's, with what belongs to them.
    """

    def __init__(
        self,
        state: State,
        role: Role,
        batch: Batch,
        *,
        beside: Turn | None = None,
        discriminate: Discriminate | None = None,
        fakes: Batch | None = None,
    ) -> None:
        self.state = state
        self.role: Role = role
        self.batch = batch
        self.terms: Terms = {}
        """The terms of the player's objective, once they have been computed."""
        self._beside = beside
        self._discriminate = discriminate
        self._fakes = fakes
        self._notes: dict[str, dict[str, Tensor]] = {}

    @cached_property
    def latents(self) -> Tensor:
        """The latents (B, latent_dim) of this turn's fakes."""
        if self._beside is not None:
            return self._beside.latents
        drawn = self.state.draw_latents(len(self.batch))
        return self.state.tricks.latents(drawn, self)

    @cached_property
    def condition(self) -> Condition:
        """What the generator gets as a second argument: labels, sources, or what a variant says."""
        return self.state.tricks.condition(self.state.condition_of(self.batch), self)

    @cached_property
    def real(self) -> Scored:
        """The real examples of the batch."""
        batch = self.batch
        if self.role == "discriminator":
            batch = self.state.tricks.reals(batch, self)
        return Scored(self, batch, "real", self.state.condition_of(batch))

    @property
    def fake(self) -> Scored:
        """The generator's examples, as many as there are real ones."""
        return self._fake_and_noise[0]

    @cached_property
    def _fake_and_noise(self) -> tuple[Scored, Position]:
        """The generator's examples, and where the networks' own random numbers were before them."""
        noise = position(self.state.device)
        if self._fakes is not None:
            batch = self._fakes
            noise = self._beside._fake_and_noise[1] if self._beside else noise
        elif self.role == "generator":
            images, made = self.make(self.latents, self.condition)
            batch = self._generated(images, made)
        else:
            latents = self.latents
            # The generator does not learn now: its graph is needed only where the latents have one.
            with torch.set_grad_enabled(latents.requires_grad):
                images, made = self.make(latents, self.condition)
            if not latents.requires_grad:
                images = images.detach()  # even here a view of a weight would require a gradient
            batch = self.state.tricks.fakes(self._generated(images, made), self)
        return Scored(self, batch, "fake", self.state.condition_of(batch)), noise

    def _generated(self, images: Tensor, made: Any) -> Batch:
        """Return the generator's images with what belongs to them."""
        return Batch(images, self.batch.labels, self.batch.source, self.latents, made)

    @cached_property
    def discriminate(self) -> Discriminate:
        """The discriminator of this turn: in the generator's turn, a trick may provide another."""
        if self._discriminate is not None:
            return self._discriminate
        opponent = self.state.tricks.opponent(self) if self.role == "generator" else None
        return opponent or self.state.discriminate

    def make(
        self,
        latents: Tensor,
        condition: Condition = None,
        *,
        tracked: bool = True,
        as_fakes: bool = False,
    ) -> tuple[Tensor, Any]:
        """Map latents (B, latent_dim) to images (B, *shape), and return the generator's extras.

        The images are float32 or wider.

        Args:
            latents: What the generator makes images of.
            condition: What it gets as a second argument.
            tracked: Whether batch normalization moves its running statistics, with which samples
                are drawn. They are those of the prior: pass False for other latents, such as the
                codes of an encoder. Either way it normalizes by the statistics of the batch.
            as_fakes: Whether layers that draw random numbers, such as the noise of a style-based
                generator, draw those of the turn's fakes again, so that images differ from them
                by the latents alone.
        """
        with self.state.autocast(), ExitStack() as stack:
            if not tracked:
                stack.enter_context(_untracked(self.state.generator))
            if as_fakes:
                stack.enter_context(replayed(self._fake_and_noise[1], self.state.device))
            images, extras = self.state.generate(latents, condition)
        return _at_least_float32(images), extras

    def generate(
        self,
        latents: Tensor,
        *,
        discriminate: Discriminate | None = None,
        tracked: bool = True,
        as_fakes: bool = False,
    ) -> Scored:
        """Make further fakes from latents (B, latent_dim), and let the discriminator see them.

        They carry the generator's graph.

        Args:
            latents: What the generator makes images of.
            discriminate: Another discriminator than the turn's.
            tracked: As for ``make``.
            as_fakes: As for ``make``.
        """
        images, made = self.make(latents, self.condition, tracked=tracked, as_fakes=as_fakes)
        batch = replace(self.batch, images=images, latents=latents, made=made)
        condition = self.state.condition_of(batch)
        return Scored(self, batch, "fake", condition, discriminate=discriminate)

    def judge(
        self,
        images: Tensor,
        condition: Condition = None,
        *,
        discriminate: Discriminate | None = None,
    ) -> Scored:
        """Let the discriminator see further examples (B, *shape), or another discriminator."""
        return Scored(self, Batch(images), "other", condition, discriminate=discriminate)

    def again(self, scored: Scored) -> Scored:
        """Let the discriminator see once more exactly what it was shown.

        Layers that draw random numbers, such as dropout, draw others.
        """
        return Scored(self, scored.batch, scored.kind, None, seen=scored.seen)

    def between(self, share: Tensor) -> Scored:
        """Let the discriminator see interpolates of real and fake examples.

        A condition of floating-point numbers that the discriminator is shown, or a tuple of such,
        is interpolated with its example; any other is the real example's.

        Args:
            share: Where on the line from real to fake, (B,) in [0, 1].
        """
        real, fake = self.real, self.fake
        images = _lerp(real.images, fake.images, share)
        return self.judge(images, _mixed(real.seen.condition, fake.seen.condition, share))

    def random(self, hooks: Hooks) -> torch.Generator:
        """Return the random stream of a trick or variant, which no other purpose draws from."""
        return self.state.streams[f"trick/{hooks_name(hooks)}"]

    def notes_of(self, hooks: Hooks) -> dict[str, Tensor]:
        """Return what a trick or variant has noted in this turn, for its ``after_step``.

        Terms must leave everything as it is, but what they computed may be needed once the weights
        have moved. Notes end with the turn.
        """
        return self._notes.setdefault(hooks_name(hooks), {})


@contextmanager
def _untracked(network: nn.Module) -> Iterator[None]:
    """Keep the running statistics of batch normalization as they are while the context lasts."""
    norms = [
        module
        for module in network.modules()
        if isinstance(module, _BatchNorm) and module.training and module.track_running_stats
    ]
    try:
        for norm in norms:
            norm.track_running_stats = False
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True


def _mixed(start: Condition, end: Condition, share: Tensor) -> Condition:
    """Return conditions between those of real and fake examples, or those of the real ones."""
    if isinstance(start, tuple):
        return tuple(_mixed(*pair, share) for pair in zip(start, end, strict=True))
    if isinstance(start, Tensor) and start.is_floating_point():
        return _lerp(start, end, share)
    return start


def _lerp(start: Tensor, end: Tensor, share: Tensor) -> Tensor:
    """Return ``start + share * (end - start)`` for each example (B, ...) and its share (B,)."""
    return torch.lerp(start, end, share.reshape(-1, *[1] * (start.ndim - 1)))


def _at_least_float32(values: Tensor) -> Tensor:
    """Return values of a half-precision format as float32, others as they are."""
    return values.float() if values.dtype in {torch.bfloat16, torch.float16} else values
