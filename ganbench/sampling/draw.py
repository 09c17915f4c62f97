# SPDX-License-Identifier: MIT
"""Drawing many samples from a trained state."""

from __future__ import annotations

import torch
from torch import Tensor

from ganbench.kinds import kind_of
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
    kind, data = kind_of(state.data), state.data
    sampler = state.sampler()
    generator = stream(state, seed, purpose)
    parts = []
    for start in range(0, count, DRAW_BATCH):
        examples = sampler(min(DRAW_BATCH, count - start), generator).images
        parts.append(kind.to_samples(examples, data).cpu())
    if len({part.dtype for part in parts}) > 1:
        parts = [kind.to_network(part, data) for part in parts]
    return torch.cat(parts)
