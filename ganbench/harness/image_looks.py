# SPDX-License-Identifier: MIT
"""Closer looks at a generator of images: between its latents, and next to what it learned from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from ganbench.data.dataset import Dataset, Source
from ganbench.errors import ConfigError
from ganbench.evaluation.feature_network import FeatureNetwork
from ganbench.evaluation.math.neighbors import nearest
from ganbench.evaluation.requests import resolve_available
from ganbench.harness.state_paths import images_at, slerp
from ganbench.kinds import kind_of
from ganbench.kinds.image import grid
from ganbench.report.closer_looks import CloserLook
from ganbench.samples.sample_set import facts_of
from ganbench.sampling.draw import draw, stream
from ganbench.state import State

ROWS = 8
"""The rows of a look, and its columns."""

SEARCHED = 250
"""How many samples are searched for copies."""

MOST_SECONDS = 60.0
"""How long describing the training images may take, by what the network says of itself."""

_ORANGE = (213, 94, 0)
_SMALLEST = 1e-12


def between_latents(state: State, seed: int) -> CloserLook:
    """Return rows of images, each on the way from one latent to another at one label.

    Latents of a normal prior are followed along the sphere, as they all lie near it (White, 2016,
    arXiv:1609.04468); others along the line.

    Raises:
        ConfigError: The sampler chooses among samples, so that they do not stand in their places.
    """
    sampler = state.sampler()
    random = stream(state, seed, "between")
    ends = state.prior(2 * ROWS, random)  # (16, latent_dim)
    labels = sampler.labels(ROWS, random)
    normal = state.recipe.prior == "normal" and state.latent_prior is None
    path = _path(ends[:ROWS], ends[ROWS:], slerp if normal else torch.lerp)  # (64, latent_dim)
    repeated = None if labels is None else labels.repeat_interleave(ROWS)
    images = images_at(sampler, path, repeated, random, state)
    return CloserLook("interpolation", grid(_stored(images, state), least_width=0))


def _path(
    first: Tensor, second: Tensor, between: Callable[[Tensor, Tensor, Tensor], Tensor]
) -> Tensor:
    """Return steps (N * ROWS, d) on the way from latents (N, d) to others, ends included."""
    shares = torch.linspace(0, 1, ROWS, device=first.device).repeat(len(first))[:, None]
    return between(first.repeat_interleave(ROWS, 0), second.repeat_interleave(ROWS, 0), shares)


def _stored(examples: Tensor, state: State) -> Tensor:
    return kind_of(state.data).to_samples(examples.float(), state.data).cpu()


@dataclass(frozen=True)
class TrainingImages:
    """What a run was trained on, as the network that measured it describes it.

    ``values`` are the images (M, C, H, W) uint8, ``features`` (M, d) their features, and
    ``copies`` the share of as many held-out real images as samples are drawn that the rule takes
    for copies; None where the data have no such images.
    """

    values: Tensor
    features: NDArray[np.float32]
    network: FeatureNetwork
    channelwise: bool
    copies: float | None

    @staticmethod
    def of(dataset: Dataset, source: Source, metrics: Iterable[str]) -> TrainingImages:
        """Describe training images by the first network of features among a run's metrics.

        Raises:
            ConfigError: There is no such network, or it would take too long.
            GanbenchError: The network or the data are not on this machine.
        """
        facts = facts_of(dataset.spec, dataset.split)
        requests, _ = resolve_available(facts, list(metrics), None)
        for request in requests:
            network = request.network
            if isinstance(network, FeatureNetwork):
                break
        else:
            raise ConfigError("No metric of the run has features.")
        if network.facts.seconds * len(dataset) > MOST_SECONDS:
            raise ConfigError("The network would take too long.")
        features = _features(network, dataset.values, request.channelwise)
        images = TrainingImages(dataset.values, features, network, request.channelwise, None)
        if "test" not in source.splits:
            return images
        held_out = source.load("test").values[:SEARCHED]
        ratios, _ = images.compare(held_out)
        return TrainingImages(
            dataset.values, features, network, request.channelwise, float((ratios <= 1).mean())
        )

    def compare(self, samples: Tensor) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return how near samples (N, C, H, W) lie to training images, and to which.

        Returns:
            The distance to the nearest training image over the distance of that image to its own
            nearest neighbor (N,), and the nearest training images (N, ROWS - 1), the nearest first.
        """
        features = _features(self.network, samples, self.channelwise)
        found = nearest(features, ROWS - 1, among=self.features)
        closest = found.indices[:, 0]
        apart = nearest(self.features[closest], 2, among=self.features).squared[:, 1]
        ratios = np.sqrt(found.squared[:, 0] / np.maximum(apart, _SMALLEST))
        return ratios, found.indices

    def nearest_to(self, state: State, seed: int) -> CloserLook:
        """Return the samples that come nearest to copies, each with its training images."""
        samples = draw(state, SEARCHED, seed=seed, purpose="metrics").samples
        ratios, neighbors = self.compare(samples)
        rows = np.argsort(ratios, kind="stable")[:ROWS]
        shown = [
            image
            for row in rows
            for image in (samples[row], *self.values[torch.from_numpy(neighbors[row])].cpu())
        ]
        sheet = grid(torch.stack(shown), least_width=0).convert("RGB")
        _frame_first_column(sheet)
        note = f"as near as a copy: {100 * (ratios <= 1).mean():.0f} % of {SEARCHED} samples"
        if self.copies is not None:
            note += f", {100 * self.copies:.0f} % of held-out real images"
        return CloserLook("neighbors", sheet, note)


def _frame_first_column(sheet: Image.Image) -> None:
    """Draw a frame around the samples."""
    width = (sheet.width - 2) // ROWS + 1
    box = (0, 0, width, sheet.height - 1)
    ImageDraw.Draw(sheet).rectangle(box, outline=_ORANGE, width=2)


def _features(network: FeatureNetwork, images: Tensor, channelwise: bool) -> NDArray[np.float32]:
    features: NDArray[np.float32] = network.extract(
        images.cpu(), channelwise=channelwise
    ).features.numpy()
    return features
