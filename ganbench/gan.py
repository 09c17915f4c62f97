# SPDX-License-Identifier: MIT
"""The contract of a zoo entry: what a GAN is, before anything trains it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from ganbench.config import OptimizerSpec, Recipe
from ganbench.errors import ConfigError
from ganbench.runtime.global_random import position_seed, seeded

if TYPE_CHECKING:
    from ganbench.trick import Hooks, Trick

Shape = tuple[int, ...]
Role = Literal["generator", "discriminator"]

GeneratorFactory = Callable[[int], nn.Module]
"""Builds G from the latent size. G maps (B, latent_dim) to (B, *data.shape)."""

DiscriminatorFactory = Callable[[Shape], nn.Module]
"""Builds D from the shape of its input. D maps (B, *shape) to logits (B, ...)."""

Labels = Tensor | None
"""Class labels (B,) int64, or None where there are none."""

Condition = Any
"""What enters a network as its second argument: labels, a source, latents, a pyramid; or None."""

Prior = Callable[[int, int, torch.Generator], Tensor]
"""Draws latents (count, latent_dim) from a random stream, on the stream's device."""


@dataclass(frozen=True)
class Mixture:
    """A mixture of equally likely isotropic Gaussians.

    ``centers`` holds K points of D coordinates; ``sigma`` is their standard deviation. Both are
    in the units of the data.
    """

    centers: tuple[tuple[float, ...], ...]
    sigma: float


DataKind = Literal["points", "image", "sequence", "video"]
"""What an example is."""

SampleKind = Literal["points", "images", "sequences", "videos"]
"""What several examples of a kind are called: in messages, in npz files and in results."""

PLURALS: dict[DataKind, SampleKind] = {
    "points": "points",
    "image": "images",
    "sequence": "sequences",
    "video": "videos",
}
DIMENSIONS: dict[DataKind, str] = {
    "points": "(D,)",
    "sequence": "(C, L)",
    "image": "(C, H, W)",
    "video": "(C, T, H, W)",
}
"""The shape of an example of each kind."""
_KINDS_BY_DIMENSIONS: dict[int, DataKind] = {1: "points", 2: "sequence", 3: "image", 4: "video"}


@dataclass(frozen=True)
class DataSpec:
    """What is known of a dataset before it is loaded.

    ``shape`` is (D,) for points, which the networks see as they are, (C, H, W) for images and
    (C, T, H, W) for videos, whose pixels they see in [-1, 1], and (C, L) for sequences: C signals
    in [-1, 1], or tokens as one-hot columns. ``kind`` follows from the shape where it is not
    named. ``classes`` is 0 where there are no labels. ``network`` names the feature network that
    measures such data unless another one is requested. ``alphabet`` holds the text of each of C
    tokens, and is None where sequences are signals; ``rate`` is the number of steps of a signal
    in a second, where it is known. ``source`` is the shape (C, H, W) of the other image of each
    pair, None where images come alone.

    Raises:
        ConfigError: The shape is that of no kind, or of another kind, the alphabet does not have
            C tokens, or data other than images have sources.
    """

    name: str
    version: str
    shape: Shape
    classes: int = 0
    network: str | None = None
    mixture: Mixture | None = None
    kind: DataKind = None  # type: ignore[assignment] # __post_init__ sets it where it is not named
    alphabet: tuple[str, ...] | None = None
    rate: int | None = None
    source: Shape | None = None

    def __post_init__(self) -> None:
        kind = _KINDS_BY_DIMENSIONS.get(len(self.shape))
        if kind is None or self.kind not in {None, kind}:
            expected = DIMENSIONS.get(self.kind) or " or ".join(DIMENSIONS.values())
            raise ConfigError(
                f"{self.name} has examples of the shape {self.shape}; {expected} was expected."
            )
        object.__setattr__(self, "kind", kind)
        if self.alphabet is not None and (kind, self.channels) != ("sequence", len(self.alphabet)):
            raise ConfigError(
                f"{self.name} has an alphabet of {len(self.alphabet)} tokens and examples of the "
                f"shape {self.shape}; sequences ({len(self.alphabet)}, L) were expected."
            )
        if self.source is not None and kind != "image":
            raise ConfigError(
                f"{self.name} holds {PLURALS[kind]} with sources; only images have sources."
            )

    @property
    def is_image(self) -> bool:
        """Whether examples are images."""
        return self.kind == "image"

    @property
    def plural(self) -> SampleKind:
        """What examples are called: points, images, sequences, videos."""
        return PLURALS[self.kind]

    @property
    def channels(self) -> int:
        """The number of channels of an example, or of coordinates of a point."""
        return self.shape[0]

    @property
    def resolution(self) -> int:
        """The height of an image or a video in pixels; 1 for points and sequences."""
        return self.shape[-2] if self.kind in {"image", "video"} else 1

    @property
    def size(self) -> int:
        """The number of values in one example."""
        return prod(self.shape)


@dataclass(frozen=True)
class Batch:
    """Examples as the networks see them, real or generated.

    What belongs to an example travels with it, through every hook that exchanges examples.
    """

    images: Tensor
    """The examples (B, *shape)."""
    labels: Labels = None
    """Their classes (B,) int64."""
    source: Tensor | None = None
    """The other image of each pair (B, ...), where examples are made from another image."""
    latents: Tensor | None = None
    """The latents (B, latent_dim) they were made from; None for real examples."""
    made: Any = None
    """What the generator returned next to them: tensors (B, ...), or tuples, lists or dicts of
    such; None for real examples, and where it returned nothing."""

    def __len__(self) -> int:
        return len(self.images)

    def take(self, indices: Tensor) -> Batch:
        """Return the examples at indices (n,) int64, with all that belongs to them."""
        return _each([self], lambda parts: parts[0][indices])

    @staticmethod
    def join(batches: Sequence[Batch]) -> Batch:
        """Return several batches as one; what only some of them have is left out."""
        return _each(batches, torch.cat)


def _each(batches: Sequence[Batch], change: Callable[[list[Tensor]], Tensor]) -> Batch:
    """Return a batch of which every part comes from the same parts of other batches."""
    images, *others = zip(*(vars(batch).values() for batch in batches), strict=True)
    return Batch(change(list(images)), *(_changed(other, change) for other in others))


def _changed(parts: Sequence[Any], change: Callable[[list[Tensor]], Tensor]) -> Any:
    """Return equal structures of tensors as one; None where any of them is None."""
    first = parts[0]
    if any(part is None for part in parts):
        return None
    if isinstance(first, dict):
        return {key: _changed([part[key] for part in parts], change) for key in first}
    if isinstance(first, tuple | list):
        return type(first)(_changed(items, change) for items in zip(*parts, strict=True))
    return change(list(parts))


LossFunction = Callable[[Tensor, Tensor], Tensor]
"""Maps real logits and fake logits (B, ...) to a scalar."""

LogitCost = Callable[[Tensor], Tensor]
"""Maps logits (B, ...) to a cost for each, of the same shape."""


@dataclass(frozen=True)
class Loss:
    """An adversarial loss: two pure functions of (real logits, fake logits), to be minimized.

    Logits are (B, ...) and unbounded; each function returns a scalar. A higher logit means that
    the discriminator takes an example for more real, and tricks rely on it; where it does not,
    ``higher_is_real`` is False, and those tricks are refused (``Trick.needs_ordered_logits``).

    ``paired`` says that the generator's loss compares fake with real logits. Where it is False,
    the pass over real examples is skipped, and the function gets an empty tensor instead.

    ``real_part`` and ``fake_part`` are set where the discriminator's loss is the sum of two means:
    the cost of logits as real, and their cost as fake. Tricks that move targets, such as label
    smoothing, need them.

    ``mean`` says that both functions are means over examples, so that several processes can share
    a batch.
    """

    name: str
    discriminator: LossFunction
    generator: LossFunction
    paired: bool = False
    real_part: LogitCost | None = None
    fake_part: LogitCost | None = None
    mean: bool = True
    higher_is_real: bool = True


@dataclass(frozen=True)
class Partner:
    """A further network, such as an encoder, and the player it learns with."""

    build: Callable[[int, Shape], nn.Module]
    """Builds the network from the latent size and the shape of the data."""
    learns_with: Role = "generator"
    optimizer: OptimizerSpec | None = None
    """How its weights move; None lets the player's own optimizer move them."""


@dataclass(frozen=True, kw_only=True)
class GAN:
    """A GAN variant for some data: the one-paragraph summary of its paper.

    Networks are given as factories, so that tricks can change what is built, and so that each
    network is initialized from its own random stream. Either network may return a pair (output,
    extras): the extras, whatever they are, reach the hooks as ``scored.made`` and
    ``scored.extras``.
    """

    generator: GeneratorFactory
    discriminator: DiscriminatorFactory
    loss: Loss
    recipe: Recipe
    hooks: Hooks | None = None
    """What the variant adds to the step, and what cannot be removed from it."""
    tricks: Sequence[Trick] = ()
    """What its paper adds; ``name:off`` removes a trick."""
    partners: Mapping[str, Partner] = field(default_factory=dict)
    prior: Prior | None = None
    """The distribution of the latents, where it is not the recipe's."""
    conditional: bool | Literal["source"] = False
    """What both networks get as a second argument: True means labels (B,), ``source`` the source
    (B, ...) of each example."""


Draw = Callable[["Sampler", int, torch.Generator], Batch]
"""Draws that many examples with a sampler, from a random stream."""


@dataclass(frozen=True)
class Sampler:
    """Draws examples from a trained pair of networks; tricks replace its fields.

    Each function is called with the sampler that is finally used, so the order in which tricks
    replaced the fields does not matter.
    """

    generator: nn.Module
    discriminator: nn.Module
    latents: Callable[[int, torch.Generator], Tensor]
    """Draws n latents (n, latent_dim) from a random stream."""
    labels: Callable[[int, torch.Generator], Labels]
    """Draws n labels (n,) int64, or returns None where the networks take none."""
    sources: Callable[[int, torch.Generator], Tensor | None]
    """Draws n sources (n, C, H, W) in [-1, 1], or returns None where the networks take none."""
    draw: Draw
    judge: Callable[[Batch], Tensor]
    """Returns the logits (n, ...) of the trained discriminator for examples that were drawn, shown
    to it as the variant shows them, in evaluation mode."""

    @torch.no_grad()
    def __call__(self, count: int, generator: torch.Generator) -> Batch:
        """Draw ``count`` examples, images (count, *shape) in [-1, 1], with their labels.

        Random numbers that the networks themselves draw depend on the position of the stream
        alone: the same stream draws the same examples.
        """
        with seeded(position_seed(generator), generator.device):
            drawn = self.draw(self, count, generator)
        return replace(drawn, images=drawn.images.detach())  # it may be a view of a weight

    def replace(
        self,
        *,
        generator: nn.Module | None = None,
        latents: Callable[[int, torch.Generator], Tensor] | None = None,
        labels: Callable[[int, torch.Generator], Labels] | None = None,
        draw: Draw | None = None,
    ) -> Sampler:
        """Return a copy with some fields replaced; None keeps a field."""
        return replace(
            self,
            generator=generator or self.generator,
            latents=latents or self.latents,
            labels=labels or self.labels,
            draw=draw or self.draw,
        )
