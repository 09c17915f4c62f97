# SPDX-License-Identifier: MIT
"""A trained generator as a plain function of tensors, as exported files hold it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from ganbench.errors import ConfigError
from ganbench.gan import Sampler
from ganbench.records.generator_facts import ConditionName, GeneratorFacts
from ganbench.runtime.global_random import seeded
from ganbench.sampling.draw import stream
from ganbench.state import State
from ganbench.trick import Tricks, hooks_name

CHECKED = 64
"""How many samples of an exported generator are compared with the run's own."""
_CLAMPED = {"image", "video"}
"""The kinds of data whose values are pixels."""
_CONDITIONS: dict[bool | str, ConditionName] = {False: "", True: "labels", "source": "source"}


class PlainGenerator(nn.Module):
    """A generator that returns its examples alone.

    Maps latents (B, latent_dim), and labels (B,) int64 or sources (B, C, H, W) where the generator
    takes them, to examples (B, *shape). Pixels are clamped to [-1, 1], as they are when a run
    draws samples.

    Args:
        generator: The generator, which may return further values next to its examples.
        clamped: Whether the examples are pixels.
    """

    def __init__(self, generator: nn.Module, *, clamped: bool) -> None:
        super().__init__()
        self.generator = generator
        self.clamped = clamped

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map latents (B, latent_dim) and their condition to examples (B, *shape)."""
        made = self.generator(latents) if condition is None else self.generator(latents, condition)
        examples: Tensor = made[0] if isinstance(made, tuple) else made
        return examples.clamp(-1, 1) if self.clamped else examples


@dataclass(frozen=True)
class ExportedGenerator:
    """What is exported: the network, what it takes and returns, and inputs to try it with."""

    network: PlainGenerator
    facts: GeneratorFacts
    inputs: tuple[Tensor, ...]
    """Latents (B, latent_dim), and labels (B,) or sources (B, C, H, W) where it takes them."""
    examples: Tensor
    """What it makes of the inputs, (B, *shape)."""
    random: bool
    """Whether its layers draw random numbers, so that each pass makes other examples."""

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs: ``latents``, and ``labels`` or ``source``."""
        return ["latents", *filter(None, [self.facts.condition])]

    @torch.no_grad()
    def run(self, seed: int = 0) -> Tensor:
        """Return what the network makes of the inputs, with torch's global stream seeded."""
        with seeded(seed, torch.device("cpu")):
            examples: Tensor = self.network(*self.inputs)
        return examples


@torch.no_grad()
def plain_generator(state: State) -> ExportedGenerator:
    """Return the generator that a run samples with, averaged weights where it averages them.

    Args:
        state: The trained state, on the CPU, with its networks in evaluation mode.

    Raises:
        ConfigError: What it makes is not finite.
    """
    data, sampler = state.data, state.sampler()
    pixels = data.kind in _CLAMPED
    network = PlainGenerator(sampler.generator, clamped=pixels).eval()
    generator = stream(state, 0, "export")
    latents = sampler.latents(CHECKED, generator)
    labels = sampler.labels(CHECKED, generator)
    sources = sampler.sources(CHECKED, generator)
    condition = labels if sources is None else sources
    facts = GeneratorFacts(
        latent_dim=latents.shape[1],
        prior="own" if state.latent_prior is not None else state.recipe.prior,
        condition=_CONDITIONS[state.conditional],
        classes=data.classes if state.conditional is True else 0,
        kind=data.kind,
        shape=data.shape,
        value_range=(-1.0, 1.0) if pixels else None,
    )
    inputs = (latents,) if condition is None else (latents, condition)
    first = ExportedGenerator(network, facts, inputs, latents, random=False)
    examples = first.run()
    if not examples.isfinite().all():
        raise ConfigError(
            "The generator makes values that are not finite, so no export could be compared with "
            "it.",
            "Export a run that has not diverged.",
        )
    return replace(first, examples=examples, random=not torch.equal(examples, first.run(seed=1)))


def tricks_that_choose(state: State) -> list[str]:
    """Return the tricks that draw samples in a way of their own, such as rejection.

    They ask the discriminator, which no exported file holds.
    """
    plain = _plain_sampler(state)
    return [
        hooks_name(hooks)
        for hooks in state.tricks.having("sampler")
        if hooks.sampler(plain, state).draw is not plain.draw
    ]


def tricks_on_latents(state: State) -> list[str]:
    """Return the tricks that change how latents are drawn, which a network alone cannot hold."""
    plain = _plain_sampler(state)
    return [
        hooks_name(hooks)
        for hooks in state.tricks.having("sampler")
        if hooks.sampler(plain, state).latents is not plain.latents
    ]


def refuse_tricks_that_choose(state: State, name: str) -> None:
    """Refuse tricks that ask the discriminator, where only the generator is at hand.

    Raises:
        ConfigError: There is one.
    """
    if choosing := tricks_that_choose(state):
        raise ConfigError(
            f"{choosing[0]} judges samples by the discriminator, and {name} holds the generator "
            "alone.",
            f"Leave out --trick {choosing[0]}",
        )


def _plain_sampler(state: State) -> Sampler:
    """Return the sampler of a state as it is without tricks."""
    return replace(state, tricks=Tricks((), None)).sampler()
