# SPDX-License-Identifier: MIT
"""Tricks: small frozen dataclasses with hooks; the step calls the hooks and knows no trick."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn
from torch.optim import Optimizer

from ganbench import registry
from ganbench.config import Recipe, TrickConfig
from ganbench.errors import ConfigError, suggest
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
    from ganbench.passes import Judged, Step
    from ganbench.state import State

Memory = dict[str, Tensor | nn.Module]
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

    def start(self, state: State) -> Memory:
        """Return what the trick will gather: ``state.memory[name]`` from then on."""
        return {}

    # -- within a step -------------------------------------------------------------------------

    def step_rule(self, rule: StepRule) -> StepRule:
        """Change the order of forward and backward passes in one iteration."""
        return rule

    def latents(self, latents: Tensor, step: Step) -> Tensor:
        """Change the latents (B, latent_dim) before the generator."""
        return latents

    def fakes(self, images: Tensor, step: Step) -> Tensor:
        """Change the fakes (B, *shape) that the discriminator learns from."""
        return images

    def reals(self, images: Tensor, step: Step) -> Tensor:
        """Change the real examples (B, *shape) that the discriminator learns from."""
        return images

    def view(self, images: Tensor, step: Step) -> Tensor:
        """Change what the discriminator sees, real and fake alike; must be differentiable."""
        return images

    def condition(self, condition: Labels, judged: Judged, step: Step) -> Labels:
        """Change what accompanies images (B, *shape) into the discriminator: labels, codes."""
        return condition

    def opponent(self, step: Step) -> Discriminate | None:
        """Return the discriminator that the generator's step meets; None for the real one."""
        return None

    def discriminator_terms(self, step: Step) -> Terms:
        """Return named terms to add to the discriminator's loss."""
        return {}

    def generator_terms(self, step: Step) -> Terms:
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

    def latents(self, latents: Tensor, step: Step) -> Tensor:
        """The latents (B, latent_dim) as all tricks together change them."""
        for trick in self._having["latents"]:
            latents = trick.latents(latents, step)
        return latents

    def fakes(self, images: Tensor, step: Step) -> Tensor:
        """The fakes (B, *shape) as all tricks together change them."""
        for trick in self._having["fakes"]:
            images = trick.fakes(images, step)
        return images

    def reals(self, images: Tensor, step: Step) -> Tensor:
        """The real examples (B, *shape) as all tricks together change them."""
        for trick in self._having["reals"]:
            images = trick.reals(images, step)
        return images

    def view(self, images: Tensor, step: Step) -> Tensor:
        """What the discriminator sees of images (B, *shape)."""
        for trick in self._having["view"]:
            images = trick.view(images, step)
        return images

    def condition(self, condition: Labels, judged: Judged, step: Step) -> Labels:
        """What accompanies the images into the discriminator."""
        for trick in self._having["condition"]:
            condition = trick.condition(condition, judged, step)
        return condition

    def opponent(self, step: Step) -> Discriminate | None:
        """The discriminator that the generator meets, if a trick provides one."""
        for trick in self._having["opponent"]:
            if (opponent := trick.opponent(step)) is not None:
                return opponent
        return None

    def terms(self, step: Step) -> Terms:
        """The named terms that all tricks add to the loss of the player whose step it is."""
        terms: Terms = {}
        for trick in self._having[f"{step.role}_terms"]:
            terms |= getattr(trick, f"{step.role}_terms")(step)
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


def make_trick(config: TrickConfig) -> Trick:
    """Build a trick from its name and parameters.

    Raises:
        UnknownNameError: no trick of that name.
        ConfigError: a parameter that it does not have, or a value that does not fit.
    """
    return _make(registry.tricks.get(config.name), config)


def _make(kind: Any, config: TrickConfig) -> Trick:
    known = [field.name for field in fields(kind)]
    for key in config.parameters:
        if key not in known:
            near = suggest(key, known)
            raise ConfigError(
                f"The trick '{config.name}' has no parameter '{key}'. {near}".strip(),
                f"It has: {', '.join(known)}." if known else "It has none.",
            )
    try:
        return TypeAdapter(kind).validate_python(dict(config.parameters))  # type: ignore[no-any-return]
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"trick {config.name}: {key}: {first['msg']}, not {first.get('input')!r}."
        ) from error


def describe(trick: Trick) -> TrickConfig:
    """Return the name and all parameters of a trick, as they are recorded with a run."""
    name = getattr(type(trick), registry.FILE, None) or registry.name_of(trick)
    # Through validation, so that a weight of 10 and one of 10.0 are the same record.
    given = TrickConfig(name=name, parameters=asdict(trick))  # type: ignore[call-overload]
    return TrickConfig(name=name, parameters=asdict(_make(type(trick), given)))  # type: ignore[call-overload]


def recall(own: Iterable[Trick], recorded: Iterable[TrickConfig]) -> list[Trick]:
    """Build tricks from their records; one that a zoo file defines itself comes from there."""
    kinds = {registry.name_of(trick): type(trick) for trick in own}
    return [
        _make(kinds[config.name], config) if config.name in kinds else make_trick(config)
        for config in recorded
    ]


def resolve(own: Iterable[Trick], asked: Iterable[TrickConfig]) -> list[Trick]:
    """Join a model's own tricks with those asked for.

    One that is asked for replaces the model's of the same name, parameter by parameter;
    ``name:off`` takes it away.
    """
    tricks = {registry.name_of(trick): trick for trick in own}
    for config in asked:
        name = config.name
        if registry.is_file_name(name):
            name = registry.tricks.entry(name).name
        name = registry.canonical(name)
        parameters = dict(config.parameters)
        mine = tricks.get(name)
        if parameters.pop("off", False):
            if mine is None:
                registry.tricks.entry(config.name)  # a misspelt name must not pass in silence
            tricks.pop(name, None)
        elif mine is not None:
            parameters = {**asdict(mine), **parameters}  # type: ignore[call-overload]
            tricks[name] = _make(type(mine), TrickConfig(name=name, parameters=parameters))
        else:
            tricks[name] = make_trick(TrickConfig(name=config.name, parameters=parameters))
    return list(tricks.values())
