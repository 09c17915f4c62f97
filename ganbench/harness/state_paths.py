# SPDX-License-Identifier: MIT
"""Steps along paths through the latents of a trained generator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.errors import ConfigError
from ganbench.gan import Labels, Sampler
from ganbench.runtime.inference import reference_arithmetic
from ganbench.samples.latent_paths import PathKind
from ganbench.sampling.draw import sampler_name, stream
from ganbench.state import State
from ganbench.training.trainer import evaluating

_PATHS_AT_ONCE = 64


class StatePaths:
    """Paths between random latents of a state's generator: the same ones for the same seed.

    Both images of a step have the same class, the same source, and the same noise inside of the
    networks. They are computed in float32, whatever the run's precision.

    Args:
        state: The trained state.
        seed: The seed of the latents.
    """

    def __init__(self, state: State, seed: int) -> None:
        self._state = state
        self._seed = seed

    def steps(
        self, kind: PathKind, count: int, *, epsilon: float
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield batches of images (B, C, H, W) in [-1, 1], before and after a step of a path.

        Args:
            kind: The kind of the paths.
            count: The number of paths, each of which gives one step.
            epsilon: The length of a step, as a share of its path.

        Raises:
            ConfigError: The generator has no mapping network, its latents are not normal, or a
                trick of the sampler draws other latents than it is given.
        """
        state = replace(self._state, precision="fp32")
        random = stream(state, self._seed, "paths")
        for start in range(0, count, _PATHS_AT_ONCE):
            with evaluating(state), reference_arithmetic():
                paths = _Paths(state, state.sampler(), min(_PATHS_AT_ONCE, count - start), random)
                begin = torch.rand(paths.count, generator=random, device=state.device)
                begin = begin[:, None] * (not kind.ends_only)
                at = paths.along_styles() if kind.space == "w" else paths.along_latents()
                step = at(begin), at(begin + epsilon)
            yield step


class _Paths:
    """Some paths, each with its ends, its class, and a seed for all else that is random."""

    def __init__(self, state: State, sampler: Sampler, count: int, random: torch.Generator) -> None:
        self.count = count
        self._state = state
        self._sampler = sampler
        self._first = sampler.latents(count, random)  # (count, latent_dim)
        self._second = sampler.latents(count, random)
        self._labels: Labels = sampler.labels(count, random)
        self._noise = int(torch.randint(2**62, (), generator=random, device=state.device))

    def along_latents(self) -> Callable[[Tensor], Tensor]:
        """Return the images at some shares of the paths between the latents themselves."""
        state = self._state
        if state.latent_prior is not None or state.recipe.prior != "normal":
            raise ConfigError(
                "Paths between latents run along a sphere, and the latents of this model are not "
                "normal.",
                "For a generator with a mapping network, measure ppl-w.",
            )
        return lambda share: self._images(slerp(self._first, self._second, share))

    def along_styles(self) -> Callable[[Tensor], Tensor]:
        """Return the images at some shares of the paths between outputs of the mapping network."""
        mapping = getattr(self._sampler.generator, "mapping", None)
        if not isinstance(mapping, nn.Module):
            raise ConfigError(
                "The generator has no mapping network (a module named 'mapping'), between whose "
                "outputs paths could run.",
                "Measure the paths between its latents: ppl-z.",
            )
        with _outputs(mapping) as styles:
            self._images(self._first)
            self._images(self._second)
        if len(styles) != 2:
            raise ConfigError(
                f"The generator calls its mapping network {len(styles) // 2} times for an image; "
                "paths need one call."
            )
        first, second = styles  # (count, style_dim)

        def images(share: Tensor) -> Tensor:
            with _replaced(mapping, first.lerp(second, share)):
                return self._images(self._first)

        return images

    def _images(self, latents: Tensor) -> Tensor:
        """Return the images (count, C, H, W) of latents (count, latent_dim)."""
        random = torch.Generator(self._state.device).manual_seed(self._noise)
        return images_at(self._sampler, latents, self._labels, random, self._state)


def images_at(
    sampler: Sampler, latents: Tensor, labels: Labels, random: torch.Generator, state: State
) -> Tensor:
    """Return a sampler's images (B, C, H, W) of given latents (B, latent_dim) and labels.

    Args:
        sampler: The sampler of the state.
        latents: The latents.
        labels: The labels (B,), or None.
        random: The stream of all else that is random.
        state: The trained state.

    Raises:
        ConfigError: A trick of the sampler draws other latents than it is given.
    """
    fixed = sampler.replace(
        latents=lambda count, generator: latents, labels=lambda count, generator: labels
    )
    drawn = fixed(len(latents), random)
    if drawn.latents is None or not torch.equal(drawn.latents, latents):
        raise ConfigError(
            "Paths need images of the latents that they lead through, and the sampler "
            f"'{sampler_name(state)}' chooses latents of its own."
        )
    return drawn.images


def slerp(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    """Return latents (B, D) at shares (B, 1) of the arcs from ``first`` to ``second`` (B, D).

    The direction moves along the great circle (Shoemake, 1985), the length linearly.
    """
    lengths = first.norm(dim=1, keepdim=True), second.norm(dim=1, keepdim=True)  # (B, 1)
    start, end = first / lengths[0], second / lengths[1]
    cosine = (start * end).sum(dim=1, keepdim=True).clamp(-1, 1)
    angle = share * torch.acos(cosine)
    across = end - cosine * start
    across = across / across.norm(dim=1, keepdim=True).clamp_min(1e-12)
    length = lengths[0].lerp(lengths[1], share)
    latents: Tensor = (start * angle.cos() + across * angle.sin()) * length
    return latents


@contextmanager
def _outputs(module: nn.Module) -> Iterator[list[Tensor]]:
    """Gather the outputs of a module's calls."""
    gathered: list[Tensor] = []

    def gather(module: nn.Module, inputs: Any, output: Tensor) -> None:
        gathered.append(output)

    handle = module.register_forward_hook(gather)
    try:
        yield gathered
    finally:
        handle.remove()


@contextmanager
def _replaced(module: nn.Module, output: Tensor) -> Iterator[None]:
    """Let a module return a given output."""

    def replace_output(module: nn.Module, inputs: Any, usual: Tensor) -> Tensor:
        return output

    handle = module.register_forward_hook(replace_output)
    try:
        yield
    finally:
        handle.remove()
