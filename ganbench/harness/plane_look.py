# SPDX-License-Identifier: MIT
"""A closer look at a generator of points in the plane: density, discriminator, captured modes."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from ganbench.data.dataset import Dataset
from ganbench.evaluation.evidence import Evidence
from ganbench.evaluation.mode_counts import count_modes
from ganbench.gan import Batch, Mixture
from ganbench.kinds import kind_of
from ganbench.report.closer_looks import CloserLook
from ganbench.sampling.draw import draw
from ganbench.state import State

PLANE_CELLS = 60
"""The cells of the plane in each direction."""

PANEL = 3 * PLANE_CELLS
"""Pixels of a panel."""

PANEL_GAP = 2
PLANE_MARGIN = 0.15
"""What is shown around the data, as a share of their width."""

_SEEN = 10_000
_WHITE = np.array([255.0, 255.0, 255.0])
_BLUE = np.array([0.0, 114.0, 178.0])
_ORANGE = np.array([213.0, 94.0, 0.0])
_GRAY = (150, 150, 150)

Plane = NDArray[np.float64]
"""Numbers of cells (rows, columns), from the lowest row on."""


def plane_look(state: State, dataset: Dataset, seed: int) -> CloserLook:
    """Return panels of the part of the plane in which the data lie, of the measured samples."""
    reals = dataset.values[:_SEEN].float().cpu().numpy().astype(np.float64)
    low, high = _square(reals)
    count = kind_of(state.data).measured(state.data)
    points = draw(state, count, seed=seed, purpose="metrics").samples.numpy().astype(np.float64)
    panels, note = [_colored(_density(points, low, high), _WHITE, _BLUE)], ""
    verdicts = _verdicts(state, low, high)
    if verdicts is not None:
        panels.append(_diverging(verdicts))
    mixture = state.data.mixture
    if mixture is not None:
        counts = count_modes(Evidence(len(points), points=points, mixture=mixture), "modes")
        panels.append(_modes(points, mixture, counts.per_mode > 0, low, high))
        note = f"{counts.covered} of {counts.modes} modes"
    width = len(panels) * PANEL + (len(panels) - 1) * PANEL_GAP
    sheet = Image.new("RGB", (width, PANEL), _GRAY)
    for place, panel in enumerate(panels):
        sheet.paste(panel, (place * (PANEL + PANEL_GAP), 0))
    return CloserLook("plane", sheet, note)


def _square(points: Plane) -> tuple[Plane, Plane]:
    """Return the lower left and upper right corner of a square around points (N, 2)."""
    low, high = points.min(axis=0), points.max(axis=0)
    reach = (0.5 + PLANE_MARGIN) * max(float((high - low).max()), 1e-3)
    center = (low + high) / 2
    return center - reach, center + reach


def _density(points: Plane, low: Plane, high: Plane) -> Plane:
    """Return how many points lie in each cell, from 0 to 1, small numbers enlarged."""
    finite = points[np.isfinite(points).all(axis=1)]
    ranges = [(low[1], high[1]), (low[0], high[0])]
    counts = np.histogram2d(finite[:, 1], finite[:, 0], bins=PLANE_CELLS, range=ranges)[0]
    shares: Plane = np.sqrt(counts / max(counts.max(), 1.0))
    return shares


def _verdicts(state: State, low: Plane, high: Plane) -> Plane | None:
    """Return what the discriminator says of each cell, from -1 for fake to 1 for real.

    Its middle is the median over the plane; None where it judges no points by themselves.
    """
    if state.conditional:
        return None
    shares = (np.arange(PLANE_CELLS) + 0.5) / PLANE_CELLS
    x, y = (low[axis] + shares * (high[axis] - low[axis]) for axis in range(2))
    cells = torch.from_numpy(np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)).float()
    try:
        scores = _scores(state, cells)
    except Exception:  # noqa: BLE001 - some need what only training has at hand
        return None
    if not np.isfinite(scores).all():
        return None
    apart = scores - np.median(scores)
    spread = max(float(np.quantile(np.abs(apart), 0.9)), 1e-12)
    bounded: Plane = np.tanh(apart / spread).reshape(PLANE_CELLS, PLANE_CELLS)
    return bounded


def _scores(state: State, points: Tensor) -> NDArray[np.float64]:
    """Return the logits of points (N, 2); where packs are judged, of packs of equal points."""
    judge = state.sampler().judge
    size = 64 // len(judge(Batch(points[:1].expand(64, 2))))
    logits = judge(Batch(torch.repeat_interleave(points, size, dim=0)))
    scores: NDArray[np.float64] = logits.reshape(len(points), -1).mean(1).double().numpy()
    return scores


def _colored(shares: Plane, ground: Plane, ink: Plane) -> Image.Image:
    """Return cells from 0 to 1 as a panel, from one color to another."""
    pixels = ground + shares[::-1, :, None] * (ink - ground)
    image = Image.fromarray(pixels.round().astype(np.uint8))
    return image.resize((PANEL, PANEL), Image.Resampling.NEAREST)


def _diverging(values: Plane) -> Image.Image:
    """Return cells from -1 to 1 as a panel: blue, white, orange."""
    ink = np.where(values[::-1, :, None] > 0, _ORANGE, _BLUE)
    pixels = _WHITE + np.abs(values[::-1, :, None]) * (ink - _WHITE)
    image = Image.fromarray(pixels.round().astype(np.uint8))
    return image.resize((PANEL, PANEL), Image.Resampling.BILINEAR)


def _modes(
    points: Plane, mixture: Mixture, captured: NDArray[np.bool_], low: Plane, high: Plane
) -> Image.Image:
    """Return the centers of a mixture over the points, filled where they are captured."""
    scale = 2  # drawn at twice the size, then reduced: that smooths the edges
    canvas = Image.new("RGB", (PANEL * scale, PANEL * scale), "white")
    pen = ImageDraw.Draw(canvas)

    def places(coordinates: Plane) -> Plane:
        shares = (coordinates - low) / (high - low)
        finite = np.nan_to_num(shares, nan=-1.0).clip(-1.0, 2.0)  # what is outside stays outside
        pixels: Plane = (finite * (1, -1) + (0, 1)) * PANEL * scale
        return pixels

    for x, y in places(points):
        pen.ellipse((x - 1, y - 1, x + 1, y + 1), fill=_GRAY)
    reach = max(6.0, min(14.0, PANEL * scale / 6 / len(mixture.centers) ** 0.5))
    for (x, y), full in zip(places(np.array(mixture.centers)), captured, strict=True):
        fill = (0, 114, 178) if full else (255, 255, 255)
        box = (x - reach, y - reach, x + reach, y + reach)
        pen.ellipse(box, fill=fill, outline=(213, 94, 0) if not full else (0, 80, 130), width=3)
    return canvas.resize((PANEL, PANEL), Image.Resampling.LANCZOS)
