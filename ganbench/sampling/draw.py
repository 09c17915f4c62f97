# SPDX-License-Identifier: MIT
"""Drawing many samples from a trained state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from ganbench.gan import Batch, DataSpec
from ganbench.kinds import kind_of
from ganbench.kinds.image import pairs
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


@torch.no_grad()
def draw(state: State, count: int, *, seed: int, purpose: str = "samples") -> Tensor:
    """Draw ``count`` samples as their kind stores them: uint8 images, float32 points.

    The networks should be in evaluation mode. Samples that are not all finite are returned as the
    networks make them, images as float32 in [-1, 1], so that the caller can see it.

    Args:
        state: The trained state.
        count: The number of samples.
        seed: The seed of the latents.
        purpose: What the samples are for; each purpose has latents of its own.
    """
    batches = _batches(state, count, seed, purpose)
    return _samples((batch.images for batch in batches), state.data)


@torch.no_grad()
def draw_pictured(state: State, count: int, *, seed: int, purpose: str = "samples") -> Tensor:
    """Draw the samples of ``draw`` for a picture of them.

    An image that was made from another stands to the right of it: (count, C, H, 2 W).
    """
    batches = list(_batches(state, count, seed, purpose))
    samples = _samples([batch.images for batch in batches], state.data)
    sources = [batch.source for batch in batches if batch.source is not None]
    return pairs(torch.cat(sources).cpu(), samples) if sources else samples


def _batches(state: State, count: int, seed: int, purpose: str) -> Iterator[Batch]:
    sampler, generator = state.sampler(), stream(state, seed, purpose)
    for start in range(0, count, DRAW_BATCH):
        yield sampler(min(DRAW_BATCH, count - start), generator)


def _samples(parts: Iterable[Tensor], data: DataSpec) -> Tensor:
    """Return examples in parts (n, *shape) as samples on the CPU."""
    kind = kind_of(data)
    samples = [kind.to_samples(examples, data).cpu() for examples in parts]
    if len({part.dtype for part in samples}) > 1:
        samples = [kind.to_network(part, data) for part in samples]
    return torch.cat(samples)
