# SPDX-License-Identifier: MIT
"""Points in the plane: fakes, reals, what the discriminator thinks everywhere, the warped grid."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganbench.data.dataset import Dataset
from ganbench.gan import Batch, Loss
from ganbench.lab.fixed_latents import repeated_for_packs, scores_of
from ganbench.lab.generator_arrows import generator_arrows
from ganbench.lab.point_bounds import PointBounds
from ganbench.lab.point_numbers import PointNumbers
from ganbench.lab.view import View, ViewPicture, as_floats
from ganbench.sampling.draw import draw, sampler_name
from ganbench.state import State

HEAT_CELLS = 64
GRID_LINES = 21
SHOWN_ARROWS = 400
GRID_REACH = 2.0
"""How far the latent grid reaches in each direction, in standard deviations of a normal prior."""

_SEEN = 10_000
"""How many real points decide what part of the plane is shown."""


class PointsView(View):
    """Shows points (D,) by their first two coordinates; the plane itself only where D is 2."""

    data: ClassVar = "points"
    count: ClassVar = 1000
    drawn: ClassVar = 2500

    def __init__(self, state: State, dataset: Dataset, loss: Loss) -> None:
        super().__init__(state, dataset, loss)
        seen = _plane(as_floats(dataset.values[:_SEEN]))
        self._bounds = PointBounds.around(seen)
        self._planar = state.data.shape == (2,)
        self.numbers = PointNumbers(seen, state.data.mixture, self._bounds)
        self._real_places = self._bounds.quantized(_plane(as_floats(self.reals.images)))

    @property
    def bounds(self) -> list[list[float]]:
        """The lowest and highest value of each axis."""
        return self._bounds.pairs()

    @property
    def modes(self) -> int | None:
        """How many modes the data have; None where nobody knows."""
        return self.numbers.modes

    def picture(
        self, fakes: Batch, scores: Tensor | None, real_scores: Tensor | None
    ) -> ViewPicture:
        """Return points, heat map, warped grid, arrows and numbers."""
        points = _plane(as_floats(fakes.images))
        picture = ViewPicture(
            header={"heat_range": None, "heat_level": None},
            arrays={
                "fake": self._bounds.quantized(points[: self.count]),
                "real": self._real_places,
            },
        )
        if self._planar:
            picture.numbers = self.numbers.of(self._measured(points))
            self._add_planes(picture, scores, real_scores)
        return picture

    def _measured(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the points that are measured: those of the sampler, where tricks change it."""
        if sampler_name(self.state) == "plain":
            return points
        seed = self.state.streams.seed
        return as_floats(draw(self.state, len(points), seed=seed, purpose="lab").samples)

    def _add_planes(
        self, picture: ViewPicture, scores: Tensor | None, real_scores: Tensor | None
    ) -> None:
        """Add what is drawn below and over the points."""
        heat = self.layer("heat", self._heat)
        if heat is not None and scores is not None and real_scores is not None:
            cells, picture.header["heat_range"] = self.scale.heat(heat)
            picture.header["heat_level"] = self.scale.level(real_scores, scores)
            picture.arrays["heat"] = cells.reshape(HEAT_CELLS, HEAT_CELLS)
        grid = self.layer("grid", lambda: self.fixed.around(self._grid).fakes(self.state).images)
        if grid is not None:
            places = self._bounds.quantized(as_floats(grid))
            picture.arrays["grid"] = places.reshape(GRID_LINES, GRID_LINES, 2)
        arrows = self.layer("arrows", self._arrows)
        if arrows is not None:
            reach = float(np.finfo(np.float16).max)
            picture.arrays["arrows"] = (
                np.nan_to_num(as_floats(arrows)).clip(-reach, reach).astype("f2")
            )

    def _heat(self) -> Tensor:
        """Return the discriminator's output over the plane, (cells ** 2,), over all classes."""
        images, size = self._cells
        if self.state.conditional is not True:
            return scores_of(self.state, Batch(images))[::size]
        classes = range(self.state.data.classes)
        labels = [torch.full((len(images),), label, device=images.device) for label in classes]
        each = [scores_of(self.state, Batch(images, label)) for label in labels]
        return torch.stack(each).mean(0)[::size]

    def _arrows(self) -> Tensor:
        count = min(SHOWN_ARROWS, len(self.reals))
        reals = self.reals.take(torch.arange(count, device=self.reals.images.device))
        return generator_arrows(self.state, self.fixed.first(count), reals)

    @cached_property
    def _cells(self) -> tuple[Tensor, int]:
        cells = torch.from_numpy(self._bounds.cell_centers(HEAT_CELLS)).to(self.state.device)
        if self.state.conditional:
            return cells, 1
        return repeated_for_packs(self.state, cells)

    @cached_property
    def _grid(self) -> Tensor:
        """The latents of the grid: the first two coordinates vary, the others stay in the middle.

        Where the variant has a prior of its own, they stay at those of the first fixed latent.
        """
        state = self.state
        reach = GRID_REACH if state.recipe.prior == "normal" else 1.0
        steps = torch.linspace(-reach, reach, GRID_LINES, device=state.device)
        across, up = torch.meshgrid(steps, steps, indexing="xy")
        middle = torch.zeros_like(self.fixed.latents[:1])
        if state.latent_prior is not None:
            middle = self.fixed.latents[:1]
        latents = middle.repeat(GRID_LINES**2, 1)
        latents[:, 0] = across.reshape(-1)
        if latents.shape[1] > 1:
            latents[:, 1] = up.reshape(-1)
        return latents

    def plain(self, images: Tensor) -> Any:
        """Return points as lists of coordinates."""
        return images.tolist()


def _plane(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return points (N, D) in the plane: the first two coordinates, or a line."""
    if points.shape[1] == 1:
        return np.concatenate([points, np.zeros_like(points)], axis=1)
    return points[:, :2]
