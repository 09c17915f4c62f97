# SPDX-License-Identifier: MIT
"""Networks that draw examples by removing noise in a few large steps (arXiv:2112.07804)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, one_hot, silu

from ganbench.gan import Shape
from ganbench.nn.convolutional import made_even, map_sizes
from ganbench.nn.mlp import MLP
from ganbench.nn.residual import channels_inward, repeated

Noisy = tuple[Tensor, Tensor]
"""Examples (B, *shape) with noise, and the number of steps (B,) int64 that made them so."""

_BETA_MIN, _BETA_MAX = 0.1, 20.0
"""The rate of the diffusion at its start and its end, of unit length (arXiv:2011.13456)."""
_LARGEST = 4
"""The largest number of channels, as a multiple of the outermost one's."""
_GROUPS = 8
"""The largest number of groups whose channels are normalized together."""
_STYLE = 128
"""The size of what a latent and a time are mapped to."""


@dataclass(frozen=True)
class Diffusion:
    """A diffusion in a few steps t = 1 to T, from examples at t = 0 to almost pure noise.

    ``x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) e`` with e from N(0, 1) and, for s = t / T,
    ``a_t = exp(-0.1 s - (20 - 0.1) s^2 / 2)``.
    """

    steps: int

    def kept(self, times: Tensor) -> Tensor:
        """Return a_t, the share of the variance of examples at times (B,), 1 at time 0."""
        shares = times / self.steps
        return (-_BETA_MIN * shares - 0.5 * (_BETA_MAX - _BETA_MIN) * shares.square()).exp()

    def noised(self, examples: Tensor, times: Tensor, noise: Tensor) -> Tensor:
        """Return x_t for examples x_0 (B, *shape), times (B,), and noise (B, *shape)."""
        kept = _each(self.kept(times), examples)
        return kept.sqrt() * examples + (1 - kept).sqrt() * noise

    def before(self, examples: Tensor, noisy: Noisy, noise: Tensor) -> Tensor:
        """Draw x_{t-1} given x_0 and x_t, which at t = 1 is x_0 (arXiv:2006.11239, equation 7).

        Args:
            examples: x_0, (B, *shape).
            noisy: x_t and t.
            noise: Noise from N(0, 1), (B, *shape).
        """
        images, times = noisy
        kept, kept_before = self.kept(times), self.kept(times - 1)
        beta = 1 - kept / kept_before
        clean = kept_before.sqrt() * beta / (1 - kept)
        stays = (kept / kept_before).sqrt() * (1 - kept_before) / (1 - kept)
        deviation = (beta * (1 - kept_before) / (1 - kept)).sqrt()
        return (
            _each(clean, images) * examples
            + _each(stays, images) * images
            + _each(deviation, images) * noise
        )


def _each(values: Tensor, examples: Tensor) -> Tensor:
    """Reshape a number for each example (B,) so that it multiplies (B, *shape)."""
    return values.view(-1, *[1] * (examples.ndim - 1))


class DenoisingGenerator(nn.Module):
    """Guesses an example from one with noise; by itself it draws examples in all steps.

    With noisy examples (x_t, t) as the condition, it maps latents (B, latent_dim) to guesses of x_0
    (B, *shape), and returns the noisy examples next to them. Without, it begins with noise and goes
    from x_t to x_{t-1} by a guess of x_0: the latents serve the first step. The noise, and latents
    for the other steps, come from torch's global stream.

    Args:
        denoiser: Maps noisy examples (B, *shape), times (B,) and latents to guesses (B, *shape).
        shape: The shape of an example.
        diffusion: The steps.
    """

    def __init__(self, denoiser: nn.Module, shape: Shape, diffusion: Diffusion) -> None:
        super().__init__()
        self.denoiser = denoiser
        self.shape = shape
        self.diffusion = diffusion

    def forward(self, latents: Tensor, noisy: Noisy | None = None) -> Tensor | tuple[Tensor, Noisy]:
        """Map latents and noisy examples to guesses and these, or latents alone to examples."""
        if noisy is None:
            return self.drawn(latents)
        guesses: Tensor = self.denoiser(*noisy, latents)
        return guesses, noisy

    def drawn(self, latents: Tensor) -> Tensor:
        """Draw examples (B, *shape) in all steps, the first of them with latents."""
        images = torch.randn(latents.shape[0], *self.shape, device=latents.device)
        for step in range(self.diffusion.steps, 0, -1):
            times = torch.full((latents.shape[0],), step, device=latents.device)
            guesses = self.denoiser(images, times, latents).to(images.dtype)
            images = self.diffusion.before(guesses, (images, times), torch.randn_like(images))
            latents = torch.randn_like(latents)
        return images


class Styles(nn.Module):
    """Maps latents (B, latent_dim) and times (B,) from 1 on to styles (B, size).

    Args:
        latent_dim: Size of a latent, which is scaled to unit mean square.
        steps: The latest time.
    """

    def __init__(self, latent_dim: int, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.layers = nn.Sequential(
            nn.Linear(latent_dim + steps, _STYLE), nn.SiLU(), nn.Linear(_STYLE, _STYLE), nn.SiLU()
        )

    def forward(self, latents: Tensor, times: Tensor) -> Tensor:
        """Map (B, latent_dim) and (B,) to (B, size)."""
        latents = latents * (latents.square().mean(1, keepdim=True) + 1e-8).rsqrt()
        codes = one_hot(times - 1, self.steps).to(latents.dtype)
        styles: Tensor = self.layers(torch.cat([latents, codes], 1))
        return styles


class AdaptiveGroupNorm(nn.Module):
    """Normalizes groups of channels; gains and biases are linear in a style (arXiv:2105.05233).

    Args:
        channels: The number of channels of a map.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(math.gcd(channels, _GROUPS), channels, affine=False)
        self.gain = nn.Linear(_STYLE, channels)
        self.bias = nn.Linear(_STYLE, channels)

    def forward(self, maps: Tensor, styles: Tensor) -> Tensor:
        """Map (B, C, H, W) and styles (B, size) to (B, C, H, W)."""
        gains = 1 + self.gain(styles)[:, :, None, None]
        normalized: Tensor = self.norm(maps) * gains + self.bias(styles)[:, :, None, None]
        return normalized


class StyledBlock(nn.Module):
    """Two convolutions after adaptive normalization, added to a linear layer of the input.

    Args:
        inputs: The number of channels of the input.
        outputs: The number of channels of the output.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first_norm, self.second_norm = AdaptiveGroupNorm(inputs), AdaptiveGroupNorm(outputs)
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1)

    def forward(self, maps: Tensor, styles: Tensor) -> Tensor:
        """Map (B, inputs, H, W) and styles (B, size) to (B, outputs, H, W)."""
        inner = self.first(silu(self.first_norm(maps, styles)))
        inner = self.second(silu(self.second_norm(inner, styles)))
        outputs: Tensor = (inner + self.skip(maps)) * math.sqrt(0.5)
        return outputs


class DenoisingUNet(nn.Module):
    """Styled blocks at every size, joined at each; tanh at the end.

    Maps noisy images (B, *shape), times (B,) and latents (B, latent_dim) to (B, *shape) in [-1, 1].

    Args:
        latent_dim: Size of a latent.
        shape: (C, H, W) of an image.
        steps: The latest time.
        width: Channels of the outermost map; doubled inward, up to four times as many.
    """

    def __init__(self, latent_dim: int, shape: Shape, *, steps: int, width: int = 16) -> None:
        super().__init__()
        widths = channels_inward(width, len(map_sizes(*shape[1:])), _LARGEST)
        self.styles = Styles(latent_dim, steps)
        self.from_image = nn.Conv2d(shape[0], width, 3, padding=1)
        self.encoder = nn.ModuleList(
            StyledBlock(outer, inner)
            for outer, inner in zip([width, *widths[:-1]], widths, strict=True)
        )
        self.decoder = nn.ModuleList(
            StyledBlock(inner + outer, outer) for outer, inner in reversed(list(pairwise(widths)))
        )
        self.norm = AdaptiveGroupNorm(width)
        self.to_image = nn.Conv2d(width, shape[0], 3, padding=1)

    def forward(self, images: Tensor, times: Tensor, latents: Tensor) -> Tensor:
        """Map (B, *shape), (B,) and (B, latent_dim) to (B, *shape)."""
        styles = self.styles(latents, times)
        maps = [self.encoder[0](self.from_image(images), styles)]
        for block in self.encoder[1:]:
            maps.append(block(avg_pool2d(made_even(maps[-1]), 2), styles))
        current = maps.pop()  # (B, C, h, w), the innermost
        for block in self.decoder:
            encoded = maps.pop()
            doubled = repeated(current, encoded.shape[2:])
            current = block(torch.cat([doubled, encoded], 1), styles)
        guesses: Tensor = self.to_image(silu(self.norm(current, styles))).tanh()
        return guesses


class DenoisingMLP(nn.Module):
    """A multilayer perceptron of noisy examples, times and latents, for data of any kind.

    Args:
        latent_dim: Size of a latent.
        shape: The shape of an example.
        steps: The latest time.
        width: Units of each of three hidden layers.
    """

    def __init__(self, latent_dim: int, shape: Shape, *, steps: int, width: int = 128) -> None:
        super().__init__()
        self.steps = steps
        self.layers = MLP((latent_dim + steps + math.prod(shape),), [width] * 3, shape)

    def forward(self, examples: Tensor, times: Tensor, latents: Tensor) -> Tensor:
        """Map (B, *shape), (B,) and (B, latent_dim) to (B, *shape)."""
        codes = one_hot(times - 1, self.steps).to(latents.dtype)
        values: Tensor = self.layers(torch.cat([examples.flatten(1), codes, latents], 1))
        return values


class DenoisingDiscriminator(nn.Module):
    """Judges whether x_{t-1} follows from x_t, as its condition: logits (B, 1).

    The two are stacked along channels or coordinates; the time enters by projection.

    Args:
        projection: A projection discriminator, which maps (B, 2 * channels, ...) and labels (B,)
            from 0 on to logits (B, 1).
    """

    def __init__(self, projection: nn.Module) -> None:
        super().__init__()
        self.projection = projection

    def forward(self, images: Tensor, noisy: Noisy) -> Tensor:
        """Map x_{t-1} (B, *shape), and x_t with t, to logits (B, 1)."""
        later, times = noisy
        logits: Tensor = self.projection(torch.cat([images, later], 1), times - 1)
        return logits
