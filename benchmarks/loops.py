# SPDX-License-Identifier: MIT
"""ganbench's own loop, and its arithmetic written out by hand.

A loop is an iterator: each ``next`` makes one iteration and gives the number of real images that
the discriminator was shown. ``Careful`` is ganbench's arithmetic without ganbench; ``ganbench`` is
its step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from problems import BATCH, CPU, Problem, adam
from torch import Tensor, nn
from torch.nn.functional import softplus

from ganbench.config import Precision
from ganbench.data.batches import Batches
from ganbench.gan import Batch
from ganbench.state import State
from ganbench.step import alternate
from ganbench.training.build import build_state


class Careful:
    """A GAN trained by hand with ganbench's arithmetic, and without waste.

    Logits and softplus; gradients only in the weights of the player whose turn it is; no graph of
    the generator in the discriminator's turn; R1 in the pass that the real images make anyway;
    fused Adam; bytes in memory, converted batch by batch; convolutions in channels-last.
    """

    def __init__(self, problem: Problem, precision: Precision) -> None:
        recipe = problem.gan.recipe
        self.values = problem.images.values
        self.wasserstein = problem.wasserstein
        self.r1, self.penalty = problem.weight("r1"), problem.weight("gradient-penalty")
        self.steps, self.latent_dim = recipe.discriminator_steps, recipe.latent_dim
        self.bf16 = precision == "bf16"
        self.generator, self.discriminator = (
            network.to(memory_format=torch.channels_last) if problem.model != "vanilla" else network
            for network in problem.networks()
        )
        self.g_weights = list(self.generator.parameters())
        self.d_weights = list(self.discriminator.parameters())
        self.g_optimizer = adam(self.generator, recipe.generator_optimizer, fused=True)
        self.d_optimizer = adam(self.discriminator, recipe.discriminator_optimizer, fused=True)

    def __iter__(self) -> Iterator[int]:
        while True:
            order = torch.randperm(len(self.values))
            last = len(order) - BATCH * self.steps
            for first in range(0, last + 1, BATCH * self.steps):
                for start in range(first, first + BATCH * self.steps, BATCH):
                    chosen = self.values.index_select(0, order[start : start + BATCH])
                    real = chosen.float().mul_(2 / 255).sub_(1)
                    latents = torch.randn(BATCH, self.latent_dim)
                    share = torch.rand(BATCH) if self.penalty else None
                    self.discriminator_turn(real, latents, share)
                self.generator_turn(torch.randn(BATCH, self.latent_dim))
                yield BATCH * self.steps

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context of a turn's forward passes, in which a weight is rounded once."""
        return torch.autocast("cpu", torch.bfloat16) if self.bf16 else nullcontext()

    def discriminator_turn(self, real: Tensor, latents: Tensor, share: Tensor | None) -> None:
        """Update the discriminator; ``share`` (B,) places the interpolates of WGAN-GP."""
        if self.r1:
            real.requires_grad_()
        with self.autocast():
            real_logits = self.discriminator(real).float()
            with torch.no_grad():
                fake = self.generator(latents).float()
            fake_logits = self.discriminator(fake).float()
            if share is not None:
                between = torch.lerp(real, fake, share.view(-1, 1, 1, 1)).requires_grad_()
                between_logits = self.discriminator(between).float()
        if self.wasserstein:
            loss = (-real_logits).mean() + fake_logits.mean()
        else:
            loss = softplus(-real_logits).mean() + softplus(fake_logits).mean()
        if share is not None:
            slopes = torch.linalg.vector_norm(slope(between_logits, between), dim=1)
            loss = loss + self.penalty * (slopes - 1).square().mean()
        if self.r1:
            squares = slope(real_logits, real).square().sum(1)
            loss = loss + 0.5 * self.r1 * squares.mean()
        descend(self.d_optimizer, self.d_weights, loss)

    def generator_turn(self, latents: Tensor) -> None:
        """Update the generator."""
        with self.autocast():
            logits = self.discriminator(self.generator(latents).float()).float()
        loss = (-logits).mean() if self.wasserstein else softplus(-logits).mean()
        descend(self.g_optimizer, self.g_weights, loss)


def slope(logits: Tensor, images: Tensor) -> Tensor:
    """Return the gradient (B, values) of each logit in its image, with its graph."""
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.reshape(len(images), -1)


def descend(optimizer: torch.optim.Optimizer, weights: list[nn.Parameter], loss: Tensor) -> None:
    """Move weights down the gradient of a loss, computing no other gradient."""
    for weight in weights:
        weight.grad = None
    torch.autograd.backward(loss, inputs=weights)
    optimizer.step()


def ganbench_state(problem: Problem, precision: Precision) -> State:
    """Return ganbench's training state with the recipe's defaults."""
    gan = problem.gan
    return build_state(
        gan,
        problem.images.spec,
        recipe=gan.recipe,
        tricks=problem.tricks.values(),
        loss=gan.loss,
        seed=0,
        device=CPU,
        precision=precision,
    )


def ganbench(problem: Problem, state: State) -> Iterator[int]:
    """Iterate like ``ganbench run``, statistics included."""
    batches = Batches(problem.images, BATCH, seed=0)

    def next_batch() -> Batch:
        batch = batches.at(state.images_seen)
        state.images_seen += len(batch)
        return batch

    iterate: Callable[[State, Callable[[], Batch]], None] = state.tricks.step_rule(alternate)
    while True:
        before = state.images_seen
        iterate(state, next_batch)
        yield state.images_seen - before
