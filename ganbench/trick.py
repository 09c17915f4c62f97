# SPDX-License-Identifier: MIT
"""Tricks: small frozen dataclasses with hooks; the step calls the hooks and knows no trick."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor, nn
from torch.optim import Optimizer

from ganbench import registry
from ganbench.config import Recipe
from ganbench.errors import ConfigError
from ganbench.gan import (
    GAN,
    Batch,
    DataSpec,
    DiscriminatorFactory,
    GeneratorFactory,
    Labels,
    Loss,
    Role,
    Sampler,
)

if TYPE_CHECKING:
    from ganbench.state import State
    from ganbench.turn import Scored, Turn

TrickState = dict[str, Tensor | nn.Module]
"""What a trick gathers while training; it is saved and resumed with the training state."""

Terms = dict[str, Tensor]
"""Named scalars that are added to a loss."""

Discriminate = Callable[[Tensor, Labels], Tensor | tuple[Tensor, Any]]
StepRule = Callable[["State", Callable[[], Batch]], None]


class Trick:
    """Base of all tricks: every hook, doing nothing. A trick overrides those that it needs.

    Tricks act in the order of ``order``, then of their names, never in that of the command
    line: the same set of tricks is always the same algorithm. ``neutral`` holds parameters at
    which the trick changes nothing, bit for bit, where its formula has such a point.
    """

    order: ClassVar[int] = 0
    neutral: ClassVar[Mapping[str, Any]] = {}

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Raise ConfigError where the trick cannot go with a model, a recipe or some data."""

    def check_parts(self, part: int, processes: int) -> None:
        """Raise ConfigError where processes with ``part`` examples each are not one with all.

        The gradients are averaged over the processes, which is right for terms that are means
        over examples. What a trick gathers must be the same in all of them.
        """

    # -- before training -----------------------------------------------------------------------

    def wrap_generator(self, build: GeneratorFactory, data: DataSpec) -> GeneratorFactory:
        """Change how the generator is built."""
        return build

    def wrap_discriminator(
        self, build: DiscriminatorFactory, data: DataSpec
    ) -> DiscriminatorFactory:
        """Change how the discriminator is built: what it is made of, what shape it sees."""
        return build

    def wrap_loss(self, loss: Loss, state: State) -> Loss:
        """Change the pair of loss functions."""
        return loss

    def dataset(self, examples: Batch, state: State) -> Tensor | None:
        """Return the indices (N,) int64 of the examples to train on; None keeps all."""
        return None

    def optimizer(self, optimizer: Optimizer, role: Role, state: State) -> Optimizer:
        """Replace or wrap a player's optimizer."""
        return optimizer

    def start(self, state: State) -> TrickState:
        """Return what the trick will gather: ``state.memory_of(trick)`` from then on."""
        return {}

    # -- within a step -------------------------------------------------------------------------

    def step_rule(self, rule: StepRule) -> StepRule:
        """Change the order of forward and backward passes in one iteration."""
        return rule

    def latents(self, latents: Tensor, turn: Turn) -> Tensor:
        """Change the latents (B, latent_dim) before the generator."""
        return latents

    def fakes(self, images: Tensor, turn: Turn) -> Tensor:
        """Change the fakes (B, *shape) that the discriminator learns from."""
        return images

    def reals(self, images: Tensor, turn: Turn) -> Tensor:
        """Change the real examples (B, *shape) that the discriminator learns from."""
        return images

    def view(self, images: Tensor, turn: Turn) -> Tensor:
        """Change what the discriminator sees, real and fake alike; must be differentiable."""
        return images

    def condition(self, condition: Labels, scored: Scored, turn: Turn) -> Labels:
        """Change what accompanies images (B, *shape) into the discriminator: labels, codes."""
        return condition

    def opponent(self, turn: Turn) -> Discriminate | None:
        """Return the discriminator that the generator's turn meets; None for the real one."""
        return None

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Return named terms to add to the discriminator's loss."""
        return {}

    def generator_terms(self, turn: Turn) -> Terms:
        """Return named terms to add to the generator's loss."""
        return {}

    def after_step(self, state: State, role: Role) -> None:
        """Act once a player's weights have moved."""

    # -- after training ------------------------------------------------------------------------

    def sampler(self, sampler: Sampler, state: State) -> Sampler:
        """Change how images are drawn from the trained pair."""
        return sampler


HOOKS = tuple(
    name for name, value in vars(Trick).items() if callable(value) and not name.startswith("_")
)


def acts_on(trick: Trick) -> set[str]:
    """Return the names of the hooks that a trick overrides, beside those that only check."""
    kind = type(trick)
    overridden = {hook for hook in HOOKS if getattr(kind, hook) is not vars(Trick)[hook]}
    return overridden - {"check", "check_parts"}


class Tricks:
    """A set of tricks as one: each hook goes through those tricks that override it."""

    def __init__(self, tricks: Iterable[Trick]) -> None:
        self.all = sorted(tricks, key=lambda trick: (trick.order, registry.name_of(trick)))
        names = [registry.name_of(trick) for trick in self.all]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ConfigError(f"The trick '{twice.pop()}' is given twice.")
        self._having = {
            hook: [trick for trick in self.all if hook in acts_on(trick)] for hook in HOOKS
        }

    def __iter__(self) -> Iterator[Trick]:
        return iter(self.all)

    def having(self, hook: str) -> Sequence[Any]:
        """Return the tricks that override a hook, in their order."""
        return self._having[hook]

    def wrap_loss(self, loss: Loss, state: State) -> Loss:
        """The loss as all tricks together change it."""
        for trick in self._having["wrap_loss"]:
            loss = trick.wrap_loss(loss, state)
        return loss

    def step_rule(self, rule: StepRule) -> StepRule:
        """The order of passes as all tricks together change it."""
        for trick in self._having["step_rule"]:
            rule = trick.step_rule(rule)
        return rule

    def latents(self, latents: Tensor, turn: Turn) -> Tensor:
        """The latents (B, latent_dim) as all tricks together change them."""
        for trick in self._having["latents"]:
            latents = trick.latents(latents, turn)
        return latents

    def fakes(self, images: Tensor, turn: Turn) -> Tensor:
        """The fakes (B, *shape) as all tricks together change them."""
        for trick in self._having["fakes"]:
            images = trick.fakes(images, turn)
        return images

    def reals(self, images: Tensor, turn: Turn) -> Tensor:
        """The real examples (B, *shape) as all tricks together change them."""
        for trick in self._having["reals"]:
            images = trick.reals(images, turn)
        return images

    def view(self, images: Tensor, turn: Turn) -> Tensor:
        """What the discriminator sees of images (B, *shape)."""
        for trick in self._having["view"]:
            images = trick.view(images, turn)
        return images

    def condition(self, condition: Labels, scored: Scored, turn: Turn) -> Labels:
        """What accompanies the images into the discriminator."""
        for trick in self._having["condition"]:
            condition = trick.condition(condition, scored, turn)
        return condition

    def opponent(self, turn: Turn) -> Discriminate | None:
        """The discriminator that the generator meets, if a trick provides one."""
        for trick in self._having["opponent"]:
            if (opponent := trick.opponent(turn)) is not None:
                return opponent
        return None

    def terms(self, turn: Turn) -> Terms:
        """The named terms that all tricks add to the loss of the player whose turn it is."""
        terms: Terms = {}
        for trick in self._having[f"{turn.role}_terms"]:
            terms |= getattr(trick, f"{turn.role}_terms")(turn)
        return terms

    def after_step(self, state: State, role: Role) -> None:
        """Let every trick act now that a player's weights have moved."""
        for trick in self._having["after_step"]:
            trick.after_step(state, role)

    def sampler(self, sampler: Sampler, state: State) -> Sampler:
        """The sampler as all tricks together change it."""
        for trick in self._having["sampler"]:
            sampler = trick.sampler(sampler, state)
        return sampler
