# SPDX-License-Identifier: MIT
"""Hooks, which variants and tricks add to the step. The step calls them and knows none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from torch import Tensor, nn
from torch.optim import Optimizer

from ganbench import registry
from ganbench.config import Recipe, join_words
from ganbench.errors import ConfigError
from ganbench.gan import (
    GAN,
    Batch,
    Condition,
    DataSpec,
    DiscriminatorFactory,
    GeneratorFactory,
    Loss,
    Role,
    Sampler,
)

if TYPE_CHECKING:
    from ganbench.state import State
    from ganbench.turn import Scored, Seen, Turn

TrickState = dict[str, Tensor | nn.Module]
"""What hooks gather while training; it is saved and resumed with the training state."""

Terms = dict[str, Tensor]
"""Named scalars that are added to a loss."""

Discriminate = Callable[[Tensor, Condition], Tensor | tuple[Tensor, Any]]
"""Maps examples (B, *shape) and their condition to logits (B, ...), or to (logits, extras)."""

StepRule = Callable[["State", Callable[[], Batch]], None]
"""Makes one iteration of training on a state, with a function that returns the next batch."""

Changed = TypeVar("Changed")

VARIANT = "variant"
"""The name of the hooks of the variant itself, where a trick would have its own name."""


class Hooks:
    """Every hook of the step, doing nothing. A subclass overrides the hooks it needs.

    In an update the hooks are called in this order: ``latents``, ``condition``, ``fakes`` and
    ``reals`` when the examples are first asked for; ``see`` before each pass of the discriminator;
    ``opponent`` before the first pass in the generator's turn; the terms; ``gradients`` after the
    backward pass; ``after_step`` once the weights have moved.

    ``differentiates`` says that a player's terms contain a derivative of its network with respect
    to the input, as gradient penalties do. Tricks that differentiate an update refuse such terms
    where torch lacks the third derivative.
    """

    differentiates: ClassVar[bool] = False

    def check(self, gan: GAN, recipe: Recipe, data: DataSpec) -> None:
        """Refuse a model, a recipe or data that the hooks do not work with.

        The model has the loss, the recipe and the tricks that it is trained with, which may be
        others than its own.

        Raises:
            ConfigError: They do not work with them.
        """

    def check_parts(self, part: int, processes: int) -> None:
        """Refuse to share a batch where the processes would not equal one with the whole batch.

        The gradients are averaged over the processes, which is right for terms that are means
        over examples. What is gathered must be the same in all of them.

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

    def subset(self, examples: Batch, state: State) -> Tensor | None:
        """Return the indices (N,) int64 of the examples to train on; None keeps all."""
        return None

    def optimizer(self, optimizer: Optimizer, role: Role, state: State) -> Optimizer:
        """Replace or wrap a player's optimizer."""
        return optimizer

    def start(self, state: State) -> TrickState:
        """Return what will be gathered: tensors and modules, by name.

        ``state.memory_of(self)`` holds them from then on. A tensor is changed in place, or
        replaced by another of any shape; a module is changed in place. Random numbers may be drawn
        from torch's global stream, which is seeded for the call.
        """
        return {}

    # -- within a step -------------------------------------------------------------------------

    def step_rule(self, rule: StepRule) -> StepRule:
        """Change the order of forward and backward passes in one iteration."""
        return rule

    def latents(self, latents: Tensor, turn: Turn) -> Tensor:
        """Change the latents (B, latent_dim) before the generator.

        Where they require a gradient, both players differentiate through them, and the
        discriminator's fakes carry the graph of the generator.
        """
        return latents

    def fakes(self, batch: Batch, turn: Turn) -> Batch:
        """Change the fakes that the discriminator learns from; what belongs to them goes along."""
        return batch

    def reals(self, batch: Batch, turn: Turn) -> Batch:
        """Change the real examples that the discriminator learns from."""
        return batch

    def condition(self, condition: Condition, turn: Turn) -> Condition:
        """Change what the generator gets next to latents: labels, sources, or None.

        The discriminator gets what it was given before, unless ``see`` changes it. When samples
        are drawn there is no turn, and the generator gets labels, sources, or nothing.
        """
        return condition

    def see(self, seen: Seen, scored: Scored, turn: Turn) -> Seen:
        """Change what the discriminator is shown: examples and condition; must be differentiable.

        ``scored.kind`` tells whether they are real, fake, or others, such as interpolates.
        """
        return seen

    def opponent(self, turn: Turn) -> Discriminate | None:
        """Return the discriminator that the generator meets in its turn; None for the real one."""
        return None

    def discriminator_terms(self, turn: Turn) -> Terms:
        """Return named scalars to add to the discriminator's loss.

        They may be evaluated several times in an update, and must leave everything as it is: what
        is to be observed is observed in ``after_step``.
        """
        return {}

    def generator_terms(self, turn: Turn) -> Terms:
        """Return named scalars to add to the generator's loss; see ``discriminator_terms``."""
        return {}

    def gradients(self, turn: Turn) -> None:
        """Change the gradients of ``turn.state.parameters(turn.role)`` in place.

        They are those of the whole batch, also where several processes share it.
        """

    def after_step(self, turn: Turn) -> None:
        """Act once the weights of ``turn.role`` have moved: exactly once in each update.

        The examples, logits and terms of the turn are those that the update was made from.
        """

    # -- after training ------------------------------------------------------------------------

    def sampler(self, sampler: Sampler, state: State) -> Sampler:
        """Change how examples are drawn from the trained pair."""
        return sampler


class Trick(Hooks):
    """Hooks with a name and parameters: a frozen dataclass that a user adds and removes.

    Tricks act in the order of ``order``, then of their names, never in the order of the command
    line: the same set of tricks is always the same algorithm. ``neutral`` holds parameters at
    which the trick changes nothing, bit for bit, where its formula has such a point.

    ``needs_ordered_logits`` says that the trick takes a higher logit for more real; losses of other
    logits are refused.
    """

    order: ClassVar[int] = 0
    neutral: ClassVar[Mapping[str, Any]] = {}
    needs_ordered_logits: ClassVar[bool] = False


HOOKS = tuple(
    name for name, value in vars(Hooks).items() if callable(value) and not name.startswith("_")
)


def overridden_hooks(hooks: Hooks) -> set[str]:
    """Return the names of the hooks that are overridden, except those that only check."""
    kind = type(hooks)
    overridden = {hook for hook in HOOKS if getattr(kind, hook) is not vars(Hooks)[hook]}
    return overridden - {"check", "check_parts"}


def hooks_name(hooks: Hooks) -> str:
    """Return the name under which hooks keep their memory, their stream and their terms."""
    return registry.name_of(hooks) if isinstance(hooks, Trick) else VARIANT


def refusal(name: str, others: Sequence[Hooks], sentence: str) -> ConfigError:
    """Return the error of a trick that does not work with other hooks.

    Args:
        name: The name of the trick.
        others: The hooks that it does not work with: tricks, or the variant's own.
        sentence: What is wrong, with ``{others}`` where the others are named.
    """
    names = [hooks_name(hooks) if isinstance(hooks, Trick) else "this model" for hooks in others]
    hint = f"Remove the trick: --trick {name}:off"
    if all(isinstance(hooks, Trick) for hooks in others):
        hint = f"Remove one of them: --trick {name}:off or --trick {names[0]}:off"
    return ConfigError(sentence.format(others=join_words(names)), hint)


def require_order(hooks: Hooks, loss: Loss) -> None:
    """Refuse a loss in which a higher logit does not mean more real, where a trick takes it so.

    Raises:
        ConfigError: The loss is of that kind, and the trick relies on the order.
    """
    if isinstance(hooks, Trick) and hooks.needs_ordered_logits and not loss.higher_is_real:
        name = hooks_name(hooks)
        raise ConfigError(
            f"{name} relies on higher logits for more real examples, and those of the loss "
            f"'{loss.name}' are features without such an order.",
            f"Remove the trick: --trick {name}:off",
        )


class Tricks:
    """The variant's hooks and a set of tricks, acting as one: the variant first.

    Each hook goes through those that override it.

    Args:
        tricks: The tricks, in any order.
        variant: The hooks of the variant itself, if it has any.

    Raises:
        ConfigError: Two tricks have the same name.
    """

    def __init__(self, tricks: Iterable[Trick], variant: Hooks | None = None) -> None:
        ordered = sorted(tricks, key=lambda trick: (trick.order, registry.name_of(trick)))
        self.variant = variant
        self.inspect: Callable[[Hooks, str, tuple[Any, ...]], Any] | None = None
        """Calls a hook with some arguments in a way that checks the contract."""
        self._all: list[Hooks] = [*([] if variant is None else [variant]), *ordered]
        names = [hooks_name(hooks) for hooks in self._all]
        if repeated := {name for name in names if names.count(name) > 1}:
            raise ConfigError(f"The trick '{repeated.pop()}' is given twice.")
        self._having = {
            hook: [hooks for hooks in self._all if hook in overridden_hooks(hooks)]
            for hook in HOOKS
        }

    def __iter__(self) -> Iterator[Hooks]:
        return iter(self._all)

    def having(self, hook: str) -> Sequence[Any]:
        """Return those that override a hook, in their order."""
        return self._having[hook]

    def wrap_loss(self, loss: Loss, state: State) -> Loss:
        """Return the loss as all together change it."""
        return self._pass_through("wrap_loss", loss, state)

    def step_rule(self, rule: StepRule) -> StepRule:
        """Return the order of passes as all together change it."""
        return self._pass_through("step_rule", rule)

    def latents(self, latents: Tensor, turn: Turn) -> Tensor:
        """Return the latents (B, latent_dim) as all together change them."""
        return self._pass_through("latents", latents, turn)

    def fakes(self, batch: Batch, turn: Turn) -> Batch:
        """Return the fakes as all together change them."""
        return self._pass_through("fakes", batch, turn)

    def reals(self, batch: Batch, turn: Turn) -> Batch:
        """Return the real examples as all together change them."""
        return self._pass_through("reals", batch, turn)

    def condition(self, condition: Condition, turn: Turn) -> Condition:
        """Return what the generator gets next to latents, as all together change it."""
        return self._pass_through("condition", condition, turn)

    def see(self, seen: Seen, scored: Scored, turn: Turn) -> Seen:
        """Return what the discriminator is shown."""
        return self._pass_through("see", seen, scored, turn)

    def opponent(self, turn: Turn) -> Discriminate | None:
        """Return the discriminator that the generator meets, if a trick provides one."""
        for hooks in self._having["opponent"]:
            opponent: Discriminate | None = self._call(hooks, "opponent", turn)
            if opponent is not None:
                return opponent
        return None

    def terms(self, turn: Turn) -> Terms:
        """Return the terms that are added to the loss of the player, each as ``trick/term``."""
        return {
            f"{hooks_name(hooks)}/{term}": value
            for hooks in self._having[f"{turn.role}_terms"]
            for term, value in self._call(hooks, f"{turn.role}_terms", turn).items()
        }

    def gradients(self, turn: Turn) -> None:
        """Let everyone change the gradients of the player."""
        for hooks in self._having["gradients"]:
            self._call(hooks, "gradients", turn)

    def after_step(self, turn: Turn) -> None:
        """Let everyone act after the weights of the player have moved."""
        for hooks in self._having["after_step"]:
            self._call(hooks, "after_step", turn)

    def sampler(self, sampler: Sampler, state: State) -> Sampler:
        """Return the sampler as all together change it."""
        return self._pass_through("sampler", sampler, state)

    def _pass_through(self, hook: str, value: Changed, *context: Any) -> Changed:
        """Return a value after each in turn has changed it."""
        for hooks in self._having[hook]:
            value = self._call(hooks, hook, value, *context)
        return value

    def _call(self, hooks: Hooks, hook: str, *arguments: Any) -> Any:
        """Return what a hook returns."""
        if self.inspect is not None:
            return self.inspect(hooks, hook, arguments)
        return getattr(hooks, hook)(*arguments)
