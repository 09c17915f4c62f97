# SPDX-License-Identifier: MIT
"""Scores of single samples among real ones: how realistic each is, and how rare.

Both are about balls around real samples, whose radius is the distance to the third nearest real
neighbor, as in precision.
"""

from __future__ import annotations

import numpy as np
import torch

from ganbench.evaluation.math.arrays import Array, Features
from ganbench.evaluation.math.blockwise import blocks, mean_of
from ganbench.evaluation.math.neighborhoods import IMPROVED_K, real_neighbors
from ganbench.evaluation.math.neighbors import pairs_below

_ROWS = 512


def realism_scores(real: Features, fake: Features, device: str = "cpu") -> Array:
    """Return the realism of each generated sample (N,): the largest radius over distance.

    Only real samples (M, d) count whose radius is at most the median. The realism of a copy of one
    of them is infinite, even of one that is there so often that its radius is 0.
    """
    radii = np.sqrt(real_neighbors(real, device).squared[:, IMPROVED_K - 1])  # (M,)
    kept = np.flatnonzero(radii <= np.median(radii))
    center = mean_of(real)
    best, nearest = np.full(len(fake), -1.0), np.zeros(len(fake), dtype=np.int64)
    least, closest = np.full(len(fake), np.inf), np.zeros(len(fake), dtype=np.int64)
    for rows in blocks(len(fake), _ROWS):
        left = _tensor(fake[rows] - center, device)  # (B, d)
        for columns in blocks(len(kept)):
            chosen = kept[columns]
            right = _tensor(real[chosen] - center, device)
            squared = left.square().sum(1)[:, None] + right.square().sum(1) - 2 * left @ right.T
            distances = squared.clamp(min=1e-300).sqrt()  # (B, C)
            ratios, places = (_tensor(radii[chosen], device) / distances).max(dim=1)
            better = ratios.cpu().numpy() > best[rows]
            best[rows] = np.where(better, ratios.cpu().numpy(), best[rows])
            nearest[rows] = np.where(better, chosen[places.cpu().numpy()], nearest[rows])
            shortest, places = distances.min(dim=1)
            closer = shortest.cpu().numpy() < least[rows]
            least[rows] = np.where(closer, shortest.cpu().numpy(), least[rows])
            closest[rows] = np.where(closer, chosen[places.cpu().numpy()], closest[rows])
    # Small differences of large numbers are inexact: the decisive distances are computed again.
    samples = np.asarray(fake, np.float64)
    exact = np.linalg.norm(samples - real[nearest], axis=1)
    copied = (exact == 0) | (np.linalg.norm(samples - real[closest], axis=1) == 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        scores: Array = np.where(copied, np.inf, radii[nearest] / exact)
    return scores


def rarity_scores(real: Features, fake: Features, device: str = "cpu") -> Array:
    """Return the rarity of each generated sample (N,): the smallest radius of the balls it is in.

    It is NaN for a sample that is in no ball around a real sample (M, d).
    """
    squared_radii = real_neighbors(real, device).squared[:, IMPROVED_K - 1]  # (M,)
    smallest = np.full(len(fake), np.inf)
    nothing = np.full(len(fake), -1.0)
    for pairs in pairs_below(fake, real, nothing, squared_radii, device=device):
        bounds = squared_radii[pairs.columns]
        inside = pairs.settled(bounds) <= bounds
        np.minimum.at(smallest, pairs.rows[inside], bounds[inside])
    scores: Array = np.where(np.isfinite(smallest), np.sqrt(smallest), np.nan)
    return scores


def _tensor(values: Array, device: str) -> torch.Tensor:
    """Return values on a CUDA device, or else on the CPU: Apple's GPUs know no float64."""
    place = device if torch.device(device).type == "cuda" else "cpu"
    return torch.from_numpy(np.asarray(values, dtype=np.float64)).to(place)
