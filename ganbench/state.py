# SPDX-License-Identifier: MIT
"""The training state: networks, optimizers, random streams, and all else that a run resumes."""

from __future__ import annotations

import math
import operator
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganbench.config import Precision, Recipe
from ganbench.errors import ConfigError
from ganbench.gan import Batch, Condition, DataSpec, Labels, Loss, Prior, Role, Sampler
from ganbench.images_per_update import Counts
from ganbench.moving import Moving, parse_rate
from ganbench.runtime.process_group import ALONE, ProcessGroup
from ganbench.streams import Streams
from ganbench.trick import Hooks, Tricks, TrickState, hooks_name
from ganbench.turn import Turn


class RunningMeans:
    """Means of what each update saw, kept on the device: nothing synchronizes until ``flush``.

    ``add`` only sets observations aside; they are reduced many at a time, so that watching a
    step costs next to nothing.
    """

    _TOGETHER = 64

    def __init__(self) -> None:
        self._pending: dict[str, list[Tensor]] = defaultdict(list)
        self._means: dict[str, list[Tensor]] = defaultdict(list)
        self._counts: dict[str, int] = defaultdict(int)
        self._always: dict[str, str] = {}
        self._last: dict[str, Tensor] = {}

    def add(self, name: str, values: Tensor) -> None:
        """Add one observation: the mean of a tensor of any shape.

        The tensor is set aside as it is: whoever goes on to change it does so in a copy.
        """
        pending = self._pending[name]
        if pending and pending[0].shape != values.shape:  # the shapes of what is stacked are equal
            self._reduce(name)
            pending = self._pending[name]
        self._last[name] = values.detach()
        pending.append(self._last[name])
        self._counts[name] += 1
        if len(pending) == self._TOGETHER:
            self._reduce(name)

    def last(self, name: str) -> Tensor | None:
        """Return the tensor of the last observation in this process, as it was added."""
        return self._last.get(name)

    def add_terms(self, prefix: str, terms: Mapping[str, Tensor]) -> None:
        """Add one observation of each term of an objective, the first of which is always there.

        A term that is missing counts as zero, so that the mean of a penalty that is computed in
        every n-th update, n times as strong, is that of the penalty itself.
        """
        always = ""
        for term, value in terms.items():
            name = f"{prefix}/{term}"
            if not always:
                self._always[prefix] = always = name
            elif missed := self._counts[always] - 1 - self._counts[name]:
                self._reduce(name)
                self._means[name].append(torch.zeros(missed, device=value.device))
                self._counts[name] += missed
            self.add(name, value)

    def _reduce(self, name: str) -> None:
        """Turn the tensors that were set aside into a mean for each observation."""
        if not self._pending.get(name):
            return
        pending = torch.stack(self._pending.pop(name)).float()  # (count, ...)
        self._means[name].append(pending.flatten(1).mean(1) if pending.ndim > 1 else pending)

    def flush(self, group: ProcessGroup = ALONE) -> dict[str, float]:
        """Return the means since the last flush, and start again. Synchronizes the device."""
        means = {
            name: observations.double().mean().item()
            for name, observations in self.observations(group).items()
        }
        self._means.clear()
        self._counts.clear()
        return means

    def observations(self, group: ProcessGroup = ALONE) -> dict[str, Tensor]:
        """Return the mean of each observation since the last flush, (count,) by name.

        With several processes, all must call this, and all get the means over the processes.
        """
        for name in list(self._pending):
            self._reduce(name)
        means = {name: torch.cat(parts) for name, parts in self._means.items()}
        for prefix, always in self._always.items():
            for name in [name for name in means if name.startswith(f"{prefix}/")]:
                missing = len(means[always]) - len(means[name])
                means[name] = torch.nn.functional.pad(means[name], (0, missing))
        return dict(zip(means, group.average(list(means.values())), strict=True))

    def load(self, observations: dict[str, Tensor]) -> None:
        """Restore the observations of a checkpoint, (count,) by name."""
        self._pending.clear()
        self._means = defaultdict(list, {name: [means] for name, means in observations.items()})
        counts = {name: len(means) for name, means in observations.items()}
        self._counts = defaultdict(int, counts)


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
    own_optimizers: frozenset[str]
    """The names of the partners that an optimizer of their own moves."""
    loss: Loss
    streams: Streams
    device: torch.device
    precision: Precision = "fp32"
    conditional: bool | Literal["source"] = False
    latent_prior: Prior | None = None
    """The distribution of the latents, where it is not the recipe's."""
    sources: Callable[[int, torch.Generator], Tensor] | None = None
    """Draws the sources that samples are made from, (n, C, H, W) in [-1, 1]; None until a dataset
    of pairs is at hand."""
    group: ProcessGroup = ALONE
    optimizers: dict[str, Optimizer] = field(default_factory=dict)
    """What moves the weights, by player, and by partner where a partner has one of its own."""
    memory: dict[str, TrickState] = field(default_factory=dict)
    """What each trick has gathered, by the trick's name."""
    memory_names: dict[str, frozenset[str]] = field(default_factory=dict)
    """The names of what each trick has gathered from the start, which is all it may gather."""
    watched: dict[str, nn.Module] = field(default_factory=dict)
    """Parts of the discriminator whose input is noted in each pass, by the name of a trick."""
    statistics: RunningMeans = field(default_factory=RunningMeans)
    images_seen: int = 0
    """The number of real images shown to the discriminator."""
    updates: dict[Role, int] = field(default_factory=lambda: {"generator": 0, "discriminator": 0})
    """The number of updates that each player has made."""
    other_pace: Counts = field(default_factory=Counts)
    """What of that an earlier run did, which had other batches or other numbers of steps."""

    def __post_init__(self) -> None:
        self._parameters = {role: self._parameters_of(role) for role in self.updates}
        self._movers = {
            role: [role, *(name for name in self.own_optimizers if self.learns_with[name] == role)]
            for role in self.updates
        }

    def parameters(self, role: Role) -> list[nn.Parameter]:
        """Return what a player moves: the weights of its network and of its partners."""
        return self._parameters[role]

    def weights_of(self, name: str) -> list[nn.Parameter]:
        """Return the weights that one optimizer moves: those of a player, or of a partner."""
        if name in self.own_optimizers:
            return [weight for weight in self.partners[name].parameters() if weight.requires_grad]
        apart = {id(weight) for own in self.own_optimizers for weight in self.weights_of(own)}
        role: Role = "generator" if name == "generator" else "discriminator"
        return [weight for weight in self.parameters(role) if id(weight) not in apart]

    def memory_of(self, hooks: Hooks) -> TrickState:
        """Return what a trick or the variant has gathered so far."""
        return self.memory[hooks_name(hooks)]

    def tensor_of(self, hooks: Hooks, name: str) -> Tensor:
        """Return a tensor that a trick or the variant has gathered so far."""
        tensor = self.memory_of(hooks)[name]
        assert isinstance(tensor, Tensor)
        return tensor

    def watch(self, hooks: Hooks, part: nn.Module) -> None:
        """Let a trick or the variant read what enters a part of the discriminator in each pass.

        It is called in ``start``; ``scored.noted`` holds what entered.
        """
        self.watched[hooks_name(hooks)] = part

    @contextmanager
    def noting(self) -> Iterator[dict[str, tuple[Tensor, ...]]]:
        """Note what enters the watched parts while the context lasts, by the names of tricks."""
        noted: dict[str, tuple[Tensor, ...]] = {}
        hooks = [
            part.register_forward_pre_hook(
                lambda _, inputs, name=name: noted.update({name: inputs})
            )
            for name, part in self.watched.items()
        ]
        try:
            yield noted
        finally:
            for hook in hooks:
                hook.remove()

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
        """Draw latents (count, latent_dim): N(0, 1), uniform in [-1, 1], or as the variant says."""
        if self.latent_prior is not None:
            return self.latent_prior(count, self.recipe.latent_dim, generator)
        size = (count, self.recipe.latent_dim)
        if self.recipe.prior == "normal":
            return torch.randn(size, generator=generator, device=self.device)
        return torch.rand(size, generator=generator, device=self.device).mul_(2).sub_(1)

    def condition_of(self, batch: Batch) -> Condition:
        """Return what the networks get next to examples: labels, sources, or None."""
        if self.conditional == "source":
            return batch.source
        return batch.labels if self.conditional else None

    def generate(self, latents: Tensor, condition: Condition = None) -> tuple[Tensor, Any]:
        """Map latents (B, latent_dim) to images (B, *shape) with the generator as it is.

        Returns the images, and what the generator returns next to them, or None.
        """
        return _with_extras(_call(self.generator, latents, condition))

    def discriminate(self, images: Tensor, condition: Condition = None) -> Any:
        """Return the discriminator's output for images (B, *shape) and their condition."""
        return _call(self.discriminator, images, condition)

    def backward(self, turn: Turn, *, retain_graph: bool = False) -> None:
        """Compute the gradient of the turn's terms in the player's parameters, and no others.

        Args:
            turn: The turn, whose terms have been computed.
            retain_graph: Keep the graph for the other player's turn. It is always kept where the
                latents have one, because turns at the same point share the latents.
        """
        total = reduce(operator.add, turn.terms.values())
        parameters = self.parameters(turn.role)
        for parameter in parameters:
            parameter.grad = None
        retain_graph = retain_graph or turn.latents.requires_grad
        torch.autograd.backward(total, inputs=parameters, retain_graph=retain_graph)
        self.group.reduce(parameters)
        self.tricks.gradients(turn)

    def descend(self, turn: Turn) -> None:
        """Finish an update: move the player's weights, count and observe it, let tricks act."""
        self.move(turn.role)
        self.updates[turn.role] += 1
        self.statistics.add_terms(f"loss/{turn.role}", turn.terms)
        if turn.role == "discriminator":
            self.statistics.add("logits/real", turn.real.logits)
            self.statistics.add("logits/fake", turn.fake.logits)
        self.tricks.after_step(turn)

    def move(self, role: Role) -> None:
        """Move a player's weights by its optimizers, at the learning rates that are due."""
        for name in self._movers[role]:
            optimizer = self.optimizers[name]
            for group in optimizer.param_groups:
                rate: Any = group.get("initial_lr")
                if isinstance(rate, str):  # a rate that moves, as a checkpoint can hold it
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
        """Return how examples are drawn from this state, as the tricks change it."""
        plain = Sampler(
            generator=self.generator,
            discriminator=self.discriminator,
            latents=self.prior,
            labels=self._draw_labels,
            sources=self._draw_sources,
            draw=self._draw,
            judge=self._judge,
        )
        return self.tricks.sampler(plain, self)

    def _draw_labels(self, count: int, generator: torch.Generator) -> Labels:
        """Draw labels (count,) uniformly; None where the networks take none."""
        if self.conditional is not True:
            return None
        size = (count,)
        return torch.randint(self.data.classes, size, generator=generator, device=self.device)

    def _draw_sources(self, count: int, generator: torch.Generator) -> Tensor | None:
        """Draw sources (count, C, H, W) of the dataset; None where the networks take none."""
        if self.conditional != "source":
            return None
        if self.sources is None:
            raise ConfigError(
                f"Samples are made from other images, and none of {self.data.name} are at hand."
            )
        return self.sources(count, generator)

    def _draw(self, sampler: Sampler, count: int, generator: torch.Generator) -> Batch:
        """Draw examples with a sampler's generator, latents, labels and sources."""
        latents = sampler.latents(count, generator)
        labels = sampler.labels(count, generator)
        source = sampler.sources(count, generator)
        condition = source if self.conditional == "source" else labels
        with self.autocast():
            images, made = _with_extras(_call(sampler.generator, latents, condition))
        return Batch(images.float(), labels, source, latents, made)

    def _judge(self, batch: Batch) -> Tensor:
        """Return the discriminator's logits (B, ...) for examples that were drawn, as float32.

        The discriminator is shown them as the variant shows them. What tricks show it besides, such
        as augmented examples, belongs to training.
        """
        variant = Tricks((), self.tricks.variant)
        turn = Turn(replace(self, tricks=variant), "discriminator", batch, fakes=batch)
        return turn.fake.logits.float()


def _call(network: nn.Module, values: Tensor, condition: Condition) -> Any:
    """Return a network's output for values and, where there is one, their condition."""
    return network(values) if condition is None else network(values, condition)


def _with_extras(output: Any) -> tuple[Tensor, Any]:
    """Return a network's output and its extras, None where it returned none."""
    return output if isinstance(output, tuple) else (output, None)
