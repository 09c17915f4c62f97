# SPDX-License-Identifier: MIT
"""Distances between images that lie a small step apart on paths through a generator's latents."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ganbench.errors import ConfigError, InputError
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.metric import PATH_NEEDS, Need
from ganbench.evaluation.pair_network import PairNetwork
from ganbench.progress import Progress
from ganbench.runtime.inference import Compute
from ganbench.samples.sample_set import Samples

EPSILON = 1e-4
"""The length of a step, as a share of its path (arXiv:1812.04948)."""
_LARGEST = 256
"""Pixels of a side from which on images are averaged down, as StyleGAN's evaluation does."""


def extract_path_distances(
    samples: Samples,
    need: Need,
    network: PairNetwork,
    *,
    compute: Compute,
    progress: Progress,
) -> Evidence:
    """Return the distances of steps on as many random paths as there are samples.

    Args:
        samples: Samples of a generator whose latents are known.
        need: One of ``PATH_NEEDS``.
        network: The network that compares images.
        compute: Where and how it computes, in fp32.
        progress: Hears how many paths are done.

    Raises:
        ConfigError: No generator is known, it has no such paths, or the network computes in a
            format that is too coarse.
        InputError: An image is not finite.
    """
    if samples.paths is None:
        raise ConfigError(
            "Perceptual path lengths need a generator and its latents, and "
            f"{samples.facts.name} holds samples alone.",
            "Measure a run or an exported one: ganbench eval RUN --metrics ppl-z",
        )
    if compute.precision != "fp32":
        raise ConfigError(
            f"Steps of perceptual paths are too small for {compute.precision}.",
            "Leave --precision out.",
        )
    count, done = len(samples), 0
    distances = []
    for first, second in samples.paths.steps(PATH_NEEDS[need], count, epsilon=EPSILON):
        if not (first.isfinite().all() and second.isfinite().all()):
            raise InputError(f"{samples.facts.name} drew images that are not finite.")
        step = network.fine_distances(_shrunk(first), _shrunk(second), compute=compute)
        distances.append(step.cpu().double())
        done += len(step)
        progress.advance(f"paths of {samples.facts.name}", done, count)
    return Evidence(count=count, distances=torch.cat(distances).numpy())


def _shrunk(images: Tensor) -> Tensor:
    """Return images (B, C, H, W), averaged down while a side is at least twice 256 pixels."""
    factor = images.shape[2] // _LARGEST
    return avg_pool2d(images, factor) if factor > 1 else images
