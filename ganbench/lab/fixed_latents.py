# SPDX-License-Identifier: MIT
"""The latents whose fakes the lab shows: the same ones in every frame of a run."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench.gan import Batch, Condition, Labels
from ganbench.sampling.draw import stream
from ganbench.state import State


@dataclass(frozen=True)
class FixedLatents:
    """Latents (n, latent_dim), with the labels or sources that the generator gets next to them."""

    latents: Tensor
    labels: Labels = None
    sources: Tensor | None = None

    @staticmethod
    def draw(state: State, count: int) -> FixedLatents:
        """Draw latents from a stream of their own, which the seed of the run decides."""
        random = stream(state, state.streams.seed, "lab")
        sampler = state.sampler()
        return FixedLatents(
            state.prior(count, random),
            sampler.labels(count, random),
            sampler.sources(count, random),
        )

    def __len__(self) -> int:
        return len(self.latents)

    @property
    def condition(self) -> Condition:
        """What the generator gets next to the latents: sources, labels, or None."""
        return self.labels if self.sources is None else self.sources

    def first(self, count: int) -> FixedLatents:
        """Return the first of them."""
        return FixedLatents(
            self.latents[:count],
            None if self.labels is None else self.labels[:count],
            None if self.sources is None else self.sources[:count],
        )

    def around(self, latents: Tensor) -> FixedLatents:
        """Return other latents (n, latent_dim), all with the first label or source."""

        def repeated(values: Tensor | None) -> Tensor | None:
            return None if values is None else values[:1].expand(len(latents), *values.shape[1:])

        return FixedLatents(latents, repeated(self.labels), repeated(self.sources))

    def fakes(self, state: State) -> Batch:
        """Return what the generator of the moment makes of them, as float32."""
        with state.autocast():
            images, made = state.generate(self.latents, self.condition)
        return Batch(images.float(), self.labels, self.sources, self.latents, made)


def scores_of(state: State, batch: Batch) -> Tensor:
    """Return the discriminator's output for each example of a batch, (n,), higher for more real.

    Where it judges packs of examples, each example of a pack gets the output for the pack.
    """
    packs = state.sampler().judge(batch)
    scores = packs.reshape(len(packs), -1).mean(1)
    return scores.repeat_interleave(len(batch) // len(packs))


def repeated_for_packs(state: State, images: Tensor) -> tuple[Tensor, int]:
    """Return examples (n, ...) as often in a row as a pack holds, and how often that is.

    A pack of equal examples says what the discriminator thinks of one of them.
    """
    probe = images[:1].expand(64, *images.shape[1:])
    size = 64 // len(state.sampler().judge(Batch(probe)))
    return torch.repeat_interleave(images, size, dim=0), size
