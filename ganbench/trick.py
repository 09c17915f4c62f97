# SPDX-License-Identifier: MIT
"""Tricks: small frozen dataclasses with hooks. The step calls the hooks and knows no trick."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

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
"""Maps images (B, *shape) and their condition to logits (B, ...), or to (logits, extras)."""

StepRule = Callable[["State", Callable[[], Batch]], None]
"""Makes one iteration of training on a state, with a function that returns the next batch."""

Changed = TypeVar("Changed")


class Trick:
    """Base class of all tricks: every hook, doing nothing. A trick overrides the hooks it needs.

    Tricks act in the order of ``order``, then of their names, never in the order of the command
    line: the same set of tricks is always the same algorithm. ``neutral`` holds parameters at
    which the trick changes nothing, bit for bit, where its formula has such a point.
    """

    order: ClassVar[int] = 0
    neutral: ClassVar[Mapping[str, Any]] = {}

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse a model, a recipe or data that the trick does not work with.

        Raises:
            ConfigError: The trick does not work with them.
        """

    def check_parts(self, part: int, processes: int) -> None:
        """Refuse to share a batch where the processes would not equal one with the whole batch.

        The gradients are averaged over the processes, which is right for terms that are means
        over examples. What a trick gathers must be the same in all of them.

        Args:
            part: The number of examples that each process gets of a batch.
            processes: The number of processes.

        Raises:
            ConfigError: The result would differ.
        """

    # -- before training -----------------------------------------------------------------------

    def wrap_generator(self, build: GeneratorFactory, data: DataSpec) -> GeneratorFactory:
        """Change how the generator is built."""
        return build

    def wrap_discriminator(
        self, build: DiscriminatorFactory, data: DataSpec
    ) -> DiscriminatorFactory:
        """Change how the discriminator is built: its layers, the shape of its input."""
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
        """Return what the trick will gather; ``state.memory_of(trick)`` holds it from then on."""
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
        """Change what enters the discriminator next to images (B, *shape): labels, codes."""
        return condition

    def opponent(self, turn: Turn) -> Discriminate | None:
        """Return the discriminator that the generator meets in its turn; None for the real one."""
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


def overridden_hooks(trick: Trick) -> set[str]:
    """Return the names of the hooks that a trick overrides, except those that only check."""
    kind = type(trick)
    overridden = {hook for hook in HOOKS if getattr(kind, hook) is not vars(Trick)[hook]}
    return overridden - {"check", "check_parts"}


class Tricks:
    """A set of tricks that acts as one: each hook goes through the tricks that override it.

    Args:
        tricks: The tricks, in any order.

    Raises:
        ConfigError: Two tricks have the same name.
    """

    def __init__(self, tricks: Iterable[Trick]) -> None:
        self._tricks = sorted(tricks, key=lambda trick: (trick.order, registry.name_of(trick)))
        names = [registry.name_of(trick) for trick in self._tricks]
        if repeated := {name for name in names if names.count(name) > 1}:
            raise ConfigError(f"The trick '{repeated.pop()}' is given twice.")
        self._having = {
            hook: [trick for trick in self._tricks if hook in overridden_hooks(trick)]
            for hook in HOOKS
        }

    def __iter__(self) -> Iterator[Trick]:
        return iter(self._tricks)

    def having(self, hook: str) -> Sequence[Any]:
        """Return the tricks that override a hook, in their order."""
        return self._having[hook]

    def wrap_loss(self, loss: Loss, state: State) -> Loss:
        """Return the loss as all tricks together change it."""
        return self._pass_through("wrap_loss", loss, state)

    def step_rule(self, rule: StepRule) -> StepRule:
        """Return the order of passes as all tricks together change it."""
        return self._pass_through("step_rule", rule)

    def latents(self, latents: Tensor, turn: Turn) -> Tensor:
        """Return the latents (B, latent_dim) as all tricks together change them."""
        return self._pass_through("latents", latents, turn)

    def fakes(self, images: Tensor, turn: Turn) -> Tensor:
        """Return the fakes (B, *shape) as all tricks together change them."""
        return self._pass_through("fakes", images, turn)

    def reals(self, images: Tensor, turn: Turn) -> Tensor:
        """Return the real examples (B, *shape) as all tricks together change them."""
        return self._pass_through("reals", images, turn)

    def view(self, images: Tensor, turn: Turn) -> Tensor:
        """Return images (B, *shape) as the discriminator sees them."""
        return self._pass_through("view", images, turn)

    def condition(self, condition: Labels, scored: Scored, turn: Turn) -> Labels:
        """Return what enters the discriminator next to the images."""
        return self._pass_through("condition", condition, scored, turn)

    def opponent(self, turn: Turn) -> Discriminate | None:
        """Return the discriminator that the generator meets, if a trick provides one."""
        for trick in self._having["opponent"]:
            if (opponent := trick.opponent(turn)) is not None:
                return opponent
        return None

    def terms(self, turn: Turn) -> Terms:
        """Return the named terms that all tricks add to the loss of the player in its turn."""
        terms: Terms = {}
        for trick in self._having[f"{turn.role}_terms"]:
            terms |= getattr(trick, f"{turn.role}_terms")(turn)
        return terms

    def after_step(self, state: State, role: Role) -> None:
        """Let every trick act after a player's weights have moved."""
        for trick in self._having["after_step"]:
            trick.after_step(state, role)

    def sampler(self, sampler: Sampler, state: State) -> Sampler:
        """Return the sampler as all tricks together change it."""
        return self._pass_through("sampler", sampler, state)

    def _pass_through(self, hook: str, value: Changed, *context: Any) -> Changed:
        """Return a value after each trick in turn has changed it."""
        for trick in self._having[hook]:
            value = getattr(trick, hook)(value, *context)
        return value
