# SPDX-License-Identifier: MIT
"""Drawing many samples from a trained state."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench.errors import ConfigError
from ganbench.gan import Sampler
from ganbench.kinds import kind_of
from ganbench.kinds.image import pairs
from ganbench.runtime.memory import require_memory
from ganbench.state import State
from ganbench.streams import stream_seed
from ganbench.trick import hooks_name

DRAW_BATCH = 250


def stream(state: State, seed: int, purpose: str) -> torch.Generator:
    """Return a new random stream for drawing; equal arguments give equal streams."""
    generator = torch.Generator(state.device)
    generator.manual_seed(stream_seed(seed, f"eval/{purpose}"))
    return generator


def sampler_name(state: State) -> str:
    """Return the tricks that change how samples are drawn, joined by plus signs, or ``plain``."""
    return "+".join(map(hooks_name, state.tricks.having("sampler"))) or "plain"


def sampler_conditions(sampler: str) -> tuple[str, ...]:
    """Return the words of a protocol that say how samples were drawn, unless plainly."""
    return () if sampler == "plain" else (f"sampler={sampler}",)


@dataclass(frozen=True)
class DrawnSamples:
    """Samples that were drawn, as their kind stores them, and their classes."""

    samples: Tensor
    """Samples (N, ...): uint8 images (N, C, H, W), float32 points (N, D), ..."""
    labels: Tensor | None = None
    """The class (N,) int64 that each was drawn of; None where the generator knows no classes."""
    sources: Tensor | None = None
    """The images (N, C, H, W) in [-1, 1] that samples were made from; None for other models."""

    @property
    def pictured(self) -> Tensor:
        """The samples for a picture, each next to the image that it was made from, if any."""
        return self.samples if self.sources is None else pairs(self.sources, self.samples)

    def __len__(self) -> int:
        return len(self.samples)


@torch.no_grad()
def draw(
    state: State, count: int, *, seed: int, purpose: str = "samples", label: int | None = None
) -> DrawnSamples:
    """Draw ``count`` samples, as their kind stores them, on the CPU.

    The networks should be in evaluation mode. Samples that are not finite are returned as floats,
    as the networks made them, so that the caller can see it.

    Args:
        state: The trained state.
        count: The number of samples.
        seed: The seed of the latents.
        purpose: What the samples are for; each purpose has latents of its own.
        label: The class to draw; None draws all classes with equal probability.

    Raises:
        ConfigError: The generator draws no classes, or not this one.
        MemoryShortageError: There is no memory for that many samples.
    """
    sampler, data = state.sampler(), state.data
    if label is not None:
        sampler = sampler_of_class(sampler, state, label)
    kind = kind_of(data)
    generator = stream(state, seed, purpose)
    parts, labels, sources = [], [], []
    for start in range(0, count, DRAW_BATCH):
        drawn = sampler(min(DRAW_BATCH, count - start), generator)
        parts.append(kind.to_samples(drawn.images, data).cpu())
        if start == 0:
            each = parts[0].nbytes // len(parts[0])
            require_memory(2 * count * each, parts[0].device, f"{count:,} samples")
        if drawn.labels is not None:
            labels.append(drawn.labels.cpu())
        if drawn.source is not None:
            sources.append(drawn.source.cpu())
    if len({part.dtype for part in parts}) > 1:
        parts = [kind.to_network(part, data) for part in parts]
    return DrawnSamples(
        torch.cat(parts),
        torch.cat(labels) if labels else None,
        torch.cat(sources) if sources else None,
    )


def sampler_of_class(sampler: Sampler, state: State, label: int) -> Sampler:
    """Return a sampler that draws a single class.

    Raises:
        ConfigError: The generator draws no classes, or not this one.
    """
    if state.conditional is not True:
        raise ConfigError(
            "This model draws no classes: its generator gets no labels.",
            "Draw without --class, or train a model that is conditional: ganbench ls models",
        )
    if not 0 <= label < state.data.classes:
        raise ConfigError(
            f"There is no class {label}: {state.data.name} has the classes 0 to "
            f"{state.data.classes - 1}."
        )

    def labels(count: int, generator: torch.Generator) -> Tensor:
        return torch.full((count,), label, dtype=torch.int64, device=state.device)

    return sampler.replace(labels=labels)
