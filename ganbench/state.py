# SPDX-License-Identifier: MIT
"""The training state: networks, optimizers, random streams, and all else that a run resumes."""

from __future__ import annotations

import math
import operator
from collections import defaultdict
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganbench.config import Precision, Recipe
from ganbench.gan import DataSpec, Labels, Loss, Role, Sampler
from ganbench.moving import Moving, parse_rate
from ganbench.registry import name_of
from ganbench.runtime.process_group import ALONE, ProcessGroup
from ganbench.streams import Streams
from ganbench.trick import Terms, Trick, Tricks, TrickState


class RunningMeans:
    """Means of what each update saw, kept on the device: nothing synchronizes until ``flush``.

    ``add`` only sets observations aside; they are reduced many at a time, so that watching a
    step costs next to nothing.
    """

    _TOGETHER = 64

    def __init__(self) -> None:
        self._pending: dict[str, list[Tensor]] = defaultdict(list)
        self._means: dict[str, list[Tensor]] = defaultdict(list)

    def add(self, name: str, values: Tensor) -> None:
        """Add one observation: the mean of a tensor of any shape."""
        pending = self._pending[name]
        pending.append(values.detach())
        if len(pending) == self._TOGETHER:
            self._reduce(name)

    def _reduce(self, name: str) -> None:
        """Turn the tensors that were set aside into a mean for each observation."""
        pending = torch.stack(self._pending.pop(name)).float()  # (count, ...)
        self._means[name].append(pending.flatten(1).mean(1) if pending.ndim > 1 else pending)

    def flush(self, group: ProcessGroup = ALONE) -> dict[str, float]:
        """Return the means since the last flush, and start again. Synchronizes the device."""
        means = {
            name: observations.double().mean().item()
            for name, observations in self.observations(group).items()
        }
        self._means.clear()
        return means

    def observations(self, group: ProcessGroup = ALONE) -> dict[str, Tensor]:
        """Return the mean of each observation since the last flush, (count,) by name.

        With several processes, all must call this, and all get the means over the processes.
        """
        for name in list(self._pending):
            self._reduce(name)
        means = {name: torch.cat(parts) for name, parts in self._means.items()}
        return dict(zip(means, group.average(list(means.values())), strict=True))

    def load(self, observations: dict[str, Tensor]) -> None:
        """Restore the observations of a checkpoint, (count,) by name."""
        self._pending.clear()
        self._means = defaultdict(list, {name: [means] for name, means in observations.items()})


@dataclass
class State:
    """Everything that training changes, and everything it needs to continue."""

    data: DataSpec
    recipe: Recipe
    tricks: Tricks
    generator: nn.Module
    discriminator: nn.Module
    partners: dict[str, nn.Module]
    """Further networks, by name."""
    learns_with: dict[str, Role]
    """The player that each partner learns with, by the partner's name."""
    loss: Loss
    streams: Streams
    device: torch.device
    precision: Precision = "fp32"
    conditional: bool = False
    group: ProcessGroup = ALONE
    optimizers: dict[Role, Optimizer] = field(default_factory=dict)
    memory: dict[str, TrickState] = field(default_factory=dict)
    """What each trick has gathered, by the trick's name."""
    statistics: RunningMeans = field(default_factory=RunningMeans)
    images_seen: int = 0
    """The number of real images shown to the discriminator."""
    updates: dict[Role, int] = field(default_factory=lambda: {"generator": 0, "discriminator": 0})
    """The number of updates that each player has made."""

    def __post_init__(self) -> None:
        self._parameters = {role: self._parameters_of(role) for role in self.updates}

    def parameters(self, role: Role) -> list[nn.Parameter]:
        """Return what a player moves: the weights of its network and of its partners."""
        return self._parameters[role]

    def memory_of(self, trick: Trick) -> TrickState:
        """Return what a trick has gathered so far."""
        return self.memory[name_of(trick)]

    def sizes(self) -> dict[str, int]:
        """Return the number of weights of each player's network."""
        players = {"generator": self.generator, "discriminator": self.discriminator}
        return {
            role: sum(weight.numel() for weight in network.parameters())
            for role, network in players.items()
        }

    def _parameters_of(self, role: Role) -> list[nn.Parameter]:
        """Return the trainable weights of a player's network, then of its partners."""
        network = self.generator if role == "generator" else self.discriminator
        partners = [
            self.partners[name] for name, player in self.learns_with.items() if player == role
        ]
        return [
            weight
            for module in [network, *partners]
            for weight in module.parameters()
            if weight.requires_grad
        ]

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context of forward passes: bfloat16 if requested, otherwise nothing."""
        if self.precision == "bf16":
            return torch.autocast(self.device.type, torch.bfloat16)
        return nullcontext()

    def casting(self) -> AbstractContextManager[Any]:
        """Return the context of a player's turn, in which weights are rounded to bfloat16 once.

        Autocast forgets what it has rounded when the outermost context ends, so that each pass
        would round all weights again. Nothing within a turn changes a weight.
        """
        if self.precision == "bf16":
            return torch.autocast(self.device.type, torch.bfloat16, enabled=False)
        return nullcontext()

    def draw_latents(self, count: int) -> Tensor:
        """Draw latents (count, latent_dim) from the prior, from the stream for noise.

        Several processes draw the latents of the whole batch, and each takes its part.
        """
        return self.group.shard(self.prior(count * self.group.size, self.streams["noise"]))

    def prior(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw latents (count, latent_dim): N(0, 1), or uniform in [-1, 1]."""
        size = (count, self.recipe.latent_dim)
        if self.recipe.prior == "normal":
            return torch.randn(size, generator=generator, device=self.device)
        return torch.rand(size, generator=generator, device=self.device).mul_(2).sub_(1)

    def generate(self, latents: Tensor, labels: Labels = None) -> Tensor:
        """Map latents (B, latent_dim) to images (B, *shape) with the generator as it is."""
        images: Tensor = (
            self.generator(latents, labels) if self.conditional else self.generator(latents)
        )
        return images

    def discriminate(self, images: Tensor, condition: Labels = None) -> Any:
        """Return the discriminator's output for images (B, *shape) and their condition."""
        return (
            self.discriminator(images)
            if condition is None
            else self.discriminator(images, condition)
        )

    def backward(self, role: Role, terms: Terms) -> None:
        """Compute the gradient of the sum of terms in the player's parameters, and no others."""
        total = reduce(operator.add, terms.values())
        parameters = self.parameters(role)
        for parameter in parameters:
            parameter.grad = None
        torch.autograd.backward(total, inputs=parameters)
        self.group.reduce(parameters)
        for name, term in terms.items():
            self.statistics.add(f"loss/{role}/{name}", term)

    def descend(self, role: Role) -> None:
        """Make an update of a player: move its weights, count it, and let the tricks act."""
        self.move(role)
        self.updates[role] += 1
        self.tricks.after_step(self, role)

    def move(self, role: Role) -> None:
        """Move a player's weights by its optimizer, at the learning rate that is due."""
        optimizer = self.optimizers[role]
        for group in optimizer.param_groups:
            rate: Any = group.get("initial_lr")
            if isinstance(rate, str):  # the text of a rate that moves, which a checkpoint can hold
                group["lr"] = self.now(parse_rate(rate))
            elif self.recipe.schedule != "constant":
                group["lr"] = rate * self.learning_rate_factor()
        optimizer.step()

    def now(self, number: float | Moving) -> float:
        """Return the value of the moment of a number that may move: ``state.now(self.weight)``."""
        if isinstance(number, Moving):
            return number.at(self.images_seen / 1000, self.recipe.kimg)
        return number

    def learning_rate_factor(self) -> float:
        """Return the current learning rate as a share of the initial one: 1 at the start."""
        progress = min(1.0, self.images_seen / (1000 * self.recipe.kimg))
        if self.recipe.schedule == "linear":
            remaining = 1.0 - progress
        elif self.recipe.schedule == "cosine":
            remaining = 0.5 * (1.0 + math.cos(math.pi * progress))
        else:
            remaining = 1.0
        last = self.recipe.final_learning_rate
        return last + (1.0 - last) * remaining

    def sampler(self) -> Sampler:
        """Return how images are drawn from this state, as the tricks change it."""
        plain = Sampler(
            generator=self.generator,
            discriminator=self.discriminator,
            latents=self.prior,
            labels=self._draw_labels,
            draw=self._draw,
            judge=self._judge,
        )
        return self.tricks.sampler(plain, self)

    def _draw_labels(self, count: int, generator: torch.Generator) -> Labels:
        """Draw labels (count,) uniformly; None where the networks take none."""
        if not self.conditional:
            return None
        size = (count,)
        return torch.randint(self.data.classes, size, generator=generator, device=self.device)

    def _draw(self, sampler: Sampler, count: int, generator: torch.Generator) -> Tensor:
        """Draw images (count, *shape) with a sampler's generator, latents and labels."""
        latents = sampler.latents(count, generator)
        labels = sampler.labels(count, generator)
        with self.autocast():
            inputs = (latents,) if labels is None else (latents, labels)
            images: Tensor = sampler.generator(*inputs)
        return images.float()

    def _judge(self, images: Tensor, labels: Labels) -> Tensor:
        """Return the discriminator's logits (B, ...) for images (B, *shape), as float32."""
        with self.autocast():
            output = self.discriminate(images, labels)
        logits: Tensor = output[0] if isinstance(output, tuple) else output
        return logits.float()
